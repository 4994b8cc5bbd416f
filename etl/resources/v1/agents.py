"""Agents: the programs that fed API v1 with links; the server had them only as web pages."""

from etl.resources.columns import boolean, extra, integer, key, text
from etl.resources.v1._columns import title
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_agents",
    description="One row per agent: a program that collects links.",
    columns=(
        key("id", "id", "Id of the agent."),
        title("agent"),
        text("description", "attributes.description", "Description of what the agent collects."),
        integer("count", "attributes.count", "How much it has collected."),
        boolean("scheduled", "attributes.scheduled", "Whether it runs on a schedule."),
        extra("agent"),
    ),
)

RESOURCE = Resource(
    name="v1/agents",
    dialect="v1",
    type="agents",
    path="/agents",
    description="Programs that collected links; DataCite's server never answered this list as data.",
    parent="agent_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always agents"},
    successor="DataCite's server had agents only as web pages for its staff; the current API has no equivalent",
)
