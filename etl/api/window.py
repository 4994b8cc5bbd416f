"""Windows of time, half-open and in whole seconds, and how the API's query language spells them.

DataCite's timestamps have second precision (api-notes 3.2), so a window is a pair of epoch seconds; None leaves a side
open. Tiling is exact: the pieces of a window cover it without overlap.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """[start, end) in epoch seconds, UTC; None is open."""

    start: int | None = None
    end: int | None = None

    def clause(self, field: str) -> str:
        """Spell the window as a range of the query language: `created:[2019-01-01T00:00:00Z TO 2020-…Z}`."""
        start = "*" if self.start is None else iso(self.start)
        return f"{field}:[{start} TO *]" if self.end is None else f"{field}:[{start} TO {iso(self.end)}}}"

    def cut(self, moments: Sequence[int]) -> list["Window"]:
        """Tile the window at the moments that lie strictly inside it."""
        inside = sorted({moment for moment in moments if self._inside(moment)})
        edges = [self.start, *inside, self.end]
        return [Window(start, end) for start, end in itertools.pairwise(edges)]

    def _inside(self, moment: int) -> bool:
        return (self.start is None or moment > self.start) and (self.end is None or moment < self.end)

    def __str__(self) -> str:
        start = "…" if self.start is None else iso(self.start)
        return f"[{start}, {'…' if self.end is None else iso(self.end)})"


EVERYTHING = Window()


def iso(moment: int) -> str:
    """Write epoch seconds like the API: 2019-01-01T00:00:00Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def year_start(year: int) -> int:
    """Return the first second of a calendar year (UTC)."""
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def moment(text: str, *, end: bool = False) -> int:
    """Read YYYY, YYYY-MM, YYYY-MM-DD or an ISO timestamp as its first second, or the second after its last.

    A timestamp without a zone is UTC. With `end`, a year, month or day means "up to and including it", a timestamp
    means "before it". Raises ValueError for anything else.
    """
    parts = text.split("-")
    if all(part.isdigit() for part in parts) and len(parts) <= 3 and len(parts[0]) == 4:
        numbers = [int(part) for part in parts]
        first = date(numbers[0], *[*numbers[1:], 1, 1][:2])
        return _midnight(_after(first, len(parts)) if end else first)
    stamp = datetime.fromisoformat(text)
    return int((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp())


def _after(first: date, precision: int) -> date:
    if precision == 1:
        return date(first.year + 1, 1, 1)
    if precision == 2:
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + timedelta(days=1)


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
