"""Lists walked by rows: page numbers, offsets, and lists that come in one answer."""

from dataclasses import dataclass

from etl.api.pagination.page_info import PageInfo
from etl.api.pagination.position import Position, Progress, is_last, no_progress, position_after
from etl.errors import ProtocolError, RefusedError

REACH = 10_000
"""Rows that page numbers can reach; beyond, the last page is served again and again (api-notes 2.2)."""
_SIZES = [size for size in range(REACH, 0, -1) if REACH % size == 0]


@dataclass(frozen=True, slots=True)
class Number:
    """`page[number]`: rows up to 10,000; the token is the row, so that the page size may change on the way.

    `least` is the smallest page size that the server accepts.
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
        """Spell number and size; nothing beyond the reach is ever requested."""
        row = int(position.token)
        if row + size > REACH:
            raise RefusedError(
                f"this list can only be read up to row {REACH:,}, and it is longer",
                fix="narrow the query with --filter or --query until fewer records match",
            )
        return {"page[number]": str(row // size + 1), "page[size]": str(size)}

    def count(self) -> dict[str, str]:
        """Request as few records as the server allows."""
        return {"page[size]": str(self.least)}

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read them, to compare them with those of the page before."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Continue by rows; a lower page number than requested means that the server clamped it."""
        asked = int(position.token) // size + 1
        if info.number is not None and info.number < asked:
            raise ProtocolError(f"the server sent page {info.number} when page {asked} was requested")
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
        """Request one row: not every list of v1.1 accepts 0."""
        return {"rows": "1"}

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read them, to compare them with those of the page before."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Continue by rows."""
        return _by_rows(position, size, info, before)


@dataclass(frozen=True, slots=True)
class Whole:
    """A list that comes in one answer, whatever the request."""

    rows: int

    def first(self) -> Position:
        """Begin at row 0."""
        return Position("0")

    def size(self, position: Position, wanted: int) -> int:
        """Name the one size: it is never sent, and cannot shrink."""
        del position, wanted
        return self.rows

    def params(self, position: Position, size: int) -> dict[str, str]:
        """Send no parameters."""
        del position, size
        return {}

    def count(self) -> dict[str, str]:
        """Send no parameters."""
        return {}

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read them: records of other types may be among them."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Nothing follows."""
        del position, size, info, before
        return Progress(None)


def _by_rows(position: Position, size: int, info: PageInfo, before: PageInfo | None) -> Progress:
    row = int(position.token)
    shifted = info.total < position.promised
    if is_last(row + size, position, size, info) or (info.count == 0 and row >= info.total):
        return Progress(None, shifted=shifted)
    grown = before is not None and info.total > before.total  # rows have moved down
    if info.count == 0 or (before is not None and not grown and set(info.ids) <= set(before.ids)):
        raise no_progress(position.received, info.total)
    return Progress(position_after(position, str(row + size), info), shifted=shifted)
