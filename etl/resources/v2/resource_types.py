"""Resource types: the general types of DataCite's schema, a fixed list (api-notes 6.9)."""

from etl.resources.columns import extra, key, text, timestamp
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="resource_types",
    description="One row per general type of resource.",
    columns=(
        key("id", "id", "The type in kebab case, as in filters: journal-article."),
        text("title", "attributes.title", "The type as in records: JournalArticle."),
        timestamp("updated", "attributes.updated", "When the entry last changed."),
        extra("resource type"),
    ),
)

RESOURCE = Resource(
    name="resource-types",
    dialect="v2",
    type="resource-types",
    path="/resource-types",
    description="The general types of resources, from Audiovisual to Workflow.",
    parent="resource_type_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always resource-types"},
)
