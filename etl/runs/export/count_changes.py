"""Why counts differ at the end of a run: asks the API what is listed now, slice by slice where something moved.

What follows from the answers is decided in `moves` and `completeness`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from etl.api.query import Query
from etl.api.window import EVERYTHING, Window
from etl.completeness import index_changes
from etl.completeness.index_changes import RECORDS
from etl.completeness.slices import Plan
from etl.completeness.verdict import Move, Tally
from etl.dataset.layout import Layout
from etl.dataset.reader import reader
from etl.dataset.store import Receipt
from etl.runs.context import Run
from etl.runs.export.confirm_deletions import HEAD, Known, confirmed
from etl.schema.declarations import Json, Type
from etl.staging.part import PartReceipt
from etl.storage import paths
from etl.storage.files import Files

ROUNDS = 3
"""How often a list is read before it is said not to hold what it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The counts of one moment at which all agree with each other, what moved until then, and what did not come."""

    tallies: Sequence[Tally]
    after: int
    moved: tuple[Move, ...]
    missing: tuple[str, ...]


async def explain(
    run: Run, planned: Plan, receipts: Mapping[str, Receipt], parts: Mapping[str, Sequence[PartReceipt]]
) -> Picture | None:
    """Find out what moved since the run was planned; None if the list cannot be asked or does not agree with itself.

    Looks again while records that nobody can name are withdrawn under its eyes.
    """
    if not readable(run.layout):
        return None
    for _ in range(ROUNDS):
        picture = await _looked(run, planned, receipts, parts)
        if picture is None or all(move.id or move.slice_key for move in picture.moved):
            break
    return picture


async def _looked(
    run: Run, planned: Plan, receipts: Mapping[str, Receipt], parts: Mapping[str, Sequence[PartReceipt]]
) -> Picture | None:
    tallies = [receipt.tally for receipt in receipts.values()]
    windows = [tally.window for tally in tallies]
    counts = await asyncio.gather(*(run.client.count(run.query, window) for window in [*windows, *planned.empty]))
    since, seen, moved, missing = int(planned.made), list[Tally](), list[Move](), list[str]()
    for tally, count in zip(tallies, counts[: len(tallies)], strict=True):
        over = tally.window.end is not None and tally.window.end <= since
        if over and tally.expected_before == tally.unique == count:
            seen.append(replace(tally, expected_after=count))
            continue
        received = await run.aside(_received, run, planned, tally, parts)
        listed = await listed_now(run, tally.window)
        if listed is None:
            return None
        counted, found = index_changes.compare(
            tally, received, listed, since=since, vanished=receipts[tally.key].vanished
        )
        seen.append(counted)
        moved += await confirmed(run, found, listed, since=since)
        missing += index_changes.missing(received, listed, since=since)
    for window, count in zip(planned.empty, counts[len(tallies) :], strict=True):
        found_there = await listed_now(run, window) if count else None
        moved += [] if found_there is None else index_changes.beside(found_there, since=since)
    after = await run.client.count(run.query)
    moved += await since_then(run, planned.made, seen, moved, after)
    return Picture(tallies=seen, after=after, moved=tuple(moved), missing=tuple(missing))


async def since_then(run: Run, made: float, seen: Sequence[Tally], moved: Sequence[Move], after: int) -> list[Move]:
    """Explain what has moved since the slices were looked at, one after the other, in a run that was made then."""
    known = {move.id for move in moved}
    counted = sum(tally.expected_after or 0 for tally in seen)
    counted += sum(move.after for move in moved if move.slice_key is None)
    late: list[Move] = []
    if after > counted and run.query.resource.slice_on is not None:
        listed = await listed_now(run, Window(int(made), None))
        late = [] if listed is None else index_changes.beside(listed, since=int(made))
    return index_changes.late(after - counted, [move for move in late if move.id not in known])


async def listed_now(run: Run, window: Window) -> pl.DataFrame | None:
    """Ask for the ids and times of all records in a window; None if they are never as many as their total says."""
    for _ in range(ROUNDS):
        found, total, shifted = [pl.DataFrame(schema=RECORDS)], 0, False
        async for page in run.client.pages(_few(run.query), window):
            found.append(pl.DataFrame([_row(record) for record in page.document.records], schema=RECORDS, orient="row"))
            total, shifted = page.total, shifted or page.shifted
        listed = pl.concat(found).unique("id", keep="last", maintain_order=True)
        if listed.height == total and not shifted:
            return listed
    return None


def _few(query: Query) -> Query:
    """Return the query with as little of each record as says when it moved."""
    resource = query.resource
    params = {**resource.params, f"fields[{resource.type}]": "created,updated"}
    return replace(query, resource=replace(resource, params=params), include=(), tables=(), detail=False)


def _row(record: bytes) -> tuple[Json, ...]:
    head = HEAD.decode(record)
    times = head.attributes or Known()
    return str(head.id).lower(), index_changes.moment_of(times.created), index_changes.moment_of(times.updated)


def readable(layout: Layout) -> bool:
    """Return whether the main table's files say when a record was created and changed."""
    held = layout.columns(layout.resource.main)
    times = {column.name for column in layout.resource.main.columns if column.type is Type.TIMESTAMP}
    return {"created", "updated"} <= (held.keys() & times) and layout.resource.key.name in held


def _received(run: Run, planned: Plan, tally: Tally, parts: Mapping[str, Sequence[PartReceipt]]) -> pl.DataFrame:
    """Read the ids and times of the records that came in a slice from the staged files of its part."""
    part = next(each.key for each in planned.parts if any(one.key == tally.key for one in each.slices))
    staged = (frame for group in parts[part] for frame in _staged(run.files, run.layout, group))
    frame = pl.concat([pl.DataFrame(schema=RECORDS), *staged])
    start, end = tally.window.start, tally.window.end
    if tally.window == EVERYTHING:
        return frame
    inside = pl.lit(value=True) if start is None else pl.col("created") >= start
    return frame.filter(inside if end is None else inside & (pl.col("created") < end))


def _staged(files: Files, layout: Layout, part: PartReceipt) -> Iterable[pl.DataFrame]:
    main, key, sink = layout.resource.main, layout.resource.key.name, reader(layout)
    schema = layout.columns(main)
    for file in part.tables.get(layout.prefix + main.name, ()):
        if file.path.endswith(sink.suffix) and files.exists(paths.staged(file.path)):
            with files.open(paths.staged(file.path)) as source:
                found = sink.read(source, schema, [key, "created", "updated"])
            times = [pl.col(name).dt.epoch("s").alias(name) for name in ("created", "updated")]
            yield found.select(pl.col(key).alias("id"), *times).cast(RECORDS)  # type: ignore[arg-type]
