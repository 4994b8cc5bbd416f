"""A profile after the FAIR principles: findable, accessible, interoperable, reusable."""

import polars as pl

from etl.audit.words import Need, Profile, is_filled

PROFILE = Profile(
    name="fair",
    title="FAIR metadata",
    description="Essential properties let a machine find, access and use the work; supporting ones connect it.",
    groups={"essential": "Essential", "support": "Supporting"},
    essential=("essential",),
    needs=(
        Need(number="F1", title="Identifier", group="essential", table="dois", value=pl.col("doi")),
        Need(number="F2", title="Title", group="essential", table="doi_titles", value=pl.col("title")),
        Need(number="F2", title="Creator", group="essential", table="doi_creators", value=pl.col("name")),
        Need(
            number="F2",
            title="Description",
            group="essential",
            table="doi_descriptions",
            value=pl.col("description"),
        ),
        Need(number="A1", title="Landing page", group="essential", table="dois", value=pl.col("url")),
        Need(
            number="I1",
            title="General resource type",
            group="essential",
            table="dois",
            value=pl.col("types_resource_type_general"),
        ),
        Need(
            number="R1.1",
            title="Licence with a URL or SPDX id",
            group="essential",
            table="doi_rights",
            value=pl.coalesce("spdx", "rights_uri"),
        ),
        Need(number="F2", title="Subject", group="support", table="doi_subjects", value=pl.col("subject")),
        Need(
            number="I3",
            title="ORCID iD",
            group="support",
            table="doi_creator_identifiers",
            value=pl.col("orcid"),
            met=pl.col("orcid_valid"),
        ),
        Need(
            number="I3",
            title="ROR id",
            group="support",
            table="doi_creator_affiliations",
            value=pl.col("ror"),
            met=pl.col("ror_valid"),
        ),
        Need(
            number="I3",
            title="Related identifier",
            group="support",
            table="doi_related_identifiers",
            value=pl.col("related_identifier"),
        ),
        Need(number="R1", title="Language", group="support", table="dois", value=pl.col("language")),
        Need(
            number="R1.2",
            title="Funder",
            group="support",
            table="doi_funding_references",
            value=pl.col("funder_name"),
            met=is_filled(pl.col("funder_name")),
        ),
        Need(number="R1.3", title="Format", group="support", table="doi_formats", value=pl.col("format")),
    ),
)
