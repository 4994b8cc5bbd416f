"""The conductor of a sync: fetch what was updated, find what is gone or lacking, merge, prove, publish.

The changed records are asked for as a query of their own, with the watermark as a bound on `updated`, and are cut into
slices on `created` like any export: that time never changes, so a record that is updated once more meanwhile stays in
its slice, and days with millions of updates are cut like everything else. What is compared and how rows are merged is
decided elsewhere.
"""

import asyncio
from dataclasses import dataclass, replace

import msgspec
import polars as pl

from etl import export, incoming, part, published, reconciling, watermark
from etl.completeness import Tally
from etl.declare import Paging
from etl.events import Noted, Planned
from etl.export import Step, directly, together
from etl.parse import Parser
from etl.query import Query
from etl.reconciling import Held
from etl.run import Delivery, Run
from etl.slices import Part, Plan, Slice
from etl.store import published_manifest
from etl.synced import Settled, SyncOutcome, close
from etl.window import Window

PURPOSE = "sync"
_PLAIN = Delivery()
ROUNDS = 3
"""How often the dataset is compared with the server before its counts are judged as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a sync is to look: `overlap` in seconds; `every_id` compares ids also where the counts agree."""

    overlap: int = watermark.OVERLAP
    every_id: bool = False


async def sync(run: Run, wish: Wish | None = None, step: Step = directly) -> SyncOutcome:
    """Bring the run's dataset up to date; nothing was published if the outcome says so.

    `step` does each step, given its name, so that a shell may make a task of it.
    """
    wish = wish or Wish()
    own = _fetching(run, wish)
    planned = await step("plan", plan, own)
    parts = list(planned.parts)
    await fetch(own, parts, step)
    settled = await step("reconcile", reconcile, own, run, parts, every_id=wish.every_id)
    return await step("merge and publish", close, run, planned, settled)


def _fetching(run: Run, wish: Wish) -> Run:
    """Return the run that fetches what has changed."""
    proof = published_manifest(run.files)
    since = watermark.begin(proof["watermark"], wish.overlap)
    return replace(run, query=changed(run.query, since), layout=incoming.layout(run.layout))


def changed(query: Query, since: int | None) -> Query:
    """Narrow a query to what was updated from a second on; the query itself where the list cannot be asked so."""
    resource = query.resource
    by_id = any(name == "ids" for name, _ in query.filters)  # the server ignores everything beside it (API.md 2.1)
    if since is None or by_id or resource.paging is not Paging.CURSOR or "updated" not in resource.windows:
        return query
    clause = Window(since, None).clause(resource.windows["updated"])
    return replace(query, text=f"({query.text}) AND {clause}" if query.text else clause)


async def plan(own: Run) -> Plan:
    """Return the plan of the unfinished sync in the destination, or count and make one."""
    if (kept := own.store.plan()) is not None:
        planned = msgspec.convert(kept, Plan)
        own.observe(Noted(text="going on with the unfinished sync of this destination"))
        export.forget_short(own, planned)
    else:
        cut = await export.count(own)
        # The keys of parts name files of rejects and raw records, which stay beside those of earlier runs.
        parts = tuple(replace(each, key=f"{round(own.started)}-{each.key}") for each in cut.parts)
        planned = replace(cut, parts=parts)
        own.store.begin(own.claim, msgspec.to_builtins(planned), started=own.started)
    requests = planned.requests(own.query.page_size)
    own.observe(Planned(slices=len(planned.slices), records=planned.total, requests=requests))
    return planned


async def fetch(own: Run, parts: list[Part], step: Step = directly) -> None:
    """Fetch parts and stage their tables apart from the dataset's."""
    slots = asyncio.Semaphore(own.settings.concurrency)

    async def walked(one: Slice) -> None:
        async with slots:
            await step(f"slice {one.key}", export.export_slice, own, one)

    async def parted(each: Part) -> None:
        await together(walked(one) for one in each.slices)
        await step(f"part {each.key}", export.write_part, own, each)

    await together(parted(each) for each in parts)


async def reconcile(own: Run, run: Run, parts: list[Part], *, every_id: bool = False) -> Settled:
    """Compare what is held with the server's counts, window by window, and settle where they differ.

    Records that the server has no more are gone, windows in which something is lacking are fetched whole.
    """
    gone = reconciling.nothing()
    if own.query == run.query:
        gone = await run.aside(_held(run, parts, gone).not_fetched)
    for turn in range(ROUNDS):
        counted = await export.count(run)
        tiles = reconciling.tiles(counted)
        held = await run.aside(_held, run, parts, gone)
        counts = await run.aside(held.counts, tiles)
        wanted = [at for at, one in enumerate(tiles) if counts[at] != one.expected or (every_id and not turn)]
        walked = {at: await _ids(run, tiles[at], turn) for at in wanted}
        gone, lacking = await run.aside(_compared, held, tiles, walked)
        again = [_again(run, tiles[at], turn) for at in lacking]
        await fetch(replace(run, layout=own.layout), again)
        parts += again
        held = await run.aside(_held, run, parts, gone)
        counts = await run.aside(held.counts, tiles)
        after = await run.client.count(run.query)
        if sum(counts) == after and all(count == one.expected for count, one in zip(counts, tiles, strict=True)):
            break
    tallies = [_tally(one, count) for one, count in zip(tiles, counts, strict=True) if one.expected or count]
    return Settled(held=held, tallies=tuple(tallies), before=counted.total, after=after, parts=tuple(parts))


async def _ids(run: Run, one: Slice, turn: int) -> pl.DataFrame:
    """Walk the ids of a window; an earlier walk of it is of another time and does not count."""
    query = reconciling.ids_query(run.query)
    bare = replace(run, query=query, parser=Parser(query.resource), along={}, delivery=_PLAIN)
    own = replace(one, key=f"ids{turn}-{one.key}")
    run.store.discard(own.key)
    if one.expected:
        await export.export_slice(bare, own)
    return await run.aside(reconciling.ids, run.files, own)


def _compared(held: Held, tiles: tuple[Slice, ...], walked: dict[int, pl.DataFrame]) -> tuple[pl.DataFrame, list[int]]:
    """Return what is gone now, and the windows in which something is lacking."""
    ours = held.within(tiles, list(walked))
    gone, lacking = [held.gone], []
    for at, mine in reconciling.each(ours, list(walked)):
        theirs = walked[at]
        lost = mine.join(theirs, on="key", how="anti")
        gone.append(lost.select("key", "old"))
        if theirs.join(mine, on="key", how="anti").height:
            lacking.append(at)
    there = pl.concat([pl.DataFrame(schema={"key": pl.String}), *walked.values()])
    return pl.concat(gone).join(there, on="key", how="anti"), lacking


def _again(run: Run, one: Slice, turn: int) -> Part:
    key = f"{round(run.store.started() or run.started)}-{turn}-{one.key}"
    return Part(key=key, slices=(replace(one, key=f"again{turn}-{one.key}"),))


def _held(run: Run, parts: list[Part], gone: pl.DataFrame) -> Held:
    proof = published_manifest(run.files)
    receipts = [group for each in parts for group in part.read_receipts(run.files, each.key)]
    return Held(
        published=published.published(run.files, run.layout, proof),
        incoming=incoming.gather(run.files, run.layout, receipts),
        gone=gone,
    )


def _tally(one: Slice, count: int) -> Tally:
    return Tally(
        key=one.key,
        window=one.window,
        expected_before=one.expected,
        expected_after=one.expected,
        received=count,
        unique=count,
    )
