"""Sources: where API v1 had its links from."""

from etl.resources.columns import extra, key, text, whole
from etl.resources.v1._words import around, gone, linked, title, updated
from etl.schema.declarations import Column, Facet, Filter, Include, Paging, Resource, Table

_RESULTS = {
    "with-results": "was looked up and had results",
    "without-results": "was looked up and had no results",
    "not-updated": "was not looked up",
}


def _counts(period: str) -> tuple[Column, ...]:
    return tuple(
        whole(
            f"by_{period}_{name.replace('-', '_')}",
            f"attributes.by-{period}.{name}",
            f"How many works there were in the last {period} for which the source {meaning}.",
        )
        for name, meaning in _RESULTS.items()
    )


MAIN = Table(
    name="v1_sources",
    description="One row a source of links.",
    columns=(
        key("id", "id", "Id of the source, such as datacite-related."),
        title("source"),
        text("description", "attributes.description", "What the source is, in words."),
        text("state", "attributes.state", "active, inactive and others."),
        text("group_id", linked("group"), "Group that the source belongs to."),
        whole("work_count", "attributes.work-count", "How many works it knows."),
        whole("relation_count", "attributes.relation-count", "How many relations it told."),
        whole("result_count", "attributes.result-count", "How many results it told."),
        *_counts("day"),
        *_counts("month"),
        updated("source"),
        extra("source"),
    ),
)

RESOURCE = Resource(
    name="v1/sources",
    dialect="v1",
    type="sources",
    path="/sources",
    description="The sources of links, contributions and results.",
    parent="source_id",
    tables=(MAIN,),
    paging=Paging.WHOLE,
    filters=(Filter(name="group-id", description="Sources of a group, such as relations."),),
    includes=(Include(name="group", resource="v1/groups", path=linked("group")),),
    facets=(Facet(name="groups", size=1000, table="v1_sources", column="group_id"),),
    unmapped={"type": "always sources", **around("group")},
    gone=gone(""),
)
