"""How page two is asked for: frozen strategies for cursors, page numbers, offsets and lists without pages.

Strategies are pure: a position becomes parameters, what a page told becomes the next position, and pages that a sound
server would not send are refused. `links.next` is never followed, since it loses parameters (api-notes 2.5).
"""

from dataclasses import dataclass
from typing import Protocol

from etl.api.cursors import cursor_of, make_cursor, read_cursor
from etl.api.page_info import PageInfo
from etl.api.query import Query
from etl.errors import ProtocolError, RefusedError
from etl.schema.declarations import Paging, Resource

REACH = 10_000
"""Rows that page numbers can reach; beyond, the last page is served again and again (api-notes 2.2)."""
_FIRST_CURSOR = "1"
_LAGOTTO_ROWS = 25
_LAGOTTO_FILTERS = {"source-id", "relation-type-id"}
_SIZES = [size for size in range(REACH, 0, -1) if REACH % size == 0]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk goes on: a cursor or a row, pages numbered from 0, and the records received before it."""

    token: str
    page: int = 0
    received: int = 0


class Strategy(Protocol):
    """One way of paging."""

    @property
    def needs_ids(self) -> bool:
        """Whether the guard compares the ids of a page with those of the page before."""

    def first(self) -> Position:
        """Return the position where a walk begins."""

    def size(self, position: Position, wanted: int) -> int:
        """Return the largest legal page size at a position that is not above the wanted one."""

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell the request for a page; RefusedError if the server could not serve it."""

    def count(self) -> dict[str, str]:
        """Spell the request that brings a total with as few records as possible."""

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Return the position after a page, None after the last.

        What the position has not counted as received comes again: the page is taken without that end of it.
        Raises ProtocolError if the page is not the one asked for.
        """


@dataclass(frozen=True, slots=True)
class Cursor:
    """`page[cursor]`: any depth, by (created, id) ascending; a page brings the cursor of the next (api-notes 2.3)."""

    needs_ids: bool = False

    def first(self) -> Position:
        """Begin with the documented start value."""
        return Position(_FIRST_CURSOR)

    def size(self, position: Position, wanted: int) -> int:
        """Take any size."""
        del position
        return max(1, wanted)

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell cursor and size."""
        return {"page[cursor]": position.token, "page[size]": str(size)}

    def count(self) -> dict[str, str]:
        """Ask for no records."""
        return {"page[size]": "0"}

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Take the cursor out of the link; it must have moved on, and so must the records."""
        del size, before
        came_from = _key_of(position.token)
        if came_from and facts.first and _goes_back(came_from, facts.first):
            raise ProtocolError("the server began again at the start of the list instead of after the cursor")
        received = position.received + facts.count
        if facts.next is None or (facts.count == 0 and received >= facts.total):
            return None
        token = cursor_of(facts.next)
        if facts.count == 0:
            raise _nothing_new(received, facts.total)
        if read_cursor(token) <= (came_from or (0, "")):
            raise ProtocolError("the server's next cursor does not move on")
        return Position(token, position.page + 1, received)


@dataclass(frozen=True, slots=True)
class Keyset:
    """`page[cursor]` where links carry none: it is made from the last record's (created, id) (api-notes 2.4, 2.6).

    With `ties` several records may have the same key. A page may end among them, so it goes on before the last key.
    """

    ties: bool = False
    needs_ids: bool = True

    def first(self) -> Position:
        """Begin with the documented start value."""
        return Position(_FIRST_CURSOR)

    def size(self, position: Position, wanted: int) -> int:
        """Take any size."""
        del position
        return max(1, wanted)

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell cursor and size."""
        return {"page[cursor]": position.token, "page[size]": str(size)}

    def count(self) -> dict[str, str]:
        """Ask for no records."""
        return {"page[size]": "0"}

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Go on behind the last record, or behind the last of an earlier key; the keys must have moved on."""
        del size, before
        came_from, received = _key_of(position.token), position.received + facts.count
        if came_from and facts.keys and facts.keys[0] and facts.keys[0] <= came_from:
            raise ProtocolError("the server began again at the start of the list instead of after the cursor")
        if received >= facts.total or not facts.keys:
            return None
        last = facts.keys[-1]
        earlier = [key for key in facts.keys if key != last] if self.ties else []
        onward = earlier[-1] if earlier else last
        if onward is None:
            raise ProtocolError("the last record of the page has no time of creation to go on from")
        again = len(facts.keys) - len(earlier) if earlier else 0
        return Position(make_cursor(*onward), position.page + 1, received - again)


@dataclass(frozen=True, slots=True)
class Number:
    """`page[number]`: rows up to 10,000; the token is the row, so that the page size may change on the way.

    `least` is the smallest page that the server takes.
    """

    least: int = 0
    needs_ids: bool = True

    def first(self) -> Position:
        """Begin at row 0."""
        return Position("0")

    def size(self, position: Position, wanted: int) -> int:
        """Take a divisor of 10,000 that also divides the row: others loop at the end (api-notes 2.2)."""
        row = int(position.token)
        return next(size for size in _SIZES if size <= max(1, wanted) and row % size == 0)

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell number and size; nothing beyond the reach is ever asked for."""
        row = int(position.token)
        if row + size > REACH:
            raise RefusedError(
                f"this list can only be read up to row {REACH:,}, and it is longer",
                fix="narrow the query with --filter or --query until fewer records match",
            )
        return {"page[number]": str(row // size + 1), "page[size]": str(size)}

    def count(self) -> dict[str, str]:
        """Ask for as few records as the server lets."""
        return {"page[size]": str(self.least)}

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Go on by rows; a page number below the one asked for means that the server clamped it."""
        asked = int(position.token) // size + 1
        if facts.number is not None and facts.number < asked:
            raise ProtocolError(f"the server sent page {facts.number} when page {asked} was asked for")
        return _by_rows(position, size, facts, before)


@dataclass(frozen=True, slots=True)
class Offset:
    """`rows` and `offset` of v1.1; with `fixed` the only page size at which the offset is right (api-notes 7.3)."""

    fixed: int | None = None
    needs_ids: bool = True

    def first(self) -> Position:
        """Begin at row 0."""
        return Position("0")

    def size(self, position: Position, wanted: int) -> int:
        """Take any size, unless one is fixed."""
        del position
        return self.fixed or max(1, wanted)

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell rows and offset."""
        return {"rows": str(size), "offset": position.token}

    def count(self) -> dict[str, str]:
        """Ask for one row: not every list of v1.1 takes 0."""
        return {"rows": "1"}

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Go on by rows."""
        return _by_rows(position, size, facts, before)


@dataclass(frozen=True, slots=True)
class Whole:
    """A list that comes in one answer, whatever is asked."""

    rows: int
    needs_ids: bool = True

    def first(self) -> Position:
        """Begin at row 0."""
        return Position("0")

    def size(self, position: Position, wanted: int) -> int:
        """Name the one size: it is never sent, and cannot shrink."""
        del position, wanted
        return self.rows

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Say nothing."""
        del position, size
        return {}

    def count(self) -> dict[str, str]:
        """Say nothing."""
        return {}

    def follow(self, position: Position, size: int, facts: PageInfo, before: PageInfo | None = None) -> Position | None:
        """Nothing follows."""
        del position, size, facts, before
        return None


def strategy(query: Query) -> Strategy:
    """Choose the way in which this query's list is paged rightly; lists of given ids know no cursors."""
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
    """Spell the request for the one record of a rank (from 0) in the order of creation.

    None where the list knows no such order; RefusedError beyond its reach (api-notes 2.2).
    """
    if resource.slice_on != "created" or "created" not in resource.sorts:
        return None
    return {"sort": "created"} | Number().params(Position(str(rank)), 1)


def _key_of(token: str) -> tuple[int, str] | None:
    return None if token == _FIRST_CURSOR else read_cursor(token)


def _goes_back(cursor: tuple[int, str], first: tuple[int, str]) -> bool:
    """Compare by seconds, as the API writes times; ids break ties only where the cursor has no milliseconds."""
    second, rest = divmod(cursor[0], 1000)
    return first[0] < second or (first[0] == second and rest == 0 and first[1] <= cursor[1].lower())


def _by_rows(position: Position, size: int, facts: PageInfo, before: PageInfo | None) -> Position | None:
    row = int(position.token) + size
    received = position.received + facts.count
    if row >= facts.total:
        return None
    if facts.count == 0 or (before is not None and set(facts.ids) <= set(before.ids)):
        raise _nothing_new(received, facts.total)
    return Position(str(row), position.page + 1, received)


def _nothing_new(received: int, promised: int) -> ProtocolError:
    return ProtocolError(f"the server sent nothing new after {received:,} of {promised:,} records")


def _by_lagotto(query: Query) -> bool:
    """Tell whether the list comes from the service that computes pages of 25 whatever the rows (api-notes 7.3)."""
    given = dict(query.filters)
    dotless = "publisher-id" in given and "." not in given["publisher-id"]
    return query.resource.page_size == _LAGOTTO_ROWS or bool(_LAGOTTO_FILTERS & given.keys()) or dotless
