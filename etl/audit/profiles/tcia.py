"""The profile of The Cancer Imaging Archive: the ten properties that a collection's DOI should have (api-notes 5.6)."""

import polars as pl

from etl.audit.words import Need, Profile, is_filled

_LICENCE = pl.coalesce("rights", "rights_identifier", "rights_uri")

PROFILE = Profile(
    name="tcia",
    title="The Cancer Imaging Archive: ten properties of a collection",
    description="Six properties that every DOI needs, and four starred ones that TCIA expects in addition.",
    groups={"required": "Required for a DOI", "star": "Recommended or optional in DataCite's schema, expected by TCIA"},
    essential=("required",),
    star="recommended or optional in DataCite's schema",
    needs=(
        Need(number="1", title="Identifier", group="required", table="dois", value=pl.col("doi")),
        Need(number="2", title="Creator", group="required", table="doi_creators", value=pl.col("name")),
        Need(number="3", title="Title", group="required", table="doi_titles", value=pl.col("title")),
        Need(number="4", title="Publisher", group="required", table="dois", value=pl.col("publisher")),
        Need(
            number="5",
            title="PublicationYear",
            group="required",
            table="dois",
            value=pl.col("publication_year").cast(pl.String),
        ),
        Need(
            number="10",
            title="ResourceType",
            group="required",
            table="dois",
            value=pl.concat_str(
                "types_resource_type_general", "types_resource_type", separator=" / ", ignore_nulls=True
            ),
            met=is_filled(pl.col("types_resource_type_general")),
        ),
        Need(
            number="11",
            title="AlternateIdentifier",
            group="star",
            table="doi_alternate_identifiers",
            value=pl.col("alternate_identifier"),
            star=True,
        ),
        Need(number="15", title="Version", group="star", table="dois", value=pl.col("version"), star=True),
        Need(number="16", title="Rights", group="star", table="doi_rights", value=_LICENCE, star=True),
        Need(
            number="17",
            title="Description",
            group="star",
            table="doi_descriptions",
            value=pl.col("description"),
            met=is_filled(pl.col("description")) & (pl.col("description_type") == "Abstract"),
            star=True,
        ),
    ),
)
