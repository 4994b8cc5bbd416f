"""The strategy for each query, by its resource and filters."""

from etl.api.pagination.by_cursor import Cursor, Keyset
from etl.api.pagination.by_row import Number, Offset, Whole
from etl.api.pagination.position import Position, Strategy
from etl.api.query import Query
from etl.schema.declarations import Paging, Resource

_LAGOTTO_ROWS = 25
_LAGOTTO_FILTERS = {"source-id", "relation-type-id"}


def strategy(query: Query) -> Strategy:
    """Choose the correct way to page through the list of this query; lists of given ids have no cursors."""
    resource = query.resource
    if resource.paging is Paging.KEYSET and "ids" in dict(query.filters):
        return Number()
    match resource.paging:
        case Paging.CURSOR:
            return Cursor()
        case Paging.KEYSET:
            return Keyset(ties=bool(resource.identity))
        case Paging.NUMBER:
            return Number(resource.min_page_size)
        case Paging.OFFSET:
            return Offset(_LAGOTTO_ROWS if _by_lagotto(query) else None)
        case Paging.WHOLE:
            return Whole(resource.page_size)


def by_rank(resource: Resource, rank: int) -> dict[str, str] | None:
    """Return the request for the record of a rank (from 0) in the order of creation.

    None where the list knows no such order; RefusedError beyond its reach (api-notes 2.2).
    """
    if resource.slice_on != "created" or "created" not in resource.sorts:
        return None
    return {"sort": "created"} | Number().params(Position(str(rank)), 1)


def _by_lagotto(query: Query) -> bool:
    """Return whether the list comes from the service that computes pages of 25 whatever the rows (api-notes 7.3)."""
    given = dict(query.filters)
    dotless = "publisher-id" in given and "." not in given["publisher-id"]
    return query.resource.page_size == _LAGOTTO_ROWS or bool(_LAGOTTO_FILTERS & given.keys()) or dotless
