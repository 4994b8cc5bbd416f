"""Groups: the kinds of sources that API v1 knew."""

from etl.resources.columns import extra, key, text
from etl.resources.v1._columns import successor, title, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_groups",
    description="One row per group of sources.",
    columns=(key("id", "id", "Id of the group, such as relations."), title("group"), updated("group"), extra("group")),
)

SOURCES = Table(
    name="v1_group_sources",
    description="Sources of a group, on servers before October 2016: one row per source.",
    path="attributes.sources",
    columns=(text("source_id", "", "Id of the source, with underscores."),),
)

RESOURCE = Resource(
    name="v1/groups",
    dialect="v1",
    type="groups",
    path="/groups",
    description="Groups of sources.",
    parent="group_id",
    tables=(MAIN, SOURCES),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always groups"},
    successor=successor(""),
)
