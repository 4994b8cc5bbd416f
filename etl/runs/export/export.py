"""Conduct an export: plan, fetch each slice, write each part, then prove and publish (`commit`).

Each step is a function over a Run, so that the command line and the Prefect flow compose the same ones. Steps may be
repeated: whatever has a receipt is not done again. Other modules decide what to request, what to retry, what "complete"
means and how files are laid out.
"""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import msgspec

from etl.api.query import joined_by_or
from etl.completeness import slices
from etl.completeness.slices import Part, Plan, Slice
from etl.dataset.store import Receipt
from etl.events import Noted, PartWritten, Planned, SliceDone
from etl.runs.context import Outcome, Run
from etl.runs.export import as_of, fetch_slice, volume
from etl.runs.export.commit import prove_and_publish
from etl.runs.export.early_write import write_early
from etl.staging import part as part_files
from etl.staging.part import PartReceipt
from etl.steps import Step, directly, together


async def export(run: Run, step: Step = directly) -> Outcome:
    """Export everything; the Outcome says whether the dataset was published.

    `step` runs each step, given its name, so that a shell may make a task of it; the steps of one part are concurrent.
    """
    planned = await step("plan", plan, run)
    if volume.worth_fetching(run.delivery, planned):
        await fetch_parts(run, planned.parts, step)
    else:
        planned = replace(planned, parts=())
    return await step("prove and publish", prove_and_publish, run, planned)


async def fetch_parts(run: Run, parts: Iterable[Part], step: Step = directly) -> None:
    """Fetch the slices of parts and stage their tables."""
    slots = asyncio.Semaphore(run.settings.concurrency)

    async def fetch_piece(observed: Run, piece: Slice) -> None:
        async with slots:
            await step(f"slice {piece.key}", export_slice, observed, piece)

    async def fetch_part(part: Part) -> None:
        async with write_early(run, part) as observed:
            await together(fetch_piece(observed, piece) for piece in part.slices)
        await step(f"part {part.key}", write_part, run, part)

    await together(fetch_part(part) for part in parts)


async def plan(run: Run) -> Plan:
    """Return the plan of the unfinished work at the destination, or make a new one by counting."""
    if (kept := run.store.plan()) is not None:
        planned = slices.decode_plan(kept)
        run.observe(Noted(text="resuming the unfinished run at this destination"))
        discard_short_parts(run, planned)
    else:
        planned = await count_slices(run)
        run.store.begin(run.claim, msgspec.to_builtins(planned), started=run.started)
    requests = planned.requests(run.query.page_size)
    run.observe(Planned(slices=len(planned.slices), records=planned.total, requests=requests))
    if not planned.total:
        run.observe(Noted(text="note: the API has no records for this query; is each filter's value right?"))
    if either := joined_by_or(run.query):
        run.observe(Noted(text=f"note: the API joins {' and '.join(either)} by OR, not by AND"))
    return planned


def discard_short_parts(run: Run, planned: Plan) -> None:
    """Discard the parts with a slice that was short when the previous run ended, so that they are fetched again."""
    for part in planned.parts:
        receipts = [receipt for piece in part.slices if (receipt := run.store.receipt(piece.key))]
        if any(receipt.tally.settled != receipt.tally.expected_after for receipt in receipts):
            discard_part(run, part)


def discard_part(run: Run, part: Part) -> None:
    """Discard a part and its slices, so that they are fetched again."""
    part_files.discard(run.files, part.key)
    for piece in part.slices:
        run.store.discard(piece.key)


async def count_slices(run: Run) -> Plan:
    """Cut the query into slices by counting."""
    if run.delivery.limit is not None:  # a sample is taken from one uncut slice, and proves nothing
        return await slices.plan(run.query, partial(run.client.count, run.query), year=run.year, target=sys.maxsize)
    return await as_of.plan_as_of(run)


async def export_slice(run: Run, piece: Slice) -> Receipt:
    """Fetch a slice until its records equal its total, or a few times; pages that are already staged are kept."""
    if (receipt := run.store.receipt(piece.key)) is not None:
        run.observe(SliceDone(slice_key=piece.key, records=receipt.tally.unique, expected=piece.expected, resumed=True))
        return receipt
    receipt = await fetch_slice.fetch_slice(run, piece)
    run.store.commit(receipt)
    run.observe(SliceDone(slice_key=piece.key, records=receipt.tally.unique, expected=piece.expected))
    return receipt


async def write_part(run: Run, part: Part) -> list[PartReceipt]:
    """Turn the staged pages of a part's slices into files."""
    keys = [piece.key for piece in part.slices]
    async with run.writing:
        written = await run.in_thread(_write, run, part.key, keys)
    files = [file for receipt in written for table_files in receipt.tables.values() for file in table_files]
    run.observe(PartWritten(part_key=part.key, rows=sum(file.rows for file in files), files=len(files)))
    return written


def _write(run: Run, key: str, keys: list[str]) -> list[PartReceipt]:
    return part_files.write_part(run.files, run.layout, key, keys, related=run.related)
