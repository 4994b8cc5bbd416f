"""Licences become SPDX ids where an id or a well-known address says which they are."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import normalise
from etl.normalise.spdx_ids import IDS

Row = tuple[str | None, ...]
"""Identifier, scheme, address and, if there is one, the text."""


def read(*rows: Row) -> list[tuple[str | None, bool | None]]:
    names = ["identifier", "scheme", "uri", "text"]
    whole = [(*row, None)[:4] for row in rows]
    frame = pl.DataFrame(whole, schema=dict.fromkeys(names, pl.String), orient="row")
    identifier, scheme, uri, text = (pl.col(name) for name in names)
    return frame.select(
        normalise.spdx(identifier, scheme, uri, text), normalise.spdx_valid(identifier, scheme).alias("valid")
    ).rows()


def test_every_listed_id_is_valid_in_lower_case() -> None:
    """An id of the list, in DataCite's lower case, comes out in the list's own spelling."""
    ids = IDS.split()
    assert read(*((identifier.lower(), "SPDX", None) for identifier in ids)) == [(each, True) for each in ids]


def test_the_list_is_spdx_s_own() -> None:
    """Every id of the list is known to an independent copy of the SPDX list."""
    licenses = pytest.importorskip("packaging.licenses", reason="packaging's copy of the SPDX list is not installed")
    for identifier in IDS.split():
        assert licenses.canonicalize_license_expression(identifier) == identifier


def test_an_unknown_spdx_id_is_invalid() -> None:
    """What is stated as an SPDX id and is not on the list has no id and is called invalid."""
    assert read(("cc-by-5.0", "SPDX", None)) == [(None, False)]


def test_ids_of_other_schemes_are_not_judged() -> None:
    """An id of another scheme is not an SPDX id, even if it looks like one."""
    assert read(("cc-by-4.0", "Other", None)) == [(None, None)]


@pytest.mark.parametrize("scheme", [None, "", " "])
def test_an_id_without_a_scheme_counts_if_it_is_listed(scheme: str | None) -> None:
    """An id that nobody calls one of SPDX is read if it can be nothing else, and is not judged."""
    assert read((" MIT ", scheme, None), ("cc-by-5.0", scheme, None)) == [("MIT", None), (None, None)]


@pytest.mark.parametrize(
    ("text", "spdx"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("Licensed under CC BY (https://creativecommons.org/licenses/by-nc/3.0/de/legalcode).", "CC-BY-NC-3.0-DE"),
        ("See https://www.creativecommons.org/licenses/by/4.0.", "CC-BY-4.0"),
        ("CC0, CreativeCommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Creative Commons Attribution 4.0", None),
        ("https://creativecommons.org/", None),
        ("mit", None),
    ],
)
def test_an_address_of_creative_commons_within_the_text_counts(text: str, spdx: str | None) -> None:
    """The rights statement names the licence if it contains its URL and no other URL is given."""
    assert read((None, None, None, text), (None, None, " ", text)) == [(spdx, None)] * 2


@pytest.mark.parametrize(
    ("uri", "spdx"),
    [("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"), ("https://example.org/terms", None)],
)
def test_an_address_beside_the_text_hides_it(uri: str, spdx: str | None) -> None:
    """Where an address is stated it alone counts, even if it is that of no known licence."""
    assert read((None, None, uri, "http://creativecommons.org/licenses/by/3.0/")) == [(spdx, None)]


def test_the_address_tells_where_the_id_is_wrong() -> None:
    """A wrong id does not hide what the address says, and stays marked."""
    assert read(("nonsense", "SPDX", "https://creativecommons.org/licenses/by/4.0/")) == [("CC-BY-4.0", False)]


@pytest.mark.parametrize(
    ("uri", "spdx"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by/4.0", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode", "CC-BY-NC-SA-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/deed.de", "CC-BY-4.0"),
        ("HTTPS://WWW.CREATIVECOMMONS.ORG/licenses/by/3.0/de/", "CC-BY-3.0-DE"),
        ("https://creativecommons.org/licenses/by/3.0/xx/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-nd/3.0/igo/", "CC-BY-ND-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/legalcode", "CC0-1.0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://spdx.org/licenses/MIT.html", "MIT"),
        ("http://www.opensource.org/licenses/MIT", "MIT"),
        ("https://opensource.org/licenses/mit-license.php", "MIT"),
        ("https://opensource.org/licenses/BSD-3-Clause", "BSD-3-Clause"),
        ("https://opensource.org/licenses/GPL-3.0", "GPL-3.0-only"),
        ("http://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
        ("https://www.gnu.org/licenses/gpl-3.0.en.html", "GPL-3.0-only"),
        ("http://www.gnu.org/licenses/old-licenses/lgpl-2.1-standalone.html", "LGPL-2.1-only"),
        ("https://www.gnu.org/licenses/agpl-3.0.txt", "AGPL-3.0-only"),
        ("https://www.gnu.org/licenses/fdl-1.3", "GFDL-1.3-only"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("http://opendatacommons.org/licenses/by/1.0", "ODC-By-1.0"),
        ("http://www.opendatacommons.org/licenses/pddl/", "PDDL-1.0"),
        ("https://www.mozilla.org/en-US/MPL/2.0/", "MPL-2.0"),
        ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
    ],
)
def test_well_known_addresses_name_licences(uri: str, spdx: str) -> None:
    """The addresses of licence texts, in their many spellings, are read."""
    assert read((None, None, uri)) == [(spdx, None)]


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "info:eu-repo/semantics/openAccess",
        "https://creativecommons.org/licenses/by/",
        "https://example.org/mit",
        "https://creativecommons.org/licenses/by/9.9/",
        "https://www.gnu.org/licenses/gpl.html",
        "cc-by-4.0",
        "MIT",
    ],
)
def test_other_addresses_name_none(uri: str | None) -> None:
    """An address that names no licence, no version, or one that does not exist, gives no id."""
    assert read((None, None, uri)) == [(None, None)]


@given(
    st.lists(
        st.tuples(*[st.none() | st.text() | st.sampled_from(["SPDX", "mit", "https://spdx.org/licenses/mit"])] * 4)
    )
)
def test_any_rights_can_be_read(rows: list[Row]) -> None:
    """Reading never fails, and only ids of the list come out."""
    found = read(*rows)
    assert len(found) == len(rows)
    assert {spdx for spdx, _ in found} <= {None, *IDS.split()}
