"""The properties of DataCite Metadata Schema 4.6, and the details that make them useful."""

import polars as pl

from etl.audit.vocabularies import DATE_TYPES, RELATION_TYPES
from etl.audit.words import Level, Property, is_filled


def _of(number: str, key: str, title: str, level: Level, table: str, *columns: str) -> Property:
    """Declare a property that a record has if one of the columns is filled in one of the table's rows."""
    has = pl.any_horizontal([is_filled(pl.col(name)) for name in columns])
    return Property(id=key, title=title, level=level, table=table, has=has, number=number)


_M, _R, _O = Level.MANDATORY, Level.RECOMMENDED, Level.OPTIONAL
_BOX = ("geo_location_place", "point_latitude", "west_bound_longitude", "geo_location_polygon")

MAIN = (
    _of("1", "identifier", "Identifier", _M, "dois", "doi"),
    _of("2", "creator", "Creator", _M, "doi_creators", "name", "family_name"),
    _of("3", "title", "Title", _M, "doi_titles", "title"),
    _of("4", "publisher", "Publisher", _M, "dois", "publisher"),
    Property(
        id="publication-year",
        title="Publication year",
        level=_M,
        table="dois",
        has=pl.col("publication_year").is_not_null(),
        number="5",
    ),
    _of("6", "subject", "Subject", _R, "doi_subjects", "subject"),
    _of("7", "contributor", "Contributor", _R, "doi_contributors", "name", "family_name"),
    _of("8", "date", "Date", _R, "doi_dates", "date"),
    _of("9", "language", "Language", _O, "dois", "language"),
    _of("10", "resource-type", "Resource type", _M, "dois", "types_resource_type_general"),
    _of("11", "alternate-identifier", "Alternate identifier", _O, "doi_alternate_identifiers", "alternate_identifier"),
    _of("12", "related-identifier", "Related identifier", _R, "doi_related_identifiers", "related_identifier"),
    _of("13", "size", "Size", _O, "doi_sizes", "size"),
    _of("14", "format", "Format", _O, "doi_formats", "format"),
    _of("15", "version", "Version", _O, "dois", "version"),
    _of("16", "rights", "Rights", _O, "doi_rights", "rights", "rights_uri", "rights_identifier"),
    _of("17", "description", "Description", _R, "doi_descriptions", "description"),
    _of("18", "geo-location", "Geolocation", _R, "doi_geo_locations", *_BOX),
    _of("19", "funding-reference", "Funding reference", _O, "doi_funding_references", "funder_name"),
    _of("20", "related-item", "Related item", _O, "doi_related_items", "related_item_type", "relation_type"),
)


def _of_entries(key: str, title: str, number: str, table: str, *, unit: str, has: pl.Expr) -> Property:
    """Declare a detail whose share is of a list's entries."""
    return Property(id=key, title=title, level=Level.DETAIL, table=table, has=has, number=number, unit=unit)


def _of_records(key: str, title: str, number: str, table: str, has: pl.Expr) -> Property:
    """Declare a detail that a record has if one of a list's entries has it."""
    return Property(id=key, title=title, level=Level.DETAIL, table=table, has=has, number=number)


_PERSON = pl.col("name_type").fill_null("") != "Organizational"

DETAILS = (
    Property(
        id="orcid",
        title="ORCID iD of creators",
        level=Level.DETAIL,
        table="creators_identified",
        has=pl.col("orcid_valid"),
        number="2.4",
        unit="creators except organisations",
        among=_PERSON,
    ),
    _of_entries(
        "name-type", "Name type of creators", "2.1", "doi_creators", unit="creators", has=is_filled(pl.col("name_type"))
    ),
    _of_records("affiliation", "Affiliation of creators", "2.5", "doi_creator_affiliations", is_filled(pl.col("name"))),
    _of_entries(
        "ror", "ROR id of affiliations", "2.5", "doi_creator_affiliations", unit="affiliations", has=pl.col("ror_valid")
    ),
    _of_records("publisher-id", "Identifier of the publisher", "4", "dois", is_filled(pl.col("publisher_identifier"))),
    _of_records(
        "subject-scheme",
        "Subject from a vocabulary",
        "6",
        "doi_subjects",
        is_filled(pl.col("subject_scheme")) | is_filled(pl.col("value_uri")),
    ),
    _of_records(
        "resource-type-detail", "Free-text resource type", "10", "dois", is_filled(pl.col("types_resource_type"))
    ),
    _of_entries(
        "funder-id",
        "Identifier of funders",
        "19.2",
        "doi_funding_references",
        unit="funding references",
        has=is_filled(pl.col("funder_identifier")),
    ),
    _of_entries(
        "award",
        "Award number",
        "19.3",
        "doi_funding_references",
        unit="funding references",
        has=is_filled(pl.col("award_number")),
    ),
    _of_records("licence-id", "SPDX licence id", "16", "doi_rights", pl.col("spdx").is_not_null()),
    _of_records("licence-uri", "Licence URL", "16", "doi_rights", is_filled(pl.col("rights_uri"))),
    _of_records(
        "abstract",
        "Abstract",
        "17",
        "doi_descriptions",
        (pl.col("description_type") == "Abstract") & is_filled(pl.col("description")),
    ),
    _of_records("linked-doi", "Related DOI", "12", "doi_related_identifiers", pl.col("related_doi").is_not_null()),
)

BY_RELATION = tuple(
    Property(
        id=f"relation-{name}",
        title=name,
        level=Level.DETAIL,
        table="doi_related_identifiers",
        has=pl.col("relation_type") == name,
        number="12",
        group="relation",
    )
    for name in RELATION_TYPES
)

BY_DATE = tuple(
    Property(
        id=f"date-{name}",
        title=name,
        level=Level.DETAIL,
        table="doi_dates",
        has=(pl.col("date_type") == name) & is_filled(pl.col("date")),
        number="8",
        group="date",
    )
    for name in DATE_TYPES
)

PROPERTIES = (*MAIN, *DETAILS, *BY_RELATION, *BY_DATE)
