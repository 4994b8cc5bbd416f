"""Settling a sync: windows whose counts differ are compared by id, what is lacking is fetched, what moves is explained.

What follows from counts and ids is decided in `reconciling`, `moves` and `completeness`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import ceil, floor

import polars as pl

from etl.api.window import moment
from etl.completeness import index_changes, slices
from etl.completeness.bisect import narrow
from etl.completeness.slices import Part, Plan, Slice, can_cut
from etl.completeness.verdict import Move, State, Tally
from etl.dataset import reader
from etl.dataset.request import Delivery
from etl.dataset.store import published_manifest
from etl.events import Noted, Observe, Planned
from etl.records.parser import Parser
from etl.runs.context import Run
from etl.runs.export import export, listing
from etl.runs.export.as_of import column_of_change, count_settled
from etl.runs.export.confirm_deletions import still_there
from etl.runs.export.count_changes import settled_by
from etl.runs.sync import holdings, incoming
from etl.runs.sync.finish import Settled
from etl.runs.sync.holdings import Bound, Held
from etl.staging import part
from etl.steps import together
from etl.storage import paths

ROUNDS = 3
"""How often the dataset is compared with the server before its counts are judged as they are."""
MANY = 1_000
"""More records than this are not withdrawn on the word of a list alone."""
_PLAIN = Delivery()


async def reconcile(own: Run, run: Run, parts: list[Part], as_of: int, *, every_id: bool = False) -> Settled:
    """Compare what is held with the server's counts, window by window, and settle where they differ.

    Both are as of the moment at which the sync was planned; what changed later is the matter of the next one. Records
    that the server has no more are gone, windows in which something is lacking are fetched whole.
    """
    gone = holdings.nothing()
    if own.query == run.query:
        gone = await run.aside(held_now(run, parts, gone).not_fetched)
    for turn in range(ROUNDS):
        tiles = holdings.tiles(await _counted(run))
        held = await run.aside(held_now, run, parts, gone)
        counts = await run.aside(held.counts, tiles)
        narrow, differing = tiles, list(range(len(tiles)))
        if turn or not every_id:
            differing = [at for at in differing if counts[at] != tiles[at].expected]
            narrow, differing = await _narrowed(run, held, tiles, {at: counts[at] for at in differing})
        gone, lacking = await _settled(run, held, narrow, differing, turn)
        again = [_again(run, narrow[at], turn) for at in lacking]
        for each in again:
            export.forget(run, each)  # what a run that did not end has fetched is of another time
        if again:
            run.observe(_planned(run, [narrow[at] for at in lacking]))
        await export.fetch(replace(run, layout=own.layout), again)
        parts += again
        held = await run.aside(held_now, run, parts, gone)
        settled = replace(await _proved(run, held, tiles, as_of), parts=tuple(parts))
        if settled.verdict().state is not State.INCOMPLETE:
            break
    return settled


async def _counted(run: Run) -> Plan:
    """Count all records of the query, window by window."""
    year = datetime.fromtimestamp(run.started, UTC).year
    count, moment = partial(run.client.count, run.query), partial(run.client.moment, run.query)
    return await slices.plan(run.query, count, moment, year=year)


async def _narrowed(
    run: Run, held: Held, tiles: tuple[Slice, ...], differing: Mapping[int, int]
) -> tuple[tuple[Slice, ...], list[int]]:
    """Return narrower windows and the numbers of those that differ, given how many records are held in which.

    A window stays as it is where a list cannot be cut, or where it is not known of all records when they were created.
    """
    if not differing or not can_cut(run.query):
        return tiles, list(differing)
    size = holdings.ids_query(run.query).page_size
    seconds = await run.aside(held.seconds, tiles, list(differing))
    whole = {at for at, count in differing.items() if len(seconds[at]) != count}
    some = {at: found for at, found in seconds.items() if at not in whole}
    return await narrow(tiles, some, partial(run.client.count, run.query), whole=whole, page_size=size)


async def _settled(
    run: Run, held: Held, tiles: Sequence[Slice], wanted: Sequence[int], turn: int
) -> tuple[pl.DataFrame, list[int]]:
    """Return what is gone now, and the windows in which something is lacking."""
    found = await together(_ids(run, tiles[at], turn) for at in wanted)
    walked = {at: ids for at, ids in zip(wanted, found, strict=True) if ids is not None}
    gone, lacking = await run.aside(_compared, held, tiles, walked)
    return await _believed(run, held, gone), lacking


async def _believed(run: Run, held: Held, gone: pl.DataFrame) -> pl.DataFrame:
    """Return what is gone; where much is gone at once, only if none of a few of them can still be had.

    An index that has lost a part of itself lists and counts less, and agrees with itself.
    """
    lost = gone.join(held.gone, on="key", how="anti")["key"].sort()
    if len(lost) <= MANY:
        return gone
    since = moment(published_manifest(run.files).watermark or "1970")
    one = await still_there(run, lost.to_list(), since=since)
    if one is None:
        return gone
    told = f"{len(lost):,} records are no longer listed, but {one} can still be had: none of them is withdrawn"
    run.observe(Noted(text=told))
    return held.gone


async def _ids(run: Run, one: Slice, turn: int) -> pl.DataFrame | None:
    """Walk the ids of a window; an earlier walk of it is of another time and does not count.

    One without records by the counts is asked too: what one knows of it may be the difference of two that were counted
    at different times. None if fewer came than there are: who does not come in such a list is not gone.
    """
    query = holdings.ids_query(run.query)
    bare = replace(run, query=query, parser=Parser(query.resource), along={}, delivery=_PLAIN, observe=_notes(run))
    own = replace(one, key=f"ids{turn}-{one.key}")
    run.store.discard(own.key)
    tally = (await export.export_slice(bare, own)).tally
    if tally.unique != tally.expected_after:
        return None
    return await run.aside(holdings.ids, run.files, own)


def _notes(run: Run) -> Observe:
    """Return what observes only what is said: lists of ids are no progress."""
    return lambda event: run.observe(event) if isinstance(event, Noted) else None


def _planned(run: Run, again: Sequence[Slice]) -> Planned:
    requests = sum(ceil(one.expected / run.query.page_size) for one in again)
    return Planned(slices=len(again), records=sum(one.expected for one in again), requests=requests)


def _compared(held: Held, tiles: Sequence[Slice], walked: dict[int, pl.DataFrame]) -> tuple[pl.DataFrame, list[int]]:
    """Return what is gone now, and the windows in which something is lacking."""
    ours = held.within(tiles, list(walked))
    gone, lacking = [held.gone], []
    for at, mine in holdings.each(ours, list(walked)):
        theirs = walked[at]
        lost = mine.join(theirs, on="key", how="anti")
        gone.append(lost.select("key", "old"))
        if theirs.join(mine, on="key", how="anti").height:
            lacking.append(at)
    there = pl.concat([pl.DataFrame(schema={"key": pl.String}), *walked.values()])
    return pl.concat(gone).join(there, on="key", how="anti"), lacking


def _again(run: Run, one: Slice, turn: int) -> Part:
    key = paths.again(run.store.started() or run.started, one.key, turn)
    return Part(key=key, slices=(replace(one, key=f"again{turn}-{one.key}"),))


def held_now(run: Run, parts: list[Part], gone: pl.DataFrame) -> Held:
    proof = published_manifest(run.files)
    receipts = [group for each in parts for group in part.read_receipts(run.files, each.key)]
    return Held(
        published=reader.open_published(run.files, run.layout, proof),
        incoming=incoming.gather(run.files, run.layout, receipts),
        gone=gone,
    )


async def _proved(run: Run, held: Held, tiles: Sequence[Slice], as_of: int) -> Settled:
    """Compare what is held with the counts once more, where they still differ as of the moment of the sync.

    A window that differs even so is read, and its list decides.
    """
    counts = await run.aside(held.counts, tiles)
    every = [_tally(one, count) for one, count in zip(tiles, counts, strict=True)]
    differing = [at for at, tally in enumerate(every) if tally.unique != tally.expected_after]
    for at, tally in (await _as_of(run, held, tiles, differing, as_of)).items():
        every[at] = replace(tally, received=counts[at], unique=counts[at], recent=counts[at] - tally.settled)
    moved: list[Move] = []
    missing: list[str] = []
    for at in differing if listing.readable(run.layout) else ():
        tally = every[at]
        if tally.settled == tally.expected_after or ((listed := await listing.listed_now(run, tally.window)) is None):
            continue
        compared = index_changes.compare(await run.aside(held.times, tiles, at), listed, as_of=as_of)
        every[at], moves = await settled_by(run, tally, compared, listed, as_of=as_of)
        moved += moves
        missing += compared.missing
    tallies = tuple(tally for tally in every if tally.unique or tally.expected_after or tally.expected_before)
    total = sum(tally.expected_before or 0 for tally in tallies)
    return Settled(
        held=held,
        tallies=tallies,
        before=total,
        after=total,
        parts=(),
        moved=tuple(moved),
        missing=tuple(missing),
        still=not differing,
    )


async def _as_of(
    run: Run, held: Held, tiles: Sequence[Slice], differing: Sequence[int], as_of: int
) -> dict[int, Tally]:
    """Count some windows, and what is held of them, as of the moment of the sync; none where the list has no way to.

    What changed between the count and the look at what changed may be counted or not.
    """
    column = column_of_change(run.query)
    if column is None or not differing:
        return {}
    there = await together(count_settled(run, as_of, tiles[at].window) for at in differing)
    counted_at = run.client.server_time()
    if (movers := await listing.moved_since(run, as_of)) is None:
        return {}
    before = movers if counted_at is None else movers.filter(pl.col("updated") < floor(counted_at))
    lowest = await run.aside(held.counts, tiles, Bound(column=column, as_of=as_of, moved=movers))
    highest = await run.aside(held.counts, tiles, Bound(column=column, as_of=as_of, moved=before))
    return {
        at: _tally(replace(tiles[at], expected=total), min(max(total, lowest[at]), highest[at]))
        for at, total in zip(differing, there, strict=True)
    }


def _tally(one: Slice, unique: int) -> Tally:
    return Tally(
        key=one.key,
        window=one.window,
        expected_before=one.expected,
        expected_after=one.expected,
        received=unique,
        unique=unique,
        walked=unique,
    )
