"""Every rule with values that are good, bad and on the edge; those marked real stand in recorded bodies of the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from etl.audit.words import rules
from tests.audit.records import broken, doi

pytestmark = pytest.mark.slow


def related(kind: str, *names: str | None) -> list[dict[str, Any]]:
    return [
        {"relatedIdentifiers": [{"relatedIdentifier": n, "relatedIdentifierType": kind, "relationType": "IsPartOf"}]}
        for n in names
    ]


def dates(kind: str, *texts: str | None) -> list[dict[str, Any]]:
    return [{"dates": [{"date": text, "dateType": kind}]} for text in texts]


def points(*pairs: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"geoLocations": [{"geoLocationPoint": {"pointLatitude": a, "pointLongitude": b}}]} for a, b in pairs]


def boxes(*bounds: tuple[Any, Any, Any, Any]) -> list[dict[str, Any]]:
    names = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
    return [{"geoLocations": [{"geoLocationBox": dict(zip(names, one, strict=True))}]} for one in bounds]


def people(where: str, *orcids: str) -> list[dict[str, Any]]:
    return [
        {where: [{"name": "A", "nameIdentifiers": [{"nameIdentifier": o, "nameIdentifierScheme": "ORCID"}]}]}
        for o in orcids
    ]


def employers(where: str, *rors: str) -> list[dict[str, Any]]:
    scheme = "affiliationIdentifierScheme"
    return [
        {where: [{"name": "A", "affiliation": [{"name": "B", "affiliationIdentifier": r, scheme: "ROR"}]}]}
        for r in rors
    ]


def entries(where: str, what: str, *texts: str | None, **more: str) -> list[dict[str, Any]]:
    return [{where: [{what: text, **more}]} for text in texts]


def plain(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def schema(version: str, *attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"schemaVersion": f"http://datacite.org/schema/kernel-{version}", **one} for one in attributes]


def types(name: str | None) -> dict[str, Any]:
    return {"types": {"resourceTypeGeneral": name}}


def funder(name: str | None, kind: str) -> dict[str, Any]:
    return {"fundingReferences": [{"funderName": "F", "funderIdentifier": name, "funderIdentifierType": kind}]}


TEXTS = {
    "title": lambda *t: entries("titles", "title", *t),
    "creator": lambda *t: entries("creators", "name", *t),
    "publisher": lambda *t: [{"publisher": {"name": text}} for text in t],
    "description": lambda *t: entries("descriptions", "description", *t, descriptionType="Other"),
    "subject": lambda *t: entries("subjects", "subject", *t),
}
GOOD_ORCID, BAD_ORCID = "https://orcid.org/0000-0002-1825-0097", "https://orcid.org/4434-4343-4323-3654"
GOOD_ROR, BAD_ROR = "https://ror.org/04wxnsj81", "https://ror.org/04wxnsj82"

# Rule: attributes that it lets pass, and attributes that it finds.
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "landing-page-form": (
        plain("url", None, "https://example.org/a", "http://example.org", "ftp://ftp.example.org/x?y=1"),
        plain(
            "url", "http://localhost:3000/stash/dataset/doi:10.7959/dryad.n8pk0p60", "example.org/a", "https://a b.c"
        ),
    ),
    "creator-orcid": (people("creators", GOOD_ORCID, "0000-0002-1694-233X"), people("creators", BAD_ORCID, "tba")),
    "contributor-orcid": (
        people("contributors", GOOD_ORCID),
        people("contributors", "https://orcid.org/0000-0001-6157-8809"),
    ),
    "creator-affiliation-ror": (employers("creators", GOOD_ROR), employers("creators", BAD_ROR, "grid.1")),
    "contributor-affiliation-ror": (employers("contributors", GOOD_ROR), employers("contributors", BAD_ROR)),
    "funder-identifier": (
        [
            funder("https://doi.org/10.13039/501100000780", "Crossref Funder ID"),
            funder("501100000780", "Crossref Funder ID"),
            funder(GOOD_ROR, "ROR"),
            funder(None, "ROR"),
            funder("anything", "Other"),
        ],
        [funder("EC", "Crossref Funder ID"), funder(BAD_ROR, "ROR")],
    ),
    "issn": (
        related("ISSN", "1836-716X", "00219673", "0276-7333", "ISSN 1932-6203") + related("EISSN", "2310-6018"),
        related("ISSN", "1836-7161", "1234") + related("LISSN", "0") + related("EISSN", "123456"),
    ),
    "isbn": (
        related("ISBN", "9781107415416", "978-0-511-54601-3", "0-306-40615-2", "080442957X"),
        related("ISBN", "123456789", "9781107415417", "0-306-40615-3"),
    ),
    "related-doi": (
        related("DOI", "10.1371/journal.pone.0197753", "https://doi.org/10.1/x", "doi:10.5/ABC"),
        related("DOI", "http://opencommons.uconn.edu/gs_theses/1176", "10.5"),
    ),
    "related-url": (
        related("URL", "https://example.org/a%20b", "http://example.org:8080/?q=1#x"),
        related("URL", "ENENENENEEEAAAANNN", "api.neotomadb.org/v1/downloads/3157", "https://01234"),
    ),
    "related-empty": (related("DOI", "10.1/x"), related("DOI", None, "", "  ")),
    "licence-spdx": (
        entries("rightsList", "rightsIdentifier", "cc-by-4.0", "CC-BY-4.0", rightsIdentifierScheme="SPDX"),
        entries("rightsList", "rightsIdentifier", "cc-by-5.0", rightsIdentifierScheme="SPDX"),
    ),
    "licence-address": (
        entries("rightsList", "rightsUri", "https://creativecommons.org/licenses/by/4.0/legalcode"),
        entries("rightsList", "rightsUri", "info:eu-repo/semantics/openAccess", "CC BY"),
    ),
    "date-unreadable": (
        dates("Collected", "2017", "2017-04-07", "2004-03-02/2005-06-02", "2004/", None, "\n 1970-04-01 / (:tba)\n")
        + dates("Collected", "2005/2004"),
        dates("Collected", "07.04.2017", "\n (:tba)\n"),
    ),
    "date-reversed": (
        dates("Collected", "2004/2005", "2004-05-05/2004-05-05", "2004/2004-01-01"),
        dates("Collected", "2005/2004", "2004-05-06/2004-05-05"),
    ),
    "date-future": (
        dates("Issued", "2026-11-21", "2026") + dates("Available", "2030-01-01"),
        dates("Issued", "2549", "2026-11-22"),
    ),
    "date-before-1500": (
        dates("Created", "1500", "1500-01-01/1600") + dates("Coverage", "0800"),
        dates("Created", "1499-12-31", "0017-03-01"),
    ),
    "date-empty": (dates("Created", "tba"), dates("Created", None, "", " ")),
    "year-implausible": (
        plain("publicationYear", 1500, 2026, 2027, None),
        plain("publicationYear", 1493, 2549, 2028, 0),
    ),
    "year-against-issued": (
        [{"publicationYear": 2017, **one} for one in dates("Issued", "2017-12-07", "2017", "2016/2018", "tba")],
        [{"publicationYear": 1932, **one} for one in dates("Issued", "2017-12-07", "1931", "1933/1934")],
    ),
    "coordinates-swapped": (points(("89", "170"), (-90, 180), ("100", "100")), points(("-122.4", "37.8"), (170, 90))),
    "coordinates-range": (points((90, -180), ("52,5", "13,4"), (170, 90)), points((91, 100), (0, 181), (3e6, 5e5))),
    "coordinates-unreadable": (points(("52.5", "13.4")), points(("52° 30'", "13.4"), ("north", "east"))),
    "coordinates-zero": (points((0, 0.1)), points((0, 0), ("0.0", "-0"))),
    "box-range": (boxes((-180, -90, 180, 90)), boxes((-181, 0, 1, 1), (0, 0, 1, 90.5))),
    "box-upside-down": (
        boxes((170, 1, -170, 2), (0, 5, 1, 5)),
        boxes(("-68.211", "42.893", "-71.032", "41.09")),
    ),
    "language-unknown": (
        plain("language", None, "en", "en-GB", "pt-BR", "zh-Hant-TW", "eng", "de-1996", "haw"),
        plain("language", "English", "xx", "e", "en_US", "en-"),
    ),
    "language-three-letters": (plain("language", "en", "haw", "English", "eo"), plain("language", "eng", "ger", "deu")),
    "title-language": (
        entries("titles", "lang", "en", "en-us", None, title="T"),
        entries("titles", "lang", "english", "xx", title="T"),
    ),
    "schema-old": (schema("4", {}) + schema("4.6", {}) + [{}], schema("3", {}) + schema("2.2", {})),
    "title-markup": (
        entries("titles", "title", "p < 0.05 and q > 3", "AT&T; a & b", "1<2>3"),
        entries(
            "titles",
            "title",
            "Molecular comparisons of <i>Salsola tragus</i>",
            "Restructuring &amp; Reimagining Digital Collections",
            "a<br/>b",
        ),
    ),
    "resource-type-unlisted": ([types("Dataset"), types("Award"), types(None)], [types("dataset"), types("Thesis")]),
    "resource-type-newer": (
        schema("3", types("Dataset"))
        + schema("4", types("Award"))
        + schema("4.4", types("Preprint"))
        + [types("Book")],
        schema("3", types("Preprint")) + schema("4.4", types("Instrument")) + schema("2.2", types("DataPaper")),
    ),
}
_LISTS: dict[str, tuple[str, str, str, str, str | None]] = {
    # A list, an attribute of an entry, an old term, a term of no list, and a term that came with 4.
    "relation": ("relatedIdentifiers", "relationType", "IsPartOf", "isPartOf", "IsPublishedIn"),
    "identifier-type": ("relatedIdentifiers", "relatedIdentifierType", "DOI", "doi", "w3id"),
    "date-type": ("dates", "dateType", "Issued", "Published", "Withdrawn"),
    "contributor-type": ("contributors", "contributorType", "Editor", "Author", "DataCurator"),
    "title-type": ("titles", "titleType", "Subtitle", "MainTitle", "Other"),
    "description-type": ("descriptions", "descriptionType", "Abstract", "Summary", "TechnicalInfo"),
    "name-type": ("creators", "nameType", "Personal", "Person", None),
}
for _key, (_where, _what, _old, _none, _new) in _LISTS.items():
    CASES[f"{_key}-unlisted"] = (entries(_where, _what, _old, None), entries(_where, _what, _none))
    if _new:
        CASES[f"{_key}-newer"] = (
            schema("3", *entries(_where, _what, _old)) + schema("4", *entries(_where, _what, _new)),
            schema("3", *entries(_where, _what, _new)),
        )
for _key, _say in TEXTS.items():
    _fine = _say("Testing of materials", "Unknown Pleasures", "N/A-type stars", "São Paulo, Ålesund, 大阪")
    CASES[f"{_key}-placeholder"] = (
        _fine,
        _say("(:unav)", ":unav", "N/A", "n.a.", "TODO", "Test Title", "--", "tba"),
    )
    CASES[f"{_key}-encoding"] = (_fine, _say("Mester, Zolt\ufffdn", "Amir ZaÃ¯m", "Itâ€™s", "25 Â°C"))
    CASES[f"{_key}-empty"] = (_fine, _say("", "  "))


@pytest.mark.parametrize("name", CASES)
def test_a_rule_finds_the_bad_values_and_no_good_one(name: str) -> None:
    """Good values pass, bad ones are found with the DOI and the value."""
    good, bad = CASES[name]
    records = [doi(f"10.1234/good{n}", **attributes) for n, attributes in enumerate(good)]
    records += [doi(f"10.1234/bad{n}", **attributes) for n, attributes in enumerate(bad)]
    found = {one for one, _ in broken(records).get(name, [])}
    assert found == {f"10.1234/bad{n}" for n in range(len(bad))}


def test_an_unusual_doi_is_found() -> None:
    """A registrant's number has four digits or more, and a suffix has no blanks."""
    found = broken([doi("10.1234/a"), doi("10.5281/zenodo.1"), doi("10.12/a"), doi("10.1234/a b")])
    assert [one for one, _ in found["doi-form"]] == ["10.12/a", "10.1234/a b"]


def test_duplicates_agree_in_title_creators_and_year() -> None:
    """Case and punctuation of the title do not matter; another creator or year makes another work."""
    same = {"titles": [{"title": "Sea ice, daily"}], "publicationYear": 2020}
    records = [
        doi("10.1234/a", **same),
        doi("10.1234/b", **{**same, "titles": [{"title": "SEA ICE - daily"}]}),
        doi("10.1234/c", **{**same, "publicationYear": 2021}),
        doi("10.1234/d", **{**same, "creators": [{"name": "Hahn, Otto"}]}),
        doi("10.1234/e", **{**same, "creators": []}),
    ]
    assert [one for one, _ in broken(records)["duplicate"]] == ["10.1234/a", "10.1234/b"]


def test_a_relation_within_the_dataset_wants_its_inverse() -> None:
    """A relation that is answered passes, and so does one that leads out of the dataset."""

    def points_to(name: str, relation: str) -> dict[str, Any]:
        entry = {"relatedIdentifier": name, "relatedIdentifierType": "DOI", "relationType": relation}
        return {"relatedIdentifiers": [entry]}

    records = [
        doi("10.1234/whole", **points_to("10.1234/PART", "HasPart")),
        doi("10.1234/part", **points_to("10.1234/whole", "IsPartOf")),
        doi("10.1234/out", **points_to("10.9999/elsewhere", "Cites")),
        doi("10.1234/lone", **points_to("10.1234/whole", "Cites")),
    ]
    assert broken(records)["relation-one-sided"] == [("10.1234/lone", "Cites 10.1234/whole")]


def test_a_later_version_names_another() -> None:
    """Versions from 2 on need a relation to another version; 1.9 is a first version."""
    link = {"relatedIdentifier": "10.1/x", "relatedIdentifierType": "DOI", "relationType": "IsNewVersionOf"}
    linked = {"relatedIdentifiers": [link]}
    records = [
        doi("10.1234/a", version="1.9"),
        doi("10.1234/b", version="v2", **linked),
        doi("10.1234/c", version="Version 2.0"),
        doi("10.1234/d", version="20190301"),
        doi("10.1234/e", version="3"),
    ]
    assert [one for one, _ in broken(records)["version-alone"]] == ["10.1234/c", "10.1234/e"]


@pytest.mark.parametrize(("many", "found"), [(9, 0), (10, 10)])
def test_a_landing_page_of_many_dois_is_found(many: int, found: int) -> None:
    """Ten DOIs on one page are too many, nine are not yet."""
    records = [doi(f"10.1234/{n}", url="http://www.gbif.org/datasets") for n in range(many)]
    assert len(broken(records).get("landing-page-shared", [])) == found


@pytest.mark.parametrize(
    ("last", "many", "found"),
    [("2025-11-20", 10, True), ("2025-11-21", 10, False), ("2020-01-01", 9, False), ("2026-11-20", 99, False)],
)
def test_a_client_that_went_quiet_is_found(last: str, many: int, found: bool) -> None:
    """More than a year without a new DOI is quiet, for clients that had ten or more."""
    records = [doi(f"10.1234/{n:03}", client="usgs.dev", created=f"{last}T00:00:00Z") for n in range(many)]
    expected = [(f"10.1234/{many - 1:03}", f"usgs.dev: last DOI on {last}")] if found else None
    assert broken(records).get("client-quiet") == expected


def test_every_rule_is_tested_here_and_says_what_to_do() -> None:
    """A rule that is dropped in without good and bad values fails; ids are unique; advice is a sentence."""
    elsewhere = {
        "doi-form", "duplicate", "relation-one-sided", "version-alone", "landing-page-shared", "client-quiet",
    }  # fmt: skip
    ids = [rule.id for rule in rules()]
    assert set(ids) == CASES.keys() | elsewhere
    assert len(set(ids)) == len(ids)
    assert all(rule.title and rule.advice.endswith(".") for rule in rules())


def test_nothing_is_found_in_a_record_that_is_well() -> None:
    """A record with everything right has no finding at all."""
    record = doi(
        "10.5281/zenodo.3678171",
        creators=[{"name": "Curie, Marie", "nameType": "Personal", **people("creators", GOOD_ORCID)[0]["creators"][0]}],
        publisher={"name": "Zenodo"},
        publicationYear=2020,
        dates=[{"date": "2020-02-20", "dateType": "Issued"}],
        types={"resourceTypeGeneral": "Dataset"},
        language="en",
        schemaVersion="http://datacite.org/schema/kernel-4",
        url="https://zenodo.org/record/3678171",
        created=datetime(2020, 2, 20, tzinfo=UTC).isoformat(),
    )
    assert broken([record]) == {}
