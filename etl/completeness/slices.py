"""Cut a query into slices: windows of creation time, small enough to repeat and to fetch concurrently.

Each slice is fetched and proved on its own; neighbouring slices form a part, which is written to files together.
Callers count; every decision here is pure.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from etl.api.pagination.by_row import REACH
from etl.api.query import Query
from etl.api.window import EVERYTHING, Window, year_start
from etl.completeness.verdict import few
from etl.schema.declarations import Json, Paging
from etl.steps import together

PART_RECORDS = 40_000
_FEWEST, _MOST, _SHARE = 5_000, 60_000, 12
_PIECES = 4
_AT_ONCE = 4
_MOSTLY = 0.75
_FIRST_YEAR = 2005  # earlier years count as one: DataCite's oldest records are from 2004
_BUSY_YEAR = 2011  # hardly any record is older: the assumed start of a window that is open to the past
_FAR_PAST, _FAR_FUTURE = 1900, 2100

_COUNTS, _COUNTS_PER_SLICE = 400, 20
"""Maximum counts for cutting a query: a million records with a third in one second take 30."""

Count = Callable[[Window], Coroutine[Any, Any, int]]
Moment = Callable[[Window, int], Coroutine[Any, Any, int | None]]
"""Returns the second in which the record of a rank (from 0) was created, None if unknown."""


async def no_moment(window: Window, rank: int) -> int | None:
    """Return None: for lists that cannot return the record of a rank."""
    del window, rank
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A window to fetch, and the number of its records when it was planned.

    With `as_of`, in epoch seconds, only records that last changed before it count, both here and at the end.
    """

    key: str
    window: Window
    expected: int
    as_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Neighbouring slices whose records go into the same files; `year` is set if all are from that calendar year."""

    key: str
    slices: tuple[Slice, ...]
    year: int | None = None

    @property
    def expected(self) -> int:
        """The number of records in its slices."""
        return sum(piece.expected for piece in self.slices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The slices of a query: together with `empty` windows they tile it; `counts` is the number of requests it took.

    `as_of`, in epoch seconds of the server's clock, is the moment of the proof: later changes are movement. With
    `until` its windows end there, and nothing younger is fetched. `listed` is the number of all records, whenever they
    changed. `uncut` is the reason why a list that can be cut was not.
    """

    total: int
    parts: tuple[Part, ...]
    empty: tuple[Window, ...] = ()
    counts: int = 1
    as_of: int = 0
    until: int | None = None
    listed: int | None = None
    uncut: str = ""

    @property
    def slices(self) -> tuple[Slice, ...]:
        """All slices in chronological order."""
        return tuple(piece for part in self.parts for piece in part.slices)

    def requests(self, page_size: int) -> int:
        """Estimate the requests of the whole run: the counts so far, the pages, and the final count."""
        return self.counts + sum(max(1, -(-piece.expected // page_size)) for piece in self.slices) + 1


def bounded(planned: Plan, as_of: int | None) -> Plan:
    """Return a plan whose slices count only records that last changed before `as_of`."""
    parts = (
        replace(part, slices=tuple(replace(piece, as_of=as_of) for piece in part.slices)) for part in planned.parts
    )
    return replace(planned, parts=tuple(parts))


def single_slice(planned: Plan, total: int) -> Plan:
    """Return a plan with a single slice."""
    whole = _slice(_Tile(EVERYTHING, total))
    return replace(planned, total=total, parts=(Part(key=whole.key, slices=(whole,)),), empty=(), until=None)


# Created on import, in one thread: two threads at msgspec's first use of a dataclass crash the process.
_DECODER = msgspec.json.Decoder(Plan)


def decode_plan(kept: Json) -> Plan:
    """Return the plan that was stored as JSON values."""
    return _DECODER.decode(msgspec.json.encode(kept))


@dataclass(frozen=True, slots=True)
class _Tile:
    """A counted window."""

    window: Window
    records: int
    crowded: bool = False  # too many, and most of a larger window: they may be from one second


class _UncountableError(Exception):
    """Counting leads nowhere: the server ignores windows, or the records cannot be told apart by time."""

    def __init__(self, reason: str, counts: int) -> None:
        super().__init__(reason)
        self.counts = counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The rules for cutting: the size of slices, the current year, and whether to separate years."""

    target: int
    year: int
    by_year: bool


async def plan(
    query: Query,
    count: Count,
    moment: Moment = no_moment,
    *,
    year: int,
    target: int | None = None,
    part_records: int = PART_RECORDS,
    until: int | None = None,
    total: int | None = None,
) -> Plan:
    """Cut a query into slices of at most `target` records, by counting; `year` is the current one.

    Where cutting does not spread the records, `moment` leads to the crowded second in two requests, not thirty.

    A single second is never cut, however many records it has. Queries of more than two parts are also cut at every new
    year. The default target is a twelfth of the total, between 5,000 and 60,000. Lists without cursors or without a
    constant time are one slice. Records created at or after `until` are left out; `total` is the number of the others,
    if known.
    """
    root = _root(query)
    every = EVERYTHING if until is None else Window(None, until)
    total = await count(every) if total is None else total
    target = target or max(_FEWEST, min(_MOST, total // _SHARE))
    if root is None or total <= target:
        whole = _slice(_Tile(every, total))
        return Plan(total=total, parts=(Part(key=whole.key, slices=(whole,)),), until=until)
    root = root if until is None else Window(root.start, until if root.end is None else min(root.end, until))
    grid = _Grid(target=target, year=year, by_year=total > 2 * part_records)
    try:
        tiles, counts = await _tile(_Tile(root, total), grid, count, moment)
    except _UncountableError as error:
        whole = _slice(_Tile(every, total))
        parts = (Part(key=whole.key, slices=(whole,)),)
        return Plan(total=total, parts=parts, counts=error.counts, until=until, uncut=str(error))
    merged = _merge(tiles, grid)
    return Plan(
        total=total,
        parts=tuple(_parts([tile for tile in merged if tile.records], grid, part_records)),
        empty=tuple(tile.window for tile in merged if not tile.records),
        counts=counts + 1,
        until=until,
    )


async def smaller_windows(
    query: Query, piece: Slice, count: Count, moment: Moment = no_moment, *, year: int
) -> list[Window]:
    """Cut a slice that does not arrive whole into smaller windows that tile it, including empty ones."""
    if not can_cut(query) or piece.expected < 2:
        return [piece.window]
    grid = _Grid(target=-(-piece.expected // _PIECES), year=year, by_year=False)
    try:
        tiles, _ = await _tile(_Tile(piece.window, piece.expected), grid, count, moment)
    except _UncountableError:
        return [piece.window]
    return [tile.window for tile in _merge(tiles, grid)]


def key(window: Window) -> str:
    """Name a window so that names sort by their starts and are valid file names: 20190101T000000-max."""
    start = "0min" if window.start is None else _stamp(window.start)
    return f"{start}-{'max' if window.end is None else _stamp(window.end)}"


def can_cut(query: Query) -> bool:
    """Return whether the list can be requested by windows of time."""
    return _root(query) is not None


def _root(query: Query) -> Window | None:
    """Return the window to tile, None if the query cannot be cut."""
    resource = query.resource
    by_id = any(name == "ids" for name, _ in query.filters)  # the server then ignores a window (api-notes 4.3)
    if by_id or resource.paging not in (Paging.CURSOR, Paging.KEYSET) or resource.slice_on is None:
        return None
    return query.window if query.by == resource.slice_on else EVERYTHING


async def _tile(root: _Tile, grid: _Grid, count: Count, moment: Moment) -> tuple[list[_Tile], int]:
    """Cut windows until all are small; all pieces but the last are counted, the last one is the difference."""
    done, pending, asked = [], [root], 0
    while pending:
        crowded = [tile for tile in pending if tile.crowded]
        seconds = await together(moment(tile.window, min(grid.target, REACH - 1)) for tile in crowded)
        full = dict(zip(crowded, seconds, strict=True))
        tiled = {tile: tile.window.cut(_moments(tile, grid, full.get(tile))) for tile in pending}
        done += [tile for tile, windows in tiled.items() if len(windows) == 1]
        counts = await together(count(window) for windows in tiled.values() for window in windows[:-1])
        asked += len(counts) + sum(second is not None for second in seconds)
        if asked > _COUNTS + _COUNTS_PER_SLICE * (root.records // grid.target):
            raise _UncountableError(f"{asked:,} counts did not find where its records are", asked + 1)
        left, pending = iter(counts), []
        for tile, windows in tiled.items():
            records = list(islice(left, len(windows) - 1))
            rest = tile.records - sum(records)
            if rest < -few(tile.records):
                raise _UncountableError("the counts of its windows add up to more than the whole", asked + 1)
            if rest < 0:  # the index has moved since the whole was counted
                rest, asked = await count(windows[-1]), asked + 1
            pending += _pieces(tile, windows, [*records, rest], grid)
    return sorted(done, key=lambda tile: _begin(tile.window)), asked


def _pieces(tile: _Tile, windows: Sequence[Window], records: Sequence[int], grid: _Grid) -> list[_Tile]:
    """Return the pieces of a tile, none if it stays whole."""
    if len(windows) == 1:
        return []
    evenly = not tile.crowded and not (grid.by_year and _new_years(tile.window, grid.year))
    return [
        _Tile(window, size, crowded=evenly and size > max(grid.target, tile.records * _MOSTLY))
        for window, size in zip(windows, records, strict=True)
    ]


def _moments(tile: _Tile, grid: _Grid, full: int | None) -> list[int]:
    """Choose the moments at which to cut a window, none if it stays whole; `full` is a second that may be crowded."""
    if tile.records == 0:
        return []
    if grid.by_year and (years := _new_years(tile.window, grid.year)):
        cuts = min(_AT_ONCE, len(years) + 1)
        return [years[len(years) * nth // cuts] for nth in range(1, cuts)]
    if tile.records <= grid.target:
        return []
    around = [] if full is None else [full, full + 1]
    return around if len(tile.window.cut(around)) > 1 else _evenly(tile, grid)


def _evenly(tile: _Tile, grid: _Grid) -> list[int]:
    """Choose moments that divide a window with too many records into equal times."""
    start, end = _bounds(tile.window, grid.year)
    if end - start <= 1:  # the bounded part is one second: only an open side can be cut off
        return [start if tile.window.start is None else end]
    cuts = min(_AT_ONCE, -(-tile.records // grid.target), end - start)
    return [start + (end - start) * nth // cuts for nth in range(1, cuts)]


def _bounds(window: Window, year: int) -> tuple[int, int]:
    """Guess bounds for a window's open sides: near the records if possible, otherwise far away."""
    start, end = window.start, window.end
    busy, over = year_start(_BUSY_YEAR), year_start(year + 1)
    if start is None:
        start = busy if busy < (over if end is None else end) else year_start(_FAR_PAST)
    if end is None:
        end = over if start < over else year_start(_FAR_FUTURE)
    return start, max(start, end)


def _new_years(window: Window, year: int) -> list[int]:
    """List the new years strictly inside a window."""
    years = [year_start(number) for number in range(_FIRST_YEAR, year + 2)]
    return [moment for moment in years if len(window.cut([moment])) == 2]


def _merge(tiles: Iterable[_Tile], grid: _Grid) -> list[_Tile]:
    """Join neighbours while they stay within the target, and within a year if years are separate."""
    merged: list[_Tile] = []
    for tile in tiles:
        last = merged[-1] if merged else None
        if last and _same_year(last, tile, grid) and last.records + tile.records <= grid.target:
            merged[-1] = _Tile(Window(last.window.start, tile.window.end), last.records + tile.records)
        else:
            merged.append(tile)
    return merged


def _parts(tiles: Sequence[_Tile], grid: _Grid, part_records: int) -> Iterable[Part]:
    """Group neighbours of the same year up to a number of records."""
    group: list[_Tile] = []
    for tile in tiles:
        size = sum(member.records for member in group) + tile.records
        if group and not (size <= part_records and _same_year(group[-1], tile, grid)):
            yield _part(group, grid)
            group = []
        group.append(tile)
    if group:
        yield _part(group, grid)


def _part(group: Sequence[_Tile], grid: _Grid) -> Part:
    window = Window(group[0].window.start, group[-1].window.end)
    return Part(key=key(window), slices=tuple(map(_slice, group)), year=_year(window) if grid.by_year else None)


def _slice(tile: _Tile) -> Slice:
    return Slice(key=key(tile.window), window=tile.window, expected=tile.records)


def _same_year(first: _Tile, last: _Tile, grid: _Grid) -> bool:
    return not grid.by_year or not _new_years(Window(first.window.start, last.window.end), grid.year)


def _year(window: Window) -> int | None:
    """Return the calendar year in which the window lies, None if it is open or spans several."""
    if window.start is None or window.end is None:
        return None
    year = datetime.fromtimestamp(window.start, UTC).year
    return year if window.end <= year_start(year + 1) else None


def _begin(window: Window) -> float:
    return float("-inf") if window.start is None else window.start


def _stamp(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%S")
