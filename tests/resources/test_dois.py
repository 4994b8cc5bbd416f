"""The tables of DOIs hold what a record says, and what is read from it."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from etl import resources
from etl.records import flatten
from etl.records.parser import Parser
from etl.schema.declarations import Json

DOIS = resources.load("dois")

RECORD: Json = {
    "id": "10.7937/K9/TCIA.2015.ABC",
    "type": "dois",
    "attributes": {
        "doi": "10.7937/K9/TCIA.2015.ABC",
        "identifiers": [{"identifier": "TCIA-1", "identifierType": "Local"}],
        "alternateIdentifiers": [{"alternateIdentifier": "TCIA-1", "alternateIdentifierType": "Local"}],
        "creators": [
            {
                "name": "Curie, Marie",
                "nameType": "Personal",
                "givenName": "Marie",
                "familyName": "Curie",
                "affiliation": [
                    {
                        "name": "DataCite",
                        "affiliationIdentifier": "https://ror.org/04wxnsj81",
                        "affiliationIdentifierScheme": "ROR",
                    }
                ],
                "nameIdentifiers": [{"nameIdentifier": "0000-0002-1825-0097", "nameIdentifierScheme": "ORCID"}],
            },
            {"name": "A Group", "affiliation": ["MIT"], "nameIdentifiers": []},
        ],
        "titles": [{"title": "Scans"}, {"title": "Aufnahmen", "titleType": "TranslatedTitle", "lang": "de"}],
        "publisher": {"name": "TCIA", "publisherIdentifier": "https://ror.org/03yrm5c26"},
        "container": {},
        "publicationYear": 2015,
        "subjects": [{"subject": "cancer"}],
        "contributors": [{"name": "Host", "contributorType": "HostingInstitution"}],
        "dates": [{"date": "2014-02/2015", "dateType": "Collected"}, {}],
        "types": {"ris": "DATA", "resourceTypeGeneral": "Dataset", "resourceType": "CT"},
        "relatedIdentifiers": [
            {"relatedIdentifier": "https://doi.org/10.1/X", "relatedIdentifierType": "DOI", "relationType": "Cites"}
        ],
        "relatedItems": [
            {
                "relatedItemType": "Journal",
                "relationType": "IsPublishedIn",
                "relatedItemIdentifier": {"relatedItemIdentifier": "1234-5678", "relatedItemIdentifierType": "ISSN"},
                "titles": [{"title": "Journal of Scans"}],
                "creators": [{"name": "Editor, An"}],
                "contributors": [{"name": "Other, An", "contributorType": "Editor"}],
            }
        ],
        "sizes": ["1 GB"],
        "formats": ["application/dicom"],
        "version": "2",
        "rightsList": [{"rights": "CC BY", "rightsUri": "https://creativecommons.org/licenses/by/4.0/"}],
        "descriptions": [{"description": "Many scans.", "descriptionType": "Abstract"}],
        "geoLocations": [
            {
                "geoLocationPlace": "Bethesda",
                "geoLocationPoint": {"pointLatitude": "39.0", "pointLongitude": -77.1},
                "geoLocationBox": {
                    "westBoundLongitude": "-78",
                    "eastBoundLongitude": "-77",
                    "southBoundLatitude": "38,5",
                    "northBoundLatitude": "39.5",
                },
            },
            {"geoLocationPolygon": [{"polygonPoint": {"pointLatitude": "1", "pointLongitude": "2"}}]},
        ],
        "fundingReferences": [
            {"funderName": "NCI", "funderIdentifier": "100000054", "funderIdentifierType": "Crossref Funder ID"}
        ],
        "xml": "PHhtbC8+",
        "url": "https://example.org/scans",
        "contentUrl": ["https://example.org/scans.zip"],
        "metadataVersion": 3,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "isActive": True,
        "state": "findable",
        "landingPage": {"status": 200},
        "viewCount": 5,
        "viewsOverTime": [{"yearMonth": "2020-01", "total": 2}, {"yearMonth": "2020-02", "total": 3}],
        "downloadsOverTime": [],
        "citationCount": 1,
        "citationsOverTime": [{"year": "2021", "total": 1}],
        "referenceCount": 1,
        "created": "2015-06-01T12:00:00.000Z",
        "registered": "2015-06-02T12:00:00Z",
        "published": "2015-06",
        "updated": "2020-01-01T00:00:00Z",
        "brandNew": {"a": 1},
    },
    "relationships": {
        "client": {"data": {"id": "nihnci.tcia", "type": "clients"}},
        "provider": {"data": {"id": "nihnci", "type": "providers"}},
        "references": {"data": [{"id": "10.1/x", "type": "dois"}, {"id": "10.1/y", "type": "dois"}]},
        "partOf": {"data": []},
    },
}


def read(*records: Json) -> dict[str, pl.DataFrame]:
    nested = Parser(DOIS).parse([json.dumps(record).encode() for record in records]).table
    frames: dict[str, pl.DataFrame] = {}
    for table in DOIS.tables:
        made = flatten.build(DOIS, table, frames) if table.build else flatten.flatten(DOIS, table, nested)
        frames[table.name] = made
    return frames


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return read(RECORD)


def values(frame: pl.DataFrame, *columns: str) -> list[tuple]:
    return frame.select(columns).rows()


def test_a_doi_has_one_row_with_its_attributes(tables: dict[str, pl.DataFrame]) -> None:
    """Single values of a record are in one row under a lower-case DOI."""
    row = tables["dois"].row(0, named=True)
    wanted = {
        "doi": "10.7937/k9/tcia.2015.abc",
        "prefix": "10.7937",
        "suffix": "k9/tcia.2015.abc",
        "publisher": "TCIA",
        "publisher_ror": "https://ror.org/03yrm5c26",
        "publisher_ror_valid": True,
        "publication_year": 2015,
        "published_start": date(2015, 6, 1),
        "published_end": date(2015, 6, 30),
        "types_ris": "DATA",
        "types_resource_type": "CT",
        "resource_type_id": "dataset",
        "schema_version_id": "4",
        "container_type": None,
        "client_id": "nihnci.tcia",
        "provider_id": "nihnci",
        "is_active": True,
        "view_count": 5,
        "part_count": None,
        "created": datetime(2015, 6, 1, 12, tzinfo=UTC),
        "created_year": 2015,
        "registered_year": 2015,
        "xml": "PHhtbC8+",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert json.loads(row["landing_page"]) == {"status": 200}
    assert "brandNew" in row["extra"]


@pytest.mark.parametrize(
    ("table", "columns", "rows"),
    [
        ("doi_creators", "position name family_name", [(0, "Curie, Marie", "Curie"), (1, "A Group", None)]),
        (
            "doi_creator_affiliations",
            "creator_position position name ror ror_valid",
            [(0, 0, "DataCite", "https://ror.org/04wxnsj81", True), (1, 0, "MIT", None, None)],
        ),
        (
            "doi_creator_identifiers",
            "creator_position position orcid orcid_valid",
            [(0, 0, "https://orcid.org/0000-0002-1825-0097", True)],
        ),
        ("doi_contributors", "position contributor_type name", [(0, "HostingInstitution", "Host")]),
        ("doi_titles", "position title lang", [(0, "Scans", None), (1, "Aufnahmen", "de")]),
        ("doi_subjects", "position subject", [(0, "cancer")]),
        (
            "doi_dates",
            "position date date_start date_end",
            [(0, "2014-02/2015", date(2014, 2, 1), date(2015, 12, 31)), (1, None, None, None)],
        ),
        ("doi_descriptions", "position description", [(0, "Many scans.")]),
        ("doi_rights", "position rights spdx spdx_valid", [(0, "CC BY", "CC-BY-4.0", None)]),
        ("doi_alternate_identifiers", "position alternate_identifier", [(0, "TCIA-1")]),
        ("doi_detail_alternate_identifiers", "position alternate_identifier", [(0, "TCIA-1")]),
        ("doi_sizes", "position size", [(0, "1 GB")]),
        ("doi_formats", "position format", [(0, "application/dicom")]),
        ("doi_content_urls", "position content_url", [(0, "https://example.org/scans.zip")]),
        ("doi_related_identifiers", "position relation_type related_doi", [(0, "Cites", "10.1/x")]),
        ("doi_related_items", "position related_item_identifier", [(0, "1234-5678")]),
        ("doi_related_item_titles", "item_position position title", [(0, 0, "Journal of Scans")]),
        ("doi_related_item_creators", "item_position position name", [(0, 0, "Editor, An")]),
        ("doi_related_item_contributors", "item_position position contributor_type", [(0, 0, "Editor")]),
        ("doi_funding_references", "position funder_name funder_doi", [(0, "NCI", "10.13039/100000054")]),
        (
            "doi_relationships",
            "relation position target_id target_type",
            [
                ("client", 0, "nihnci.tcia", "clients"),
                ("provider", 0, "nihnci", "providers"),
                ("references", 0, "10.1/x", "dois"),
                ("references", 1, "10.1/y", "dois"),
            ],
        ),
        (
            "doi_metrics_over_time",
            "metric position period total",
            [("views", 0, "2020-01", 2), ("views", 1, "2020-02", 3), ("citations", 0, "2021", 1)],
        ),
    ],
)
def test_lists_have_a_row_an_entry(tables: dict[str, pl.DataFrame], table: str, columns: str, rows: list) -> None:
    """Every entry of every list has a row with its position under the DOI."""
    assert values(tables[table], "doi", *columns.split()) == [("10.7937/k9/tcia.2015.abc", *row) for row in rows]


def test_places_are_numbers_beside_the_text(tables: dict[str, pl.DataFrame]) -> None:
    """Coordinates are kept as stated and given as numbers, polygons as JSON."""
    point, polygon = tables["doi_geo_locations"].rows(named=True)
    assert (point["point_latitude"], point["latitude"], point["longitude"]) == ("39.0", 39.0, -77.1)
    assert (point["west"], point["east"], point["south"], point["north"]) == (-78.0, -77.0, 38.5, 39.5)
    assert json.loads(polygon["geo_location_polygon"])[0]["polygonPoint"]["pointLatitude"] == "1"


def test_the_old_forms_of_publisher_and_affiliation_are_read() -> None:
    """A bare name where the API now gives an object is that object's name."""
    old = {"publisher": "TCIA", "creators": [{"name": "X", "affiliation": "MIT"}]}
    tables = read({"id": "10.1/a", "attributes": old})
    assert values(tables["dois"], "publisher", "publisher_identifier") == [("TCIA", None)]
    assert values(tables["doi_creator_affiliations"], "creator_position", "position", "name") == [(0, 0, "MIT")]


@pytest.mark.parametrize(
    ("attribute", "table", "column"),
    [
        ("titles", "doi_titles", "title"),
        ("subjects", "doi_subjects", "subject"),
        ("creators", "doi_creators", "name"),
        ("contributors", "doi_contributors", "name"),
        ("dates", "doi_dates", "date"),
        ("descriptions", "doi_descriptions", "description"),
        ("rightsList", "doi_rights", "rights"),
        ("geoLocations", "doi_geo_locations", "geo_location_place"),
        ("identifiers", "doi_alternate_identifiers", "alternate_identifier"),
        ("alternateIdentifiers", "doi_detail_alternate_identifiers", "alternate_identifier"),
        ("relatedIdentifiers", "doi_related_identifiers", "related_identifier"),
        ("fundingReferences", "doi_funding_references", "funder_name"),
    ],
)
def test_an_entry_that_is_plain_text_is_its_main_value(attribute: str, table: str, column: str) -> None:
    """Text in place of an object fills the main column of the list, and is not rejected."""
    record = {"id": "10.1/a", "attributes": {attribute: ["ark:/13030/m5br8st1", {}]}}
    parsed = Parser(DOIS).parse([json.dumps(record).encode()])
    assert parsed.issues == ()
    assert values(read(record)[table], "position", column) == [(0, "ark:/13030/m5br8st1"), (1, None)]


def test_the_list_view_asks_for_objects_without_facets() -> None:
    """Lists are asked for in the forms that the columns are declared for, and without facets on each page."""
    assert DOIS.params == {"affiliation": "true", "publisher": "true", "disable-facets": "true"}
    assert DOIS.detail == {"detail": "true"}


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("dois", "doi created updated version url view_count citation_count reference_count"),
        ("doi_alternate_identifiers", "alternate_identifier"),
        ("doi_creators", "given_name family_name name"),
        ("doi_creator_identifiers", "name_identifier"),
        ("doi_titles", "title"),
        ("doi_related_identifiers", "relation_type related_identifier"),
        ("doi_rights", "rights rights_uri"),
        ("doi_descriptions", "description"),
        ("doi_funding_references", "funder_name funder_identifier award_number award_uri award_title"),
    ],
)
def test_a_curator_finds_what_getdoi_gave(tables: dict[str, pl.DataFrame], table: str, columns: str) -> None:
    """Everything that tcia_utils' getDoi() showed has a column here."""
    assert set(columns.split()) <= set(tables[table].columns)


def test_records_of_2018_fill_the_columns_of_today() -> None:
    """Names with dashes mean the current names with capitals; the relationship to the type is a row like any other."""
    dashed = {"schema-version": "http://datacite.org/schema/kernel-4", "is-active": True, "metadata-version": 2}
    linked = {"resource-type": {"data": {"id": "dataset", "type": "resource-types"}}}
    tables = read({"id": "10.1/a", "type": "dois", "attributes": dashed, "relationships": linked})
    assert values(tables["dois"], "schema_version_id", "is_active", "metadata_version", "extra") == [
        ("4", True, 2, None)
    ]
    assert values(tables["doi_relationships"], "relation", "target_id", "target_type") == [
        ("resourceType", "dataset", "resource-types")
    ]
