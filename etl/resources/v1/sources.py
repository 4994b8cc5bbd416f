"""Sources: where API v1 got its links."""

from etl.resources.columns import extra, integer, key, text
from etl.resources.v1._columns import around, linked, successor, title, updated
from etl.schema.declarations import Column, Facet, Filter, Include, Paging, Resource, Table

_RESULTS = {
    "with-results": "looked up with results",
    "without-results": "looked up without results",
    "not-updated": "did not look up",
}


def _counts(period: str) -> tuple[Column, ...]:
    return tuple(
        integer(
            f"by_{period}_{name.replace('-', '_')}",
            f"attributes.by-{period}.{name}",
            f"Number of works in the last {period} that the source {meaning}.",
        )
        for name, meaning in _RESULTS.items()
    )


MAIN = Table(
    name="v1_sources",
    description="One row per source of links.",
    columns=(
        key("id", "id", "Id of the source, such as datacite-related."),
        title("source"),
        text("description", "attributes.description", "Description of the source."),
        text("state", "attributes.state", "active, inactive and others."),
        text("group_id", linked("group"), "Group that the source belongs to."),
        integer("work_count", "attributes.work-count", "Number of works that it knows."),
        integer("relation_count", "attributes.relation-count", "Number of relations that it reported."),
        integer("result_count", "attributes.result-count", "Number of results that it reported."),
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
    successor=successor(""),
)
