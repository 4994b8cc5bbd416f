"""Terms of the schema's controlled lists: whether they are listed, and listed in the record's schema version."""

import polars as pl

from etl.audit import vocabularies
from etl.audit.checks import is_newer, is_unlisted
from etl.audit.words import Rule, Severity, is_filled

_LISTS = (
    ("resource-type", "General resource type", "dois", "types_resource_type_general", vocabularies.RESOURCE_TYPES),
    ("relation", "Relation type", "doi_related_identifiers", "relation_type", vocabularies.RELATION_TYPES),
    ("identifier-type", "Related identifier type", "doi_related_identifiers", "related_identifier_type",
     vocabularies.IDENTIFIER_TYPES),
    ("date-type", "Date type", "doi_dates", "date_type", vocabularies.DATE_TYPES),
    ("contributor-type", "Contributor type", "doi_contributors", "contributor_type", vocabularies.CONTRIBUTOR_TYPES),
    ("title-type", "Title type", "doi_titles", "title_type", vocabularies.TITLE_TYPES),
    ("description-type", "Description type", "doi_descriptions", "description_type", vocabularies.DESCRIPTION_TYPES),
    ("name-type", "Name type (creator)", "doi_creators", "name_type", vocabularies.NAME_TYPES),
)  # fmt: skip

_UNLISTED = tuple(
    Rule(
        id=f"{key}-unlisted",
        title=f"Unlisted {title.lower()}",
        severity=Severity.ERROR,
        advice=f"Schema 4.6 allows: {', '.join(terms)}.",
        table=table,
        among=is_filled(pl.col(column)),
        bad=is_unlisted(pl.col(column), terms),
        value=column,
    )
    for key, title, table, column, terms in _LISTS
)

_NEWER = tuple(
    Rule(
        id=f"{key}-newer",
        title=f"{title} newer than the record's schema version",
        severity=Severity.NOTE,
        advice="Register the metadata again with the latest version of the schema.",
        table=table,
        among=pl.col("schema_version_id").is_not_null() & pl.col(column).is_not_null(),
        bad=is_newer(pl.col(column), terms, pl.col("schema_version_id")),
        value=pl.concat_str(pl.col(column), pl.lit(" in schema "), pl.col("schema_version_id")),
    )
    for key, title, table, column, terms in _LISTS
    if key != "name-type"  # the API derives name types itself, whatever the schema version
)

RULES = (
    *_UNLISTED,
    *_NEWER,
    Rule(
        id="schema-old",
        title="Outdated schema version (below 4)",
        severity=Severity.WARNING,
        advice="DataCite no longer accepts metadata below version 4; register it again with the latest version.",
        bad=pl.col("schema_version_id").cast(pl.Float64, strict=False) < 4,
        value="schema_version",
    ),
)
