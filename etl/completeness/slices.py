"""Where a query is cut: windows on the creation time, small enough to redo and to walk side by side, found by counting.

Slices are what is fetched and proved one by one; parts are neighbouring slices that are written to files together.
Counting is the caller's; every decision here is pure.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
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
_FIRST_YEAR = 2005  # years before it are one: DataCite's oldest records are of 2004 at the earliest
_BUSY_YEAR = 2011  # hardly a record is older: where a window that is open to the past is taken to begin
_FAR_PAST, _FAR_FUTURE = 1900, 2100

_COUNTS, _COUNTS_PER_SLICE = 400, 20
"""More counts than these are not asked for to cut a query: a million records with a third in one second take 30."""

Count = Callable[[Window], Coroutine[Any, Any, int]]
Moment = Callable[[Window, int], Coroutine[Any, Any, int | None]]
"""Tells in which second the record of a rank (from 0) was created, None if it cannot be told."""


async def untold(window: Window, rank: int) -> int | None:
    """Tell no moment: the way of lists that cannot be asked for one record of a rank."""
    del window, rank
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A window to be walked, and how many records it held when it was planned.

    With `as_of`, in epoch seconds, only the records that last changed before it are counted, here and at the end.
    """

    key: str
    window: Window
    expected: int
    as_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Neighbouring slices whose records go into the same files; `year` is set if all are of that calendar year."""

    key: str
    slices: tuple[Slice, ...]
    year: int | None = None

    @property
    def expected(self) -> int:
        """The records of its slices."""
        return sum(one.expected for one in self.slices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cut of a query: slices and `empty` windows tile it; `counts` is how many requests that took.

    `as_of`, in epoch seconds of the server's clock, is the moment whose records are to be complete: what changed at or
    after it is movement. With `until` its windows end there: nothing younger is fetched. `listed` is the number of all
    records, whenever they changed. `uncut` says why a list that can be cut was not.
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
        """All slices in the order of time."""
        return tuple(one for part in self.parts for one in part.slices)

    def requests(self, page_size: int) -> int:
        """Estimate the requests of the whole run: the counts so far, the pages, and the count at the end."""
        return self.counts + sum(max(1, -(-one.expected // page_size)) for one in self.slices) + 1


def bounded(planned: Plan, as_of: int, recent: Mapping[str, int]) -> Plan:
    """Return a plan whose slices count what last changed before `as_of`: all but the `recent` ones of each."""
    parts = tuple(
        replace(part, slices=tuple(_bounded(one, as_of, recent) for one in part.slices)) for part in planned.parts
    )
    total = planned.total - sum(recent.values())
    return replace(planned, parts=parts, total=total)


def _bounded(one: Slice, as_of: int, recent: Mapping[str, int]) -> Slice:
    return replace(one, expected=max(0, one.expected - recent.get(one.key, 0)), as_of=as_of)


def uncut(planned: Plan, total: int) -> Plan:
    """Return a plan of one slice that holds everything."""
    whole = _slice(_Tile(EVERYTHING, total))
    return replace(planned, total=total, parts=(Part(key=whole.key, slices=(whole,)),), empty=(), until=None)


# Made here, while one thread imports: two that meet at msgspec's first use of a dataclass end the process.
_KEPT = msgspec.json.Decoder(Plan)


def restored(kept: Json) -> Plan:
    """Return the plan that was kept as built-in values."""
    return _KEPT.decode(msgspec.json.encode(kept))


@dataclass(frozen=True, slots=True)
class _Tile:
    """A counted window."""

    window: Window
    records: int
    crowded: bool = False  # too many, and most of a larger window: they may be of one second


class _UncountableError(Exception):
    """Counts of windows lead nowhere: the server does not heed windows, or the records cannot be told apart by time."""

    def __init__(self, reason: str, counts: int) -> None:
        super().__init__(reason)
        self.counts = counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """What decides where to cut: the size of slices, the running year, and whether years must not be mixed."""

    target: int
    year: int
    by_year: bool


async def plan(
    query: Query,
    count: Count,
    moment: Moment = untold,
    *,
    year: int,
    target: int | None = None,
    part_records: int = PART_RECORDS,
    until: int | None = None,
    total: int | None = None,
) -> Plan:
    """Cut a query into slices of at most `target` records, by counting; `year` is the current one.

    Where windows do not get emptier by cutting, `moment` leads to the second that is full, in two requests, not thirty.

    A single second is never cut: it may hold more. Queries of more than two parts are cut at every new year too.
    The default target is a twelfth of all, between 5,000 and 60,000. Lists without cursors or without a time that
    never changes are one slice. Records created at or after `until` are left out; `total` is the number of the others,
    if it is known.
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


async def pieces(query: Query, one: Slice, count: Count, moment: Moment = untold, *, year: int) -> list[Window]:
    """Cut a slice that does not come whole into some smaller windows that tile it, empty ones included."""
    if not can_cut(query) or one.expected < 2:
        return [one.window]
    grid = _Grid(target=-(-one.expected // _PIECES), year=year, by_year=False)
    try:
        tiles, _ = await _tile(_Tile(one.window, one.expected), grid, count, moment)
    except _UncountableError:
        return [one.window]
    return [tile.window for tile in _merge(tiles, grid)]


def key(window: Window) -> str:
    """Name a window so that names sort like their starts and are good for files: 20190101T000000-max."""
    start = "0min" if window.start is None else _stamp(window.start)
    return f"{start}-{'max' if window.end is None else _stamp(window.end)}"


def can_cut(query: Query) -> bool:
    """Return whether the list can be asked for windows of time."""
    return _root(query) is not None


def _root(query: Query) -> Window | None:
    """Return the window that is to be tiled, None if the query cannot be cut."""
    resource = query.resource
    by_id = any(name == "ids" for name, _ in query.filters)  # the server ignores a window beside it (api-notes 4.3)
    if by_id or resource.paging not in (Paging.CURSOR, Paging.KEYSET) or resource.slice_on is None:
        return None
    return query.window if query.by == resource.slice_on else EVERYTHING


async def _tile(root: _Tile, grid: _Grid, count: Count, moment: Moment) -> tuple[list[_Tile], int]:
    """Cut windows until nothing is to be cut; all pieces but the last are counted, that one is the difference."""
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
    """Return what a tile was cut into, nothing if it stays whole."""
    if len(windows) == 1:
        return []
    evenly = not tile.crowded and not (grid.by_year and _new_years(tile.window, grid.year))
    return [
        _Tile(window, found, crowded=evenly and found > max(grid.target, tile.records * _MOSTLY))
        for window, found in zip(windows, records, strict=True)
    ]


def _moments(tile: _Tile, grid: _Grid, full: int | None) -> list[int]:
    """Choose the moments at which a window is cut, none if it stays whole; `full` is a second that may hold much."""
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
    """Choose where a window that holds too many falls into equal times."""
    start, end = _bounds(tile.window, grid.year)
    if end - start <= 1:  # all that is closed is a second: what is left to cut off is an open side
        return [start if tile.window.start is None else end]
    cuts = min(_AT_ONCE, -(-tile.records // grid.target), end - start)
    return [start + (end - start) * nth // cuts for nth in range(1, cuts)]


def _bounds(window: Window, year: int) -> tuple[int, int]:
    """Guess bounds for a window's open sides: where the records are, or else far away."""
    start, end = window.start, window.end
    busy, over = year_start(_BUSY_YEAR), year_start(year + 1)
    if start is None:
        start = busy if busy < (over if end is None else end) else year_start(_FAR_PAST)
    if end is None:
        end = over if start < over else year_start(_FAR_FUTURE)
    return start, max(start, end)


def _new_years(window: Window, year: int) -> list[int]:
    """List the new years strictly inside a window."""
    years = [year_start(one) for one in range(_FIRST_YEAR, year + 2)]
    return [moment for moment in years if len(window.cut([moment])) == 2]


def _merge(tiles: Iterable[_Tile], grid: _Grid) -> list[_Tile]:
    """Join neighbours while they stay within the target, and within a year if years must not be mixed."""
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
        size = sum(one.records for one in group) + tile.records
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


def _same_year(one: _Tile, other: _Tile, grid: _Grid) -> bool:
    return not grid.by_year or not _new_years(Window(one.window.start, other.window.end), grid.year)


def _year(window: Window) -> int | None:
    """Return the calendar year that the window lies in, None if it is open or of several."""
    if window.start is None or window.end is None:
        return None
    year = datetime.fromtimestamp(window.start, UTC).year
    return year if window.end <= year_start(year + 1) else None


def _begin(window: Window) -> float:
    return float("-inf") if window.start is None else window.start


def _stamp(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%S")
