"""Reconcile a sync: compare windows with differing counts by id, fetch missing records, and explain movement.

`holdings`, `index_changes` and `completeness` draw the conclusions from counts and ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from etl.runs.export.as_of import column_of_change, count_settled, counting
from etl.runs.export.confirm_deletions import fates, find_survivor
from etl.runs.export.count_changes import settle_by_listing
from etl.runs.sync import holdings, incoming
from etl.runs.sync.finish import Reconciled
from etl.runs.sync.holdings import Bound, Holdings
from etl.staging import part as part_files
from etl.steps import together
from etl.storage import paths

ROUNDS = 3
"""Maximum number of times the dataset is compared with the server before its counts are judged as they are."""
MANY = 1_000
"""A list alone is not enough evidence to withdraw more records than this."""
_PLAIN = Delivery()


async def reconcile(own: Run, run: Run, parts: list[Part], as_of: int, *, every_id: bool = False) -> Reconciled:
    """Compare the records here with the server's counts, window by window, and settle the differences.

    Both are as of the moment when the sync was planned; later changes are left to the next one. Records that the server
    no longer has are withdrawn; windows with missing records are fetched whole.
    """
    withdrawn = holdings.no_records()
    if own.query == run.query:
        withdrawn = await run.in_thread(current_holdings(run, parts, withdrawn).not_fetched)
    for turn in range(ROUNDS):
        bound = await _bound(run, as_of)
        tiles = holdings.all_windows(await _counted(run, bound))
        held = await run.in_thread(current_holdings, run, parts, withdrawn)
        counts = await run.in_thread(held.counts, tiles, bound)
        tiling, differing = tiles, list(range(len(tiles)))
        if turn or not every_id:
            differing = [at for at in differing if counts[at] != tiles[at].expected]
            tiling, differing = await _narrowed(run, held, tiles, {at: counts[at] for at in differing}, bound)
        withdrawn, incomplete = await _settled(run, held, tiling, differing, turn)
        if bound is not None:
            withdrawn = await _recently_withdrawn(run, replace(held, withdrawn=withdrawn), bound)
        again = [_again(run, tiling[at], turn) for at in incomplete]
        for part in again:
            export.discard_part(run, part)  # an unfinished run fetched it at another time
        if again:
            run.observe(_planned(run, [tiling[at] for at in incomplete]))
        await export.fetch_parts(replace(run, layout=own.layout), again)
        parts += again
        held = await run.in_thread(current_holdings, run, parts, withdrawn)
        settled = replace(await _proved(run, held, tiles, bound, as_of), parts=tuple(parts))
        if settled.verdict().state is not State.INCOMPLETE:
            break
    return settled


async def _bound(run: Run, as_of: int) -> Bound | None:
    """Return which records count as of the moment of the sync; None if the list cannot say, so that all count.

    Movement would hide what is missing or withdrawn: as many records may have joined a window as have left it.
    """
    column = column_of_change(run.query)
    moved = None if column is None else await listing.moved_since(run, as_of)
    return None if column is None or moved is None else Bound(column=column, as_of=as_of, moved=moved)


async def _counted(run: Run, bound: Bound | None) -> Plan:
    """Count the records of the query, window by window."""
    return await slices.plan(run.query, *counting(run, _moment(bound)), year=run.year)


def _moment(bound: Bound | None) -> int | None:
    return None if bound is None else bound.as_of


async def _narrowed(
    run: Run, held: Holdings, tiles: tuple[Slice, ...], differing: Mapping[int, int], bound: Bound | None
) -> tuple[tuple[Slice, ...], list[int]]:
    """Return narrower windows and the numbers of those that differ, given the number of records held in each.

    A window stays as it is if the list cannot be cut, or if some of its records have no creation time.
    """
    if not differing or not can_cut(run.query):
        return tiles, list(differing)
    size = holdings.ids_query(run.query).page_size
    seconds = await run.in_thread(held.seconds, tiles, list(differing), bound)
    whole = {at for at, count in differing.items() if len(seconds[at]) != count}
    divisible = {at: times for at, times in seconds.items() if at not in whole}
    count, _ = counting(run, _moment(bound))
    return await narrow(tiles, divisible, count, whole=whole, page_size=size)


async def _settled(
    run: Run, held: Holdings, tiles: Sequence[Slice], wanted: Sequence[int], turn: int
) -> tuple[pl.DataFrame, list[int]]:
    """Return the records that are withdrawn now, and the windows with missing records."""
    walks = await together(_ids(run, tiles[at], turn) for at in wanted)
    walked = {at: ids for at, ids in zip(wanted, walks, strict=True) if ids is not None}
    withdrawn, incomplete = await run.in_thread(_compared, held, tiles, walked)
    return await _believed(run, held, withdrawn), incomplete


async def _recently_withdrawn(run: Run, held: Holdings, bound: Bound) -> pl.DataFrame:
    """Return the withdrawn records, with those that changed after the moment of the sync and have gone since.

    No count has them: each is requested alone.
    """
    unlisted = await run.in_thread(held.recent_and_unlisted, bound)
    known = await fates(run, unlisted["key"].to_list(), bound.moved, since=bound.as_of)
    withdrawn = [name for name, fate in known.items() if fate is index_changes.Fate.GONE]
    return pl.concat([held.withdrawn, unlisted.filter(pl.col("key").is_in(withdrawn))])


async def _believed(run: Run, held: Holdings, withdrawn: pl.DataFrame) -> pl.DataFrame:
    """Return the withdrawn records; if there are many at once, only if none of a few of them still exists.

    An index that has lost a part of itself lists and counts less, and is consistent all the same.
    """
    lost = withdrawn.join(held.withdrawn, on="key", how="anti")["key"].sort()
    if len(lost) <= MANY:
        return withdrawn
    since = moment(published_manifest(run.files).watermark or "1970")
    survivor = await find_survivor(run, lost.to_list(), since=since)
    if survivor is None:
        return withdrawn
    text = (
        f"{len(lost):,} records are no longer listed, but {survivor} still exists: none of them is marked as withdrawn"
    )
    run.observe(Noted(text=text))
    return held.withdrawn


async def _ids(run: Run, piece: Slice, turn: int) -> pl.DataFrame | None:
    """Fetch the ids of a window, again if it was fetched before.

    A window that is empty by the counts is fetched too: its count may be the difference of two counts at different
    times. None if fewer ids arrive than there are: a record missing from such a list is not withdrawn.
    """
    query = holdings.ids_query(run.query)
    bare = replace(run, query=query, parser=Parser(query.resource), related={}, delivery=_PLAIN, observe=_notes(run))
    own = replace(piece, key=f"ids{turn}-{piece.key}")
    run.store.discard(own.key)
    tally = (await export.export_slice(bare, own)).tally
    if tally.unique != tally.expected_after:
        return None
    return await run.in_thread(holdings.staged_ids, run.files, own)


def _notes(run: Run) -> Observe:
    """Return an observer of notes only: lists of ids are not progress."""
    return lambda event: run.observe(event) if isinstance(event, Noted) else None


def _planned(run: Run, again: Sequence[Slice]) -> Planned:
    requests = sum(ceil(piece.expected / run.query.page_size) for piece in again)
    return Planned(slices=len(again), records=sum(piece.expected for piece in again), requests=requests)


def _compared(
    held: Holdings, tiles: Sequence[Slice], walked: dict[int, pl.DataFrame]
) -> tuple[pl.DataFrame, list[int]]:
    """Return the records that are withdrawn now, and the windows with missing records."""
    ours = held.within(tiles, list(walked))
    withdrawn, incomplete = [held.withdrawn], []
    for at, mine in holdings.by_window(ours, list(walked)):
        theirs = walked[at]
        lost = mine.join(theirs, on="key", how="anti")
        withdrawn.append(lost.select("key", "old"))
        if theirs.join(mine, on="key", how="anti").height:
            incomplete.append(at)
    there = pl.concat([pl.DataFrame(schema={"key": pl.String}), *walked.values()])
    return pl.concat(withdrawn).join(there, on="key", how="anti"), incomplete


def _again(run: Run, piece: Slice, turn: int) -> Part:
    key = paths.refetched_part(run.store.started() or run.started, piece.key, turn)
    return Part(key=key, slices=(replace(piece, key=f"again{turn}-{piece.key}"),))


def current_holdings(run: Run, parts: list[Part], withdrawn: pl.DataFrame) -> Holdings:
    proof = published_manifest(run.files)
    receipts = [group for part in parts for group in part_files.read_receipts(run.files, part.key)]
    return Holdings(
        published=reader.open_published(run.files, run.layout, proof),
        incoming=incoming.gather(run.files, run.layout, receipts),
        withdrawn=withdrawn,
    )


async def _proved(run: Run, held: Holdings, tiles: Sequence[Slice], bound: Bound | None, as_of: int) -> Reconciled:
    """Compare the records here with the counts once more, as of the moment of the sync.

    A window that still differs is counted again, and if need be listed, and its list decides.
    """
    counts = await run.in_thread(held.counts, tiles)
    settled = counts if bound is None else await run.in_thread(held.counts, tiles, bound)
    every = [_tally(*entry) for entry in zip(tiles, counts, settled, strict=True)]
    differing = [at for at, tally in enumerate(every) if tally.settled != tally.expected_after]
    if bound is not None and differing:
        every = await _recounted(run, held, tiles, every, differing, bound=bound)
    moved: list[Move] = []
    missing: list[str] = []
    for at in differing if listing.readable(run.layout) else ():
        tally = every[at]
        if tally.settled == tally.expected_after or ((listed := await listing.listed_now(run, tally.window)) is None):
            continue
        compared = index_changes.compare(await run.in_thread(held.times, tiles, at), listed, as_of=as_of)
        every[at], moves = await settle_by_listing(run, tally, compared, listed, as_of=as_of)
        moved += moves
        missing += compared.missing
    tallies = tuple(tally for tally in every if tally.unique or tally.expected_after or tally.expected_before)
    total = sum(tally.expected_before or 0 for tally in tallies)
    return Reconciled(
        held=held,
        tallies=tallies,
        before=total,
        after=total,
        parts=(),
        moved=tuple(moved),
        missing=tuple(missing),
        still=not differing and (counts == settled or await run.client.count(run.query) == sum(counts)),
    )


async def _recounted(
    run: Run, held: Holdings, tiles: Sequence[Slice], every: Sequence[Tally], differing: Sequence[int], *, bound: Bound
) -> list[Tally]:
    """Count differing windows again: records that changed between the requests may be counted or not."""
    totals = await together(count_settled(run, bound.as_of, tiles[at].window) for at in differing)
    counted_at = run.client.server_time()
    moved = await listing.moved_since(run, bound.as_of)
    moved = bound.moved if moved is None else moved
    before = moved if counted_at is None else moved.filter(pl.col("updated") < floor(counted_at))
    lowest = await run.in_thread(held.counts, tiles, replace(bound, moved=moved))
    highest = await run.in_thread(held.counts, tiles, replace(bound, moved=before))
    again = list(every)
    for at, total in zip(differing, totals, strict=True):
        settled = min(max(total, lowest[at]), highest[at])
        again[at] = _tally(replace(tiles[at], expected=total), every[at].unique, settled)
    return again


def _tally(piece: Slice, unique: int, settled: int) -> Tally:
    return Tally(
        key=piece.key,
        window=piece.window,
        expected_before=piece.expected,
        expected_after=piece.expected,
        received=unique,
        unique=unique,
        recent=unique - settled,
        walked=unique,
    )
