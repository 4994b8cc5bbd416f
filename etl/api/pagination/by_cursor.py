"""Lists of any depth, walked by cursor in the order of creation."""

from dataclasses import dataclass
from itertools import takewhile

from etl.api.pagination.cursors import cursor_of, make_cursor, read_cursor
from etl.api.pagination.page_info import PageInfo
from etl.api.pagination.position import Position, Progress, is_last, no_progress, position_after
from etl.errors import ProtocolError

_FIRST_CURSOR = "1"


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
        """Request no records."""
        return {"page[size]": "0"}

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read them only where the first record is from before the cursor: it costs time."""
        came_from = _key_of(position.token)
        return came_from is not None and info.first is not None and _goes_back(came_from, info.first)

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Take the cursor from the link; it must have advanced, and so must some of the records."""
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
            raise no_progress(received, info.total)
        if read_cursor(token) <= (came_from or (0, "")):
            raise ProtocolError("the server's next cursor does not advance")
        return Progress(position_after(position, token, info, repeated), repeated)


@dataclass(frozen=True, slots=True)
class Keyset:
    """`page[cursor]` where links carry none: it is made from the last record's (created, id) (api-notes 2.4, 2.6).

    With `ties` several records may share a key. A page may end among them, so the walk resumes before the last key.
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
        """Request no records."""
        return {"page[size]": "0"}

    def needs_ids(self, position: Position, info: PageInfo) -> bool:
        """Read them: the next cursor is made from them."""
        del position, info
        return True

    def follow(self, position: Position, size: int, info: PageInfo, before: PageInfo | None = None) -> Progress:
        """Continue after the last record, or after the last of an earlier key; some keys must be new."""
        del before
        came_from = _key_of(position.token)
        fresh = [key for key in info.keys if key is None or came_from is None or key > came_from]
        repeated = len(info.keys) - len(fresh)
        received = position.received + info.count - position.repeated - repeated
        if not fresh and info.keys and received < info.total:
            raise _started_over()
        if not fresh or is_last(received, position, size, info):
            return Progress(None, repeated)
        last = fresh[-1]
        earlier = [key for key in fresh if key != last] if self.ties else []
        onward = earlier[-1] if earlier else last
        if onward is None:
            raise ProtocolError("the last record of the page has no time of creation to continue from")
        again = len(list(takewhile(lambda key: key == last, reversed(info.keys)))) if earlier else 0
        repeated += fresh.count(last) - again if earlier else 0  # these come again as well
        return Progress(position_after(position, make_cursor(*onward), info, repeated, again), repeated, again)


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


def _started_over() -> ProtocolError:
    return ProtocolError("the server began again at the start of the list instead of after the cursor")
