"""Publishers: what clients were called in API v1, and later data centers."""

from etl.resources.columns import extra, integer, key, text, timestamp
from etl.resources.v1._columns import around, linked, successor, updated
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table

MAIN = Table(
    name="v1_publishers",
    description="One row per publisher, later called data center: an account under which DOIs were registered.",
    columns=(
        key("id", "id", "Id of the publisher, lower-case, such as cern.zenodo."),
        text("title", "attributes.title", "Name of the publisher."),
        text("member_id", linked("member"), "Member that the publisher belongs to.", lower=True),
        text("registration_agency_id", linked("registration-agency"), "Registration agency of its DOIs."),
        integer("year", "attributes.year", "Year in which it joined; servers from 2017 on."),
        timestamp("created", "attributes.created", "When the record was created; servers from 2017 on."),
        updated("publisher"),
        extra("publisher"),
    ),
)

OTHER_NAMES = Table(
    name="v1_publisher_other_names",
    description="Other names of a publisher: one row per name.",
    path="attributes.other-names",
    columns=(text("name", "", "The name."),),
)

PREFIXES = Table(
    name="v1_publisher_prefixes",
    description="Prefixes under which a publisher registers DOIs: one row per prefix.",
    path="attributes.prefixes",
    columns=(text("prefix", "", "The prefix, such as 10.5281."),),
)

RESOURCE = Resource(
    name="v1/publishers",
    dialect="v1",
    type="publishers",
    aliases=("data-centers",),
    path="/publishers",
    description="The accounts under which DOIs were registered.",
    parent="publisher_id",
    tables=(MAIN, OTHER_NAMES, PREFIXES),
    paging=Paging.OFFSET,
    page_size=25,
    filters=(
        Filter(name="ids", description="Publishers by id.", any_of=True, ids=True, aliases=("id",)),
        Filter(name="member-id", description="Publishers of a member."),
        Filter(name="registration-agency-id", description="Publishers of a registration agency, such as datacite."),
    ),
    includes=(
        Include(name="member", resource="v1/members", path=linked("member")),
        Include(
            name="registration-agency",
            resource="v1/registration-agencies",
            path=linked("registration-agency"),
        ),
    ),
    facets=(
        Facet(name="registration-agencies", size=1000, table="v1_publishers", column="registration_agency_id"),
        Facet(name="members", size=1000, table="v1_publishers", column="member_id"),
    ),
    unmapped={"type": "publishers, or data-centers on later servers", **around("member", "registration-agency")},
    successor=successor("clients"),
)
