"""DOIs, ORCID iDs and ROR ids come out canonical, and wrong check sums are seen."""

import string

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import normalise

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"

texts = st.none() | st.text() | st.from_regex(r"(https?://)?(orcid\.org/|ror\.org/|doi:)?[0-9a-zX/.-]{0,20}")


def frame(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"identifier": pl.String, "kind": pl.String}, orient="row")


def read(function, *rows: tuple[str | None, str | None]) -> list:
    return frame(*rows).select(function(pl.col("identifier"), pl.col("kind"))).to_series().to_list()


def check_digit(digits: str) -> str:
    """The check digit of an ISO 7064 MOD 11-2 number, by the standard's own recursion."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11]


def check_sum(name: str) -> str:
    """The last two digits of a ROR id by ISO 7064 MOD 97-10 over its number in base 32."""
    number = 0
    for character in name:
        number = number * 32 + CROCKFORD.index(character)
    return f"{98 - number * 100 % 97:02}"


@pytest.mark.parametrize(
    "text",
    [
        "0000-0002-1825-0097",
        "0000000218250097",
        "https://orcid.org/0000-0002-1825-0097",
        "http://www.orcid.org/0000-0002-1825-0097/",
        "HTTPS://ORCID.ORG/0000-0002-1825-0097",
        "orcid.org/0000-0002-1825-0097",
        "ORCID: 0000-0002-1825-0097",
        "https://orcid.org/https://orcid.org/0000-0002-1825-0097",
        "  0000-0002-1825-0097 ",
    ],
)
def test_an_orcid_id_has_one_form(text: str) -> None:
    """Every spelling of an ORCID iD becomes its https address, and is valid."""
    assert read(normalise.orcid, (text, "ORCID")) == ["https://orcid.org/0000-0002-1825-0097"]
    assert read(normalise.orcid_valid, (text, "ORCID")) == [True]


def test_an_x_is_upper_case() -> None:
    """The check digit ten is an upper-case X."""
    assert read(normalise.orcid, ("0000-0002-1694-233x", "orcid")) == ["https://orcid.org/0000-0002-1694-233X"]
    assert read(normalise.orcid_valid, ("0000-0002-1694-233x", "orcid")) == [True]


def test_an_address_says_orcid_without_a_scheme() -> None:
    """An orcid.org address needs no scheme to be an ORCID iD."""
    assert read(normalise.orcid, ("https://orcid.org/0000-0002-1825-0097", None)) == [
        "https://orcid.org/0000-0002-1825-0097"
    ]


@pytest.mark.parametrize("kind", ["ISNI", None, ""])
def test_sixteen_digits_alone_are_no_orcid_id(kind: str | None) -> None:
    """The same digits under another scheme or none might be an ISNI: no ORCID iD, nothing to judge."""
    assert read(normalise.orcid, ("0000-0002-1825-0097", kind)) == [None]
    assert read(normalise.orcid_valid, ("0000-0002-1825-0097", kind)) == [None]


@pytest.mark.parametrize("text", ["0000-0002-1825-009", "n/a", "", "https://orcid.org/", "0000-0002-1825-0097x"])
def test_a_claim_that_is_no_orcid_id_is_invalid(text: str) -> None:
    """An invalid ORCID iD has no canonical form and is called invalid."""
    assert read(normalise.orcid, (text, "ORCID")) == [None]
    assert read(normalise.orcid_valid, (text, "ORCID")) == [False]


@given(st.from_regex(r"[0-9]{15}", fullmatch=True), st.sampled_from("0123456789X"))
def test_the_orcid_check_digit_is_that_of_the_standard(digits: str, last: str) -> None:
    """An ORCID iD is valid exactly if its last digit is the one that the standard computes."""
    assert read(normalise.orcid_valid, (digits + last, "ORCID")) == [last == check_digit(digits)]
    assert read(normalise.orcid_valid, (digits + check_digit(digits), "ORCID")) == [True]


@pytest.mark.parametrize(
    "text", ["https://ror.org/04wxnsj81", "04wxnsj81", "ror.org/04WXNSJ81", "http://ror.org/04wxnsj81/"]
)
def test_a_ror_id_has_one_form(text: str) -> None:
    """Every spelling of a ROR id becomes its https address, and is valid."""
    assert read(normalise.ror, (text, "ROR")) == ["https://ror.org/04wxnsj81"]
    assert read(normalise.ror_valid, (text, "ROR")) == [True]


@pytest.mark.parametrize("name", ["04wxnsj81", "03yrm5c26", "05dxps055", "00f54p054", "00hj8s172", "02e2c7k09"])
def test_real_ror_ids_are_valid(name: str) -> None:
    """Ids that the registry gave out pass."""
    assert read(normalise.ror_valid, (f"https://ror.org/{name}", None)) == [True]


@given(st.text(CROCKFORD, min_size=6, max_size=6), st.integers(0, 99))
def test_the_ror_check_sum_is_that_of_the_standard(name: str, given_sum: int) -> None:
    """A ROR id is valid exactly if its last two digits are those that the standard computes."""
    stated = f"{given_sum:02}"
    assert read(normalise.ror_valid, (f"0{name}{stated}", "ROR")) == [stated == check_sum(name)]
    assert read(normalise.ror_valid, (f"0{name}{check_sum(name)}", "ROR")) == [True]


@pytest.mark.parametrize(
    ("text", "kind", "valid"), [("grid.1", "GRID", None), ("04wxnsj81", None, None), ("x", "ROR", False)]
)
def test_ror_ids_are_judged_only_where_claimed(text: str, kind: str | None, valid: bool | None) -> None:
    """Another scheme's id is not judged; an invalid ROR id is called invalid."""
    assert read(normalise.ror, (text, kind)) == [None]
    assert read(normalise.ror_valid, (text, kind)) == [valid]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("10.7937/K9/TCIA.2015", "DOI"),
        (" 10.7937/K9/TCIA.2015 ", "doi"),
        ("https://doi.org/10.7937/K9/TCIA.2015", "DOI"),
        ("http://dx.doi.org/10.7937%2FK9/TCIA.2015", "URL"),
        ("doi:10.7937/k9/tcia.2015", None),
        ("https://doi.org/doi:10.7937/k9/tcia.2015", "DOI"),
    ],
)
def test_a_doi_has_one_form(text: str, kind: str | None) -> None:
    """A DOI by type or by its own spelling becomes bare and lower-case."""
    assert read(normalise.doi, (text, kind)) == ["10.7937/k9/tcia.2015"]


@pytest.mark.parametrize(
    ("text", "kind"), [("10.7937/x", "Handle"), ("unknown", "DOI"), ("10.7937", "DOI"), (None, "DOI")]
)
def test_what_is_no_doi_is_null(text: str | None, kind: str) -> None:
    """Neither a bare name of another type nor text of another form is taken for a DOI."""
    assert read(normalise.doi, (text, kind)) == [None]


@pytest.mark.parametrize(
    "text",
    [
        "501100001659",
        "10.13039/501100001659",
        "http://dx.doi.org/10.13039/501100001659",
        "https://data.crossref.org/fundingdata/funder/10.13039/501100001659",
    ],
)
def test_a_crossref_funder_id_is_a_doi(text: str) -> None:
    """A Crossref Funder ID, with or without its prefix, becomes a DOI."""
    assert read(normalise.funder_doi, (text, "Crossref Funder ID")) == ["10.13039/501100001659"]


@pytest.mark.parametrize("kind", ["DOI", "Other", None])
def test_the_prefix_of_the_funder_registry_says_what_an_id_is(kind: str | None) -> None:
    """With the registry's prefix an id is a Crossref Funder ID whatever it is called."""
    assert read(normalise.funder_doi, ("10.13039/501100001659", kind)) == ["10.13039/501100001659"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("501100001659", "Other"),
        ("501100001659", "DOI"),
        ("10.35802/1", "Other"),
        ("grid.1", "GRID"),
        ("soon", "Crossref Funder ID"),
    ],
)
def test_other_funder_ids_are_no_dois(text: str, kind: str) -> None:
    """A number is a Crossref Funder ID only where it is called one."""
    assert read(normalise.funder_doi, (text, kind)) == [None]


def test_a_doi_divides_at_its_first_slash() -> None:
    """Prefix and suffix divide at the first slash, whatever the suffix holds."""
    names = pl.DataFrame({"doi": ["10.1/a/b\nc", "10.1//x", "none"]})
    found = names.select(normalise.doi_prefix(pl.col("doi")), normalise.doi_suffix(pl.col("doi")).alias("suffix"))
    assert found.rows() == [("10.1", "a/b\nc"), ("10.1", "/x"), (None, None)]


@pytest.mark.parametrize("function", [normalise.doi, normalise.funder_doi, normalise.orcid, normalise.ror])
@given(rows=st.lists(st.tuples(texts, texts | st.sampled_from(["ORCID", "ROR", "DOI"])), max_size=10))
def test_canonical_forms_are_fixed_points(function, rows: list[tuple[str | None, str | None]]) -> None:
    """Any text can be read, and reading a canonical form again gives the same."""
    once = read(function, *rows)
    kinds = {normalise.doi: "DOI", normalise.funder_doi: "Crossref", normalise.orcid: "ORCID", normalise.ror: "ROR"}
    assert len(once) == len(rows)
    assert read(function, *((text, kinds[function]) for text in once)) == once


@pytest.mark.parametrize(
    ("canonical", "valid"), [(normalise.orcid, normalise.orcid_valid), (normalise.ror, normalise.ror_valid)]
)
@given(rows=st.lists(st.tuples(texts, texts | st.sampled_from(["ORCID", "ROR"])), max_size=10))
def test_only_what_has_a_canonical_form_is_valid(canonical, valid, rows: list[tuple[str | None, str | None]]) -> None:
    """Whatever is valid has a canonical form, and whatever has one is judged."""
    for form, judged in zip(read(canonical, *rows), read(valid, *rows), strict=True):
        assert form is not None or judged is not True
        assert form is None or judged is not None


@given(st.text(string.printable, max_size=12))
def test_a_row_is_read_alike_in_any_company(text: str) -> None:
    """What a row means does not depend on the rows beside it."""
    alone = read(normalise.orcid_valid, (text, "ORCID"))
    among = read(normalise.orcid_valid, (text, "ORCID"), ("0000-0002-1825-0097", "ORCID"), (text, "ORCID"))
    assert among == [*alone, True, *alone]
