"""Agents: the programs that fed API v1 with links; the server had them as web pages only."""

from etl.resources.columns import extra, flag, key, text, whole
from etl.resources.v1._words import title
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_agents",
    description="One row an agent: a program that collects links.",
    columns=(
        key("id", "id", "Id of the agent."),
        title("agent"),
        text("description", "attributes.description", "What the agent collects, in words."),
        whole("count", "attributes.count", "How much it collected."),
        flag("scheduled", "attributes.scheduled", "Whether it runs by itself."),
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
    gone="DataCite's server had agents as web pages for its staff only, and there is no equivalent today",
)
