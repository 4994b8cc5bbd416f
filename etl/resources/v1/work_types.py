"""Work types: the types of the Citation Style Language and some more, as API v1 knew them."""

from etl.resources.columns import extra, key, text
from etl.resources.v1._columns import successor, title, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_work_types",
    description="One row per work type.",
    columns=(
        key("id", "id", "Id of the type, such as article-journal."),
        title("work type"),
        text("container", "attributes.container", "Type of what contains such a work, such as Journal."),
        updated("work type"),
        extra("work type"),
    ),
)

RESOURCE = Resource(
    name="v1/work-types",
    dialect="v1",
    type="work-types",
    path="/work-types",
    description="Types of works.",
    parent="work_type_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always work-types"},
    successor=successor(""),
)
