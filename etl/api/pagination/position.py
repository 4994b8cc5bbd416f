"""Positions in a walk, what a page means for one, and what every strategy does."""

from dataclasses import dataclass
from typing import Protocol

from etl.api.pagination.page_info import PageInfo
from etl.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk resumes: at a cursor or a row, pages numbered from 0, with the results of earlier pages.

    `repeated` of the records received had come before; `promised` is the largest total that a page named.
    """

    token: str
    page: int = 0
    received: int = 0
    repeated: int = 0
    promised: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The effect of a page on its walk: the next position, None after the last, and the number of repeated records.

    `repeated` records came before; the last `again` ones come again with the next page and are left out of this one.
    `shifted` says that rows have moved up meanwhile, so that the walk may have missed some.
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

        A page that repeats some records is accepted. ProtocolError if it brings none that is new although more are
        promised, or if it is not the page requested.
        """


def position_after(position: Position, token: str, info: PageInfo, repeated: int = 0, again: int = 0) -> Position:
    """Return the position after a page, at the cursor or row of the token."""
    return Position(
        token,
        position.page + 1,
        position.received + info.count - again,
        position.repeated + repeated,
        max(position.promised, info.total),
    )


def is_last(reached: int, position: Position, size: int, info: PageInfo) -> bool:
    """Return whether a list ends with a page, given the number of records or rows so far.

    Replicas may count differently: the largest total holds, and none holds against a full page beyond it.
    """
    promised = max(position.promised, info.total)
    return reached >= promised and (reached == promised or info.count < size)


def no_progress(received: int, promised: int) -> ProtocolError:
    """Return the error for a page without new records although more are promised."""
    return ProtocolError(f"the server sent nothing new after {received:,} of {promised:,} records")
