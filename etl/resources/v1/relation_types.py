"""Relation types: the kinds of links that API v1 knew."""

from etl.resources.columns import extra, key, text
from etl.resources.v1._columns import successor, title, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_relation_types",
    description="One row per relation type.",
    columns=(
        key("id", "id", "Id of the kind, such as is-supplement-to."),
        title("relation type"),
        text("inverse_title", "attributes.inverse-title", "Name of the inverse link."),
        updated("relation type"),
        extra("relation type"),
    ),
)

RESOURCE = Resource(
    name="v1/relation-types",
    dialect="v1",
    type="relation-types",
    path="/relation-types",
    description="Kinds of links between works.",
    parent="relation_type_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always relation-types"},
    successor=successor(""),
)
