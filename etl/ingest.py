"""The conductor of an ingest: DataCite's data file into the same tables as an export, by the same parser and parts.

A part of the file is what a slice is to an export: staged, receipted, gone on with after a crash. What proves the
counts is the file's own lists of DOIs; its format is in `datafile`.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl import (
    closing,
    completeness,
    dataset,
    listed,
    manifest,
    pages,
    part,
    places,
    proving,
    received,
    resources,
    tombstones,
)
from etl.completeness import State, Tally
from etl.config import BASE_URL, Settings
from etl.datafile import DataFile, month, opened
from etl.dataset import Layout
from etl.declare import Json
from etl.destination import reading
from etl.events import Noted, Observe, PartWritten, Planned, SliceDone
from etl.files import Files
from etl.lock import Owner
from etl.manifest import TableFacts
from etl.objects import is_url
from etl.pages import PageFacts
from etl.parse import Parser
from etl.part import PartReceipt
from etl.published import tombstone_layout
from etl.query import Query
from etl.run import Clock, Delivery, Outcome, claimed
from etl.step import Step, directly
from etl.store import Receipt, Store, hold
from etl.window import Window, iso, moment

FULL = 10_000_000
"""Bytes of a part of the file with all the 10,000 records that it may have (API.md section 6), roughly."""
GROUP = 10 * FULL
"""Bytes of parts that go into files together: months without many updates have small ones."""
MOST = 64
"""Parts that go into files together, however small they are: what a crash may cost."""
LINES = 5_000
"""Records staged together."""
MARGIN = 86_400
"""Seconds before the newest change in the file, up to which it has all: writing its last month took hours."""
EVERY = "all"
MEDIA = "relationships.media"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """A data file on its way into a destination."""

    data: DataFile
    delivery: Delivery
    store: Store
    layout: Layout
    query: Query
    parser: Parser
    observe: Observe
    clock: Clock
    run_id: str
    started: float
    threads: ThreadPoolExecutor

    @property
    def files(self) -> Files:
        """The door to the destination."""
        return self.store.files

    async def aside(self, function: Callable[..., T], *arguments: object) -> T:
        """Do work in one of the run's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)


class _Stored:
    """A data file on an object store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def names(self) -> list[str]:
        """Name all files, sorted."""
        return self._files.listing("")

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return self._files.read(name)

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Say nothing: each would have to be asked for."""
        del names
        return {}


async def ingest(  # noqa: PLR0913 (everything that a run has from outside enters here)
    path: str,
    files: Files,
    delivery: Delivery,
    *,
    owner: Owner,
    observe: Observe,
    clock: Clock,
    run_id: str,
    threads: int,
    step: Step = directly,
) -> Outcome:
    """Read a data file into a destination and publish it if its own counts prove it complete.

    `step` does each step, given its name, so that a shell may make a task of it. Raises StoreError, naming the file,
    for a part that is missing or has changed, IncompleteError for a data file that is not finished.
    """
    with opened(path, _Stored(reading(path)) if is_url(path) else None) as data:
        query = _query(data)
        wanted = replace(delivery, purpose="ingest")
        claim, layout = claimed(query, wanted, Settings(server=f"data file {data.fingerprint}"))
        pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
        with hold(files, claim, owner, fresh=delivery.fresh) as store, pool:
            run = Ingest(
                data=data,
                delivery=wanted,
                store=store,
                layout=layout,
                query=query,
                parser=Parser(query.resource),
                observe=observe,
                clock=clock,
                run_id=run_id,
                started=clock(),
                threads=pool,
            )
            if store.plan() is None:
                store.begin(claim, {"parts": list(data.parts), "groups": _groups(data)}, started=run.started)
            return await _conduct(run, step)


async def _conduct(run: Ingest, step: Step) -> Outcome:
    run.observe(Planned(slices=len(run.data.parts), records=None, requests=0))
    groups = [(key, tuple(names)) for key, names in run.store.plan()["groups"]]
    receipts = [await step(f"part {key}", _write, run, key, names) for key, names in groups]
    return await step("prove and publish", _close, run, groups, receipts)


async def _close(
    run: Ingest, groups: Sequence[tuple[str, tuple[str, ...]]], receipts: Sequence[list[PartReceipt]]
) -> Outcome:
    """Put the parts together, compare them with the file's lists, and publish what is proved."""
    return await run.aside(_judged, run, groups, receipts)


def _judged(
    run: Ingest, groups: Sequence[tuple[str, tuple[str, ...]]], receipts: Sequence[list[PartReceipt]]
) -> Outcome:
    closed = closing.close(run.files, run.layout, [one for found in receipts for one in found])
    written = [([one.key for one in found], names) for found, (_, names) in zip(receipts, groups, strict=True)]
    keys = [key for found, _ in written for key in found]
    compared = [_compare(run, name, written) for name in _months(run.data)]
    tallies = [one.tally for one in compared] or [_unproved(run, closed.unique)]
    total = _sum(tally.expected_before for tally in tallies)
    verdict = completeness.judge(tallies, query_before=total, query_after=total, sample=not compared)
    again = sum(one.elsewhere for one in compared)
    again += listed.in_other_months(closed.contested) if compared else 0
    verdict = replace(verdict, unique=verdict.unique - again)
    total = None if total is None else total - again
    evidence = manifest.Evidence(
        tallies=tallies,
        verdict=verdict,
        expected_before=total,
        expected_after=total,
        duplicates=closed.duplicates,
        rejects=closed.rejects,
        drift=closed.drift,
        missing=[key for one in compared for key in one.missing],
        watermark=_watermark(run, keys) if verdict.state is State.COMPLETE else None,
    )
    gone = pl.concat([pl.DataFrame(schema=listed.LISTED), *(one.registered for one in compared)])
    tables = dict(closed.tables) | _tombstones(run, gone, keys)
    return _publish(run, evidence, tables)


def _query(data: DataFile) -> Query:
    """Return the question that the file answers: all DOIs in full, or those changed in its only month."""
    query = Query(resource=resources.load("dois"), detail=True)
    months = sorted({month(name) for name in data.parts})
    if len(months) != 1 or not months[0].startswith("updated_"):
        return query
    text = months[0].removeprefix("updated_")
    return replace(query, window=Window(moment(text), moment(text, end=True)), by="updated")


def _groups(data: DataFile) -> list[tuple[str, tuple[str, ...]]]:
    """Put neighbouring parts together, whatever order they are read in."""
    groups: list[list[str]] = []
    held = GROUP
    for name in data.parts:
        if held >= GROUP or len(groups[-1]) == MOST:
            groups.append([])
            held = 0
        groups[-1].append(name)
        held += data.sizes.get(name, FULL)
    return [(f"parts_{number:05d}", tuple(names)) for number, names in enumerate(groups)]


def _months(data: DataFile) -> list[str]:
    return sorted({month(name) for name in (*data.parts, *data.listings)}) if data.listings else []


async def _write(run: Ingest, key: str, names: Sequence[str]) -> list[PartReceipt]:
    """Stage some parts side by side, and write their tables; what has a receipt is not done again."""
    if not part.read_receipts(run.files, key):
        await asyncio.gather(*(run.aside(_stage, run, name) for name in names))
    receipts = await run.aside(part.write_part, run.files, run.layout, key, names)
    files = [file for one in receipts for found in one.tables.values() for file in found]
    run.observe(PartWritten(part_key=key, rows=sum(file.rows for file in files), files=len(files)))
    return receipts


def _stage(run: Ingest, name: str) -> None:
    """Stage the records of one part of the file as pages."""
    if run.store.receipt(name) is not None:
        return
    lines = run.data.lines(name)
    folder = places.slice_folder(name)
    for number, start in enumerate(range(0, max(len(lines), 1), LINES)):
        some = lines[start : start + LINES]
        parsed = run.parser.parse(some)
        facts = PageFacts(number=number, received=len(some), issues=parsed.issues, drift=parsed.drift)
        raw = pages.compress(some) if run.delivery.keep_raw else b""
        nested = with_media(parsed.table)
        if run.layout.lines:
            nested = received.beside(nested, some, run.parser)
        pages.write(run.files, folder, facts, nested, raw=raw)
    done = pages.done(run.files, folder)
    staged = pages.ids(run.files, done)
    tally = Tally(
        key=name,
        expected_before=len(lines),
        expected_after=len(lines),
        received=staged.received,
        unique=staged.unique,
    )
    run.store.commit(Receipt(tally=tally, pages=len(done)))
    run.observe(SliceDone(slice_key=name, records=len(lines), expected=len(lines)))


def with_media(nested: pa.Table) -> pa.Table:
    """Call linked media media: the data file calls them dois, which would make them edges between DOIs."""
    if MEDIA not in nested.column_names:
        return nested
    held = nested.column(MEDIA).combine_chunks()
    linked = held.field("data")
    if linked.null_count == len(linked):
        return nested
    entries = linked.values
    kinds = pc.if_else(entries.field("type").is_valid(), "media", pa.scalar(None, pa.string()))
    arrays = [kinds if field.name == "type" else entries.field(field.name) for field in entries.type]
    fixed = pa.StructArray.from_arrays(arrays, fields=list(entries.type), mask=entries.is_null())
    lists = pa.ListArray.from_arrays(linked.offsets, fixed, mask=linked.is_null())
    fields = [lists if field.name == "data" else held.field(field.name) for field in held.type]
    whole = pa.StructArray.from_arrays(fields, fields=list(held.type), mask=held.is_null())
    return nested.set_column(nested.column_names.index(MEDIA), nested.schema.field(MEDIA), whole)


def _compare(run: Ingest, name: str, written: Sequence[tuple[Sequence[str], Sequence[str]]]) -> listed.Compared:
    """Compare a month's records with its list."""
    own = [keys for keys, parts in written if any(month(one) == name for one in parts)]
    named = [one for _, parts in written for one in parts if month(one) == name]
    found = listed.compare(
        name,
        [run.data.listed(one) for one in run.data.listings if month(one) == name],
        _noted(run, [key for keys in own for key in keys]),
        lambda: _noted(run, [key for keys, _ in written for key in keys]),
        received=_came(run, named),
    )
    if found.strange:
        some = f"{len(found.strange)} records are not in its list, such as {found.strange[0]}"
        run.observe(Noted(text=f"{name}: {some}"))
    return found


def _unproved(run: Ingest, unique: int) -> Tally:
    """Count the records of a file without lists."""
    came = _came(run, run.data.parts)
    return Tally(key=EVERY, expected_before=None, expected_after=None, received=came, unique=unique)


def _came(run: Ingest, names: Sequence[str]) -> int:
    return sum(receipt.tally.received for one in names if (receipt := run.store.receipt(one)))


def _noted(run: Ingest, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    for key in keys:
        with run.files.open(places.noted("keys", key)) as source:
            yield pl.DataFrame(pa.ipc.open_file(source).read_all())


def _watermark(run: Ingest, keys: Sequence[str]) -> str | None:
    """Return the moment up to which the file is trusted to hold all changes."""
    newest = [found["updated"].max() for found in _noted(run, keys) if found["updated"].null_count() < found.height]
    latest = max((one for one in newest if isinstance(one, datetime)), default=None)
    return None if latest is None else iso(int(latest.timestamp()) - MARGIN)


def _tombstones(run: Ingest, gone: pl.DataFrame, keys: Sequence[str]) -> dict[str, TableFacts]:
    """Stage the table of withdrawn records: those that are registered, and nowhere findable."""
    layout = tombstone_layout(run.layout)
    table = layout.resource.main
    left = gone.unique("doi").sort("doi")
    for found in _noted(run, keys):
        left = left.filter(~pl.col("doi").is_in(found["key"].implode()))
    seen = pl.lit(datetime.fromtimestamp(round(run.started), UTC)).alias(tombstones.SEEN.name)
    schema = dataset.columns(layout, table)
    told = left.with_columns(seen)
    rows = told.select(
        (pl.col(name) if name in told.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
    files = []
    for sink in layout.sinks if rows.height else ():
        path = places.data_file(table.name, (), table.name, sink.suffix)
        files.append(dataset.put(run.files, layout, table, sink, (path, rows)))
    return dataset.fill(run.files, layout, dataset.facts(layout, [{table.name: files}]))


def _publish(run: Ingest, evidence: manifest.Evidence, tables: Mapping[str, TableFacts]) -> Outcome:
    facts = manifest.Run(
        run_id=run.run_id, started=iso(int(run.started)), finished=iso(int(run.clock())), base_url=BASE_URL
    )
    proof: dict[str, Json] = manifest.build(
        run.query.resource,
        run.query.request(),
        facts,
        evidence,
        tables,
        fingerprint=run.query.fingerprint,
        partition_by=run.layout.partition_by,
        formats=run.delivery.formats,
    ) | {"data_file": {"name": run.data.name, "fingerprint": run.data.fingerprint, "parts": len(run.data.parts)}}
    return proving.put(run.store, run.delivery, proof, evidence.verdict, seconds=run.clock() - run.started)


def _sum(counts: Iterator[int | None]) -> int | None:
    found = list(counts)
    return None if None in found else sum(count for count in found if count is not None)
