"""How page two is asked for: frozen strategies for cursors, page numbers, offsets and lists without pages.

Strategies are pure: a position becomes parameters, what a page told becomes the next position, and pages that a sound
server would not send are refused. `links.next` is never followed, since it loses parameters (api-notes 2.5).
"""

from dataclasses import dataclass
from itertools import takewhile
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
    """Where a walk resumes: a cursor or a row, pages numbered from 0, and what the pages before it brought.

    `repeated` of the records received had come before; `promised` is the largest total that a page named.
    """

    token: str
    page: int = 0
    received: int = 0
    repeated: int = 0
    promised: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a page means for its walk: the next position (None after the last page) and how many records come twice.

    `repeated` records came before; the last `again` ones come again with the next page and are left out of this one.
    `shifted` says that rows have moved up meanwhile, so that the pages may have missed some.
    """

    next: Position | None
    repeated: int = 0
    again: int = 0
    shifted: bool = False


class Strategy(Protocol):
    """One way of paging."""

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Return whether a page is judged by the ids of all its records; `info` was read without them."""

    def first(self) -> Position:
        """Return the position where a walk begins."""

    def size(self, position: Position, wanted: int) -> int:
        """Return the largest legal page size at a position that is not above the wanted one."""

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Spell the request for a page; RefusedError if the server could not serve it."""

    def count(self) -> dict[str, str]:
        """Spell the request that brings a total with as few records as possible."""

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Judge a page by its position and, if it is known, the page before.

        A page that repeats some records is taken. Raises ProtocolError if it brings none that is new although more are
        promised, or if it is not the page asked for.
        """


@dataclass(frozen=True, slots=True)
class Cursor:
    """`page[cursor]`: any depth, by (created, id) ascending; a page brings the cursor of the next (api-notes 2.3)."""

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

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read all only where the first record is from before the cursor: it costs time."""
        came_from = _key_of(position.token)
        return came_from is not None and info.first is not None and _goes_back(came_from, info.first)

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Take the cursor out of the link; it must have moved on, and so must some of the records."""
        del size
        came_from = _key_of(position.token)
        repeated = sum(key is not None and came_from is not None and _came(came_from, key, before) for key in info.keys)
        received = position.received + info.count - position.repeated - repeated
        if received >= info.total and repeated == info.count:
            return Progress(None, repeated)
        if repeated and repeated == info.count:
            raise _started_over()
        if info.next is None:
            return Progress(None, repeated)
        token = cursor_of(info.next)
        if info.count == 0:
            raise _nothing_new(received, info.total)
        if read_cursor(token) <= (came_from or (0, "")):
            raise ProtocolError("the server's next cursor does not move on")
        return Progress(_after(position, token, info, repeated), repeated)


@dataclass(frozen=True, slots=True)
class Keyset:
    """`page[cursor]` where links carry none: it is made from the last record's (created, id) (api-notes 2.4, 2.6).

    With `ties` several records may have the same key. A page may end among them, so it goes on before the last key.
    """

    ties: bool = False

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

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read all: the next cursor is made from them."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Go on after the last record, or after the last of an earlier key; some keys must have moved on."""
        del before
        came_from = _key_of(position.token)
        fresh = [key for key in info.keys if key is None or came_from is None or key > came_from]
        repeated = len(info.keys) - len(fresh)
        received = position.received + info.count - position.repeated - repeated
        if not fresh and info.keys and received < info.total:
            raise _started_over()
        if not fresh or _is_last(received, position, size, info):
            return Progress(None, repeated)
        last = fresh[-1]
        earlier = [key for key in fresh if key != last] if self.ties else []
        onward = earlier[-1] if earlier else last
        if onward is None:
            raise ProtocolError("the last record of the page has no time of creation to go on from")
        again = len(list(takewhile(lambda key: key == last, reversed(info.keys)))) if earlier else 0
        repeated += fresh.count(last) - again if earlier else 0  # these come again, too
        return Progress(_after(position, make_cursor(*onward), info, repeated, again), repeated, again)


@dataclass(frozen=True, slots=True)
class Number:
    """`page[number]`: rows up to 10,000; the token is the row, so that the page size may change on the way.

    `least` is the smallest page that the server takes.
    """

    least: int = 0

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

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read all, to compare them with those of the page before."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Go on by rows; a page number below the one asked for means that the server clamped it."""
        asked = int(position.token) // size + 1
        if info.number is not None and info.number < asked:
            raise ProtocolError(f"the server sent page {info.number} when page {asked} was asked for")
        return _by_rows(position, size, info, before)


@dataclass(frozen=True, slots=True)
class Offset:
    """`rows` and `offset` of v1.1; with `fixed` the only page size at which the offset is right (api-notes 7.3)."""

    fixed: int | None = None

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

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read all, to compare them with those of the page before."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Go on by rows."""
        return _by_rows(position, size, info, before)


@dataclass(frozen=True, slots=True)
class Whole:
    """A list that comes in one answer, whatever is asked."""

    rows: int

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

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read all: records of other types may be among them."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Nothing follows."""
        del position, size, info, before
        return Progress(None)


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


def _goes_back(cursor: tuple[int, str], key: tuple[int, str]) -> bool:
    """Compare by seconds, as the API writes times; ids break ties only where the cursor has no milliseconds."""
    second, rest = divmod(cursor[0], 1000)
    own = key[0] // 1000
    return own < second or (own == second and rest == 0 and key[1] <= cursor[1].lower())


def _came(cursor: tuple[int, str], key: tuple[int, str], before: PageInfo | None) -> bool:
    """Return whether a record came before: where only hidden milliseconds can order it, the page before has its id."""
    if not _goes_back(cursor, key):
        return False
    return before is None or key[0] // 1000 < cursor[0] // 1000 or key[1] in before.tail


def _after(position: Position, token: str, info: PageInfo, repeated: int = 0, again: int = 0) -> Position:
    return Position(
        token,
        position.page + 1,
        position.received + info.count - again,
        position.repeated + repeated,
        max(position.promised, info.total),
    )


def _is_last(reached: int, position: Position, size: int, info: PageInfo) -> bool:
    """Return whether a list ends with a page up to which so many records, or rows, have come.

    Replicas may count differently: the largest total holds, and none holds against a full page beyond it.
    """
    promised = max(position.promised, info.total)
    return reached >= promised and (reached == promised or info.count < size)


def _by_rows(position: Position, size: int, info: PageInfo, before: PageInfo | None) -> Progress:
    row = int(position.token)
    shifted = info.total < position.promised
    if _is_last(row + size, position, size, info) or (info.count == 0 and row >= info.total):
        return Progress(None, shifted=shifted)
    grown = before is not None and info.total > before.total  # rows have moved down
    if info.count == 0 or (before is not None and not grown and set(info.ids) <= set(before.ids)):
        raise _nothing_new(position.received, info.total)
    return Progress(_after(position, str(row + size), info), shifted=shifted)


def _started_over() -> ProtocolError:
    return ProtocolError("the server began again at the start of the list instead of after the cursor")


def _nothing_new(received: int, promised: int) -> ProtocolError:
    return ProtocolError(f"the server sent nothing new after {received:,} of {promised:,} records")


def _by_lagotto(query: Query) -> bool:
    """Return whether the list comes from the service that computes pages of 25 whatever the rows (api-notes 7.3)."""
    given = dict(query.filters)
    dotless = "publisher-id" in given and "." not in given["publisher-id"]
    return query.resource.page_size == _LAGOTTO_ROWS or bool(_LAGOTTO_FILTERS & given.keys()) or dotless
