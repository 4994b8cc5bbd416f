"""Members: what providers were called in API v1."""

from etl.resources import forms
from etl.resources.columns import extra, integer, key, text, timestamp
from etl.resources.v1._columns import successor, updated
from etl.schema.declarations import Facet, Filter, Paging, Resource, Table

MAIN = Table(
    name="v1_members",
    description="One row per member of DataCite.",
    columns=(
        key("id", "id", "Id of the member, lower-case, such as tib."),
        text("title", "attributes.title", "Name of the member."),
        text("display_title", "attributes.display-title", "Display name; servers from 2019 on."),
        text("description", "attributes.description", "Description of the member; contains HTML."),
        text("member_type", "attributes.member-type", "allocating, non-allocating, provider and others."),
        text("organization_type", "attributes.organization-type", "Kind of organisation; servers from 2019 on."),
        text("institution_type", "attributes.institution-type", "Kind of institution; servers of 2018."),
        text("focus_area", "attributes.focus-area", "Field of research; servers from 2018 on."),
        text("region", "attributes.region", "Region: AMER, EMEA or APAC, or in words."),
        text("country", "attributes.country", "Country as a code or in words."),
        integer("year", "attributes.year", "Year in which the member joined."),
        text("logo_url", "attributes.logo-url", "URL of the logo."),
        text("email", "attributes.email", "E-mail address for questions."),
        text("website", "attributes.website", "URL of the member."),
        text("phone", "attributes.phone", "Telephone number."),
        timestamp("joined", "attributes.joined", "Day on which the member joined; servers from 2019 on."),
        timestamp("created", "attributes.created", "When the record was created; servers from 2017 on."),
        updated("member"),
        extra("member"),
    ),
)

RESOURCE = Resource(
    name="v1/members",
    dialect="v1",
    type="members",
    path="/members",
    description="Members of DataCite.",
    parent="member_id",
    tables=(MAIN,),
    paging=Paging.WHOLE,
    filters=(
        Filter(name="member-type", description="allocating or non-allocating."),
        Filter(name="region", description="amer, emea or apac."),
        Filter(name="year", description="Year in which the member joined.", form=forms.YEAR),
    ),
    facets=(
        Facet(name="member-types", size=1000, table="v1_members", column="member_type"),
        # The server counts regions by code but names them in words.
        Facet(name="regions", size=1000),
        Facet(name="years", size=1000, table="v1_members", column="year"),
    ),
    unmapped={"type": "always members", "relationships": "always empty"},
    successor=successor("providers"),
)
