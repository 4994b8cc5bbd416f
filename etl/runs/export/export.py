"""The conductor of an export: plan, a walk a slice, files a part, then proof and publication (`proving`).

Each step is a function over a Run, so that the command line and the Prefect flow compose the same ones. Steps may be
repeated: what has a receipt is not done again. What to ask, what to retry, what "complete" means and how files look
is decided elsewhere.
"""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import msgspec

from etl.api.query import joined_by_or
from etl.completeness import slices
from etl.completeness.slices import Part, Plan, Slice
from etl.dataset.store import Receipt
from etl.events import Noted, PartWritten, Planned, SliceDone
from etl.runs.context import Outcome, Run
from etl.runs.export import as_of, fetch_slice, volume
from etl.runs.export.commit import close
from etl.runs.export.early_write import writing_ahead
from etl.staging import part
from etl.staging.part import PartReceipt
from etl.steps import Step, directly, together


async def export(run: Run, step: Step = directly) -> Outcome:
    """Do the whole export; what it says of itself is in the Outcome, and nothing was published if that says so.

    `step` does each step, given its name, so that a shell may make a task of it; steps of one part run side by side.
    """
    planned = await step("plan", plan, run)
    if volume.worth_fetching(run.delivery, planned):
        await fetch(run, planned.parts, step)
    else:
        planned = replace(planned, parts=())
    return await step("prove and publish", close, run, planned)


async def fetch(run: Run, parts: Iterable[Part], step: Step = directly) -> None:
    """Walk the slices of parts and stage their tables."""
    slots = asyncio.Semaphore(run.settings.concurrency)

    async def walked(heard: Run, one: Slice) -> None:
        async with slots:
            await step(f"slice {one.key}", export_slice, heard, one)

    async def parted(each: Part) -> None:
        async with writing_ahead(run, each) as heard:
            await together(walked(heard, one) for one in each.slices)
        await step(f"part {each.key}", write_part, run, each)

    await together(parted(each) for each in parts)


async def plan(run: Run) -> Plan:
    """Return the plan of the unfinished work that lies in the destination, or count and make one."""
    if (kept := run.store.plan()) is not None:
        planned = slices.decode_plan(kept)
        run.observe(Noted(text="going on with the unfinished run in this destination"))
        forget_short(run, planned)
    else:
        planned = await count(run)
        run.store.begin(run.claim, msgspec.to_builtins(planned), started=run.started)
    requests = planned.requests(run.query.page_size)
    run.observe(Planned(slices=len(planned.slices), records=planned.total, requests=requests))
    if not planned.total:
        run.observe(Noted(text="note: the API has no records for this query; is each filter's value right?"))
    if either := joined_by_or(run.query):
        run.observe(Noted(text=f"note: the API joins {' and '.join(either)} by OR, not by AND"))
    return planned


def forget_short(run: Run, planned: Plan) -> None:
    """Discard the parts in which a slice had come short when the run before ended, so that they are fetched anew."""
    for each in planned.parts:
        receipts = [found for one in each.slices if (found := run.store.receipt(one.key))]
        if any(found.tally.settled != found.tally.expected_after for found in receipts):
            forget(run, each)


def forget(run: Run, each: Part) -> None:
    """Discard a part and its slices, so that they are fetched anew."""
    part.discard(run.files, each.key)
    for one in each.slices:
        run.store.discard(one.key)


async def count(run: Run) -> Plan:
    """Ask for counts until the query is cut into slices."""
    year = datetime.fromtimestamp(run.started, UTC).year
    if run.delivery.limit is not None:  # a sample is taken from one uncut slice, and proves nothing
        return await slices.plan(run.query, partial(run.client.count, run.query), year=year, target=sys.maxsize)
    return await as_of.plan(run, year=year)


async def export_slice(run: Run, one: Slice) -> Receipt:
    """Walk a slice until what came is what its total says, or a few times; what it had staged before is kept."""
    if (receipt := run.store.receipt(one.key)) is not None:
        run.observe(SliceDone(slice_key=one.key, records=receipt.tally.unique, expected=one.expected, resumed=True))
        return receipt
    receipt = await fetch_slice.fetch(run, one)
    run.store.commit(receipt)
    run.observe(SliceDone(slice_key=one.key, records=receipt.tally.unique, expected=one.expected))
    return receipt


async def write_part(run: Run, each: Part) -> list[PartReceipt]:
    """Turn the staged pages of a part's slices into files."""
    keys = [one.key for one in each.slices]
    async with run.writing:
        written = await run.aside(_write, run, each.key, keys)
    files = [file for receipt in written for found in receipt.tables.values() for file in found]
    run.observe(PartWritten(part_key=each.key, rows=sum(file.rows for file in files), files=len(files)))
    return written


def _write(run: Run, key: str, keys: list[str]) -> list[PartReceipt]:
    return part.write_part(run.files, run.layout, key, keys, along=run.along)
