"""Resource types of API v1: the metadata schema's list of general types."""

from etl.resources.columns import extra, key
from etl.resources.v1._columns import successor, title, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_resource_types",
    description="One row per resource type.",
    columns=(
        key("id", "id", "Id of the type, such as dataset."),
        title("resource type"),
        updated("resource type"),
        extra("resource type"),
    ),
)

RESOURCE = Resource(
    name="v1/resource-types",
    dialect="v1",
    type="resource-types",
    path="/resource-types",
    description="General types of works.",
    parent="resource_type_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always resource-types", "relationships": "always empty"},
    successor=successor("resource-types"),
)
