"""Contributors: the people and groups known to API v1 by ORCID iD or GitHub name."""

from etl.resources.columns import extra, key, text
from etl.resources.v1._columns import orcid_read, successor, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_contributors",
    description="One row per contributor: a person with an ORCID iD or a GitHub account.",
    columns=(
        key("id", "id", "URL of the contributor at ORCID or GitHub, lower-case."),
        text("given", "attributes.given", "Given names."),
        text("family", "attributes.family", "Family name."),
        text("literal", "attributes.literal", "Name that is not split into given and family names."),
        text("orcid", "attributes.orcid", "ORCID iD, digits only."),
        text("github", "attributes.github", "GitHub name."),
        updated("contributor"),
        *orcid_read("id", "contributor"),
        extra("contributor"),
    ),
)

RESOURCE = Resource(
    name="v1/contributors",
    dialect="v1",
    type="contributors",
    path="/contributors",
    description="People and groups that contributed to works.",
    parent="contributor_id",
    tables=(MAIN,),
    paging=Paging.OFFSET,
    page_size=25,
    unmapped={"type": "always contributors"},
    successor=successor(""),
)
