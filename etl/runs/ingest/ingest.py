"""Conduct an ingest: existing records become the same tables as in an export, with the same parser.

A part of the source is what a slice is to an export: staged, with a receipt, and resumed after a crash. The source
proves that everything arrived: DataCite's data file (`data_file_source`), or a dataset (`dataset_source`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from etl.api.window import iso
from etl.completeness.verdict import Tally
from etl.dataset.manifest_build import Provenance, build, with_origin
from etl.dataset.request import INGEST, Delivery
from etl.dataset.store import Receipt, hold
from etl.errors import UsageError
from etl.events import Noted, Observe, PartWritten, Planned, SliceDone, listed
from etl.records import ndjson
from etl.records.parser import Parser
from etl.runs.context import Clock, Outcome, claim_of
from etl.runs.export import commit
from etl.runs.ingest import data_file, dataset_source
from etl.runs.ingest.archive import StoredFolder
from etl.runs.ingest.data_file_source import DataFileSource
from etl.runs.ingest.source import FULL, GROUP, Ingest, IngestResult, Source, WrittenGroups
from etl.settings import Settings
from etl.staging import consolidate, pages
from etl.staging import part as part_files
from etl.staging.pages import PageFacts
from etl.staging.part import PartReceipt
from etl.steps import Step, directly
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.location import open_existing
from etl.storage.lock import Owner
from etl.storage.object_store import is_url

MOST = 64
"""Maximum number of parts that share files, however small they are: a crash may cost that many."""
LINES = 5_000
"""Number of records staged together."""
PAGE_BYTES = 32 << 20
"""Maximum bytes of records staged together: 5,000 very large ones would need too much memory."""
MEDIA = "relationships.media"
T = TypeVar("T")


async def ingest(  # noqa: PLR0913 (everything that a run needs from outside enters here)
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
    """Read a data file or a dataset's records into a destination, and publish them if they are proved complete.

    `step` runs each step, given its name, so that a shell may make a task of it. Raises StoreError, naming the file,
    for a part that is missing or has changed, IncompleteError for a data file that is not finished, UsageError for a
    dataset that is the destination.
    """
    source = _open_source(path, files, observe)
    wanted = source.complete(replace(delivery, purpose=INGEST))
    claim, layout = claim_of(source.query, wanted, Settings(server=source.fingerprint))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
    with hold(files, claim, owner, fresh=delivery.fresh) as store, pool:
        for text in store.notes:
            observe(Noted(text=text))
        run = Ingest(
            source=source,
            delivery=wanted,
            claim=claim,
            store=store,
            layout=layout,
            parser=Parser(source.query.resource),
            observe=observe,
            clock=clock,
            run_id=run_id,
            started=clock(),
            threads=pool,
        )
        if store.plan() is None:
            store.begin(claim, {"parts": list(source.parts), "groups": _groups(source)}, started=run.started)
        return await _conduct(run, step)


def _open_source(path: str, to: Files, observe: Observe) -> Source:
    """Open the source: a dataset, or else a data file."""
    files = open_existing(path)
    if files.exists(paths.MANIFEST):
        if files.name == to.name or (to.renames and Path(files.name).resolve() == Path(to.name).resolve()):
            raise UsageError(f"{path} cannot be read into itself", fix="choose another --to")
        return dataset_source.open_dataset(files, observe)
    data = data_file.open_data_file(path, StoredFolder(files) if is_url(path) else None)
    if data.litter:
        observe(Noted(text=f"{path}: ignored files that a desktop left there: {listed(data.litter, 3)}"))
    return DataFileSource(data)


async def _in_thread(run: Ingest, function: Callable[..., T], *arguments: object) -> T:
    """Call a function in one of the run's threads."""
    return await asyncio.get_running_loop().run_in_executor(run.threads, function, *arguments)


async def _conduct(run: Ingest, step: Step) -> Outcome:
    run.observe(Planned(slices=len(run.source.parts), records=run.source.records, requests=0))
    groups = [(key, tuple(names)) for key, names in run.store.plan()["groups"]]
    receipts = [await step(f"part {key}", _write, run, key, names) for key, names in groups]
    return await step("prove and publish", _prove_and_publish, run, groups, receipts)


async def _prove_and_publish(
    run: Ingest, groups: Sequence[tuple[str, tuple[str, ...]]], receipts: Sequence[list[PartReceipt]]
) -> Outcome:
    """Consolidate the parts, compare them with the evidence of the source, and publish if they are proved."""
    written = [([receipt.key for receipt in group], names) for group, (_, names) in zip(receipts, groups, strict=True)]
    return await _in_thread(run, _consolidate, run, [receipt for group in receipts for receipt in group], written)


def _consolidate(run: Ingest, receipts: Sequence[PartReceipt], written: WrittenGroups) -> Outcome:
    closed = consolidate.consolidate(run.files, run.layout, receipts)
    return _publish(run, run.source.judge(run, closed, written))


def _groups(source: Source) -> list[tuple[str, tuple[str, ...]]]:
    """Group neighbouring parts, whatever the order in which they are read."""
    groups: list[list[str]] = []
    held = GROUP
    for name in source.parts:
        if held >= GROUP or len(groups[-1]) == MOST:
            groups.append([])
            held = 0
        groups[-1].append(name)
        held += source.sizes.get(name, FULL)
    return [(f"parts_{number:05d}", tuple(names)) for number, names in enumerate(groups)]


async def _write(run: Ingest, key: str, names: Sequence[str]) -> list[PartReceipt]:
    """Stage parts concurrently, and write their tables; whatever has a receipt is not done again."""
    if not part_files.read_receipts(run.files, key):
        await asyncio.gather(*(_in_thread(run, _stage, run, name) for name in names))
    receipts = await _in_thread(run, part_files.write_part, run.files, run.layout, key, names)
    files = [file for receipt in receipts for written in receipt.tables.values() for file in written]
    run.observe(PartWritten(part_key=key, rows=sum(file.rows for file in files), files=len(files)))
    return receipts


def _stage(run: Ingest, name: str) -> None:
    """Stage the records of one part as pages, at least one."""
    if run.store.receipt(name) is not None:
        return
    folder = paths.slice_folder(name)
    run.store.discard(name)  # pages of a part that turned out to be damaged
    with closing(run.source.lines(name)) as lines:
        for number, records in enumerate(_gathered(lines)):
            _page(run, folder, number, records)
    done = pages.staged_pages(run.files, folder)
    staged = pages.count_ids(run.files, done)
    came = staged.received
    tally = Tally(key=name, expected_before=came, expected_after=came, received=came, unique=staged.unique)
    run.store.commit(Receipt(tally=tally, pages=len(done)))
    run.observe(SliceDone(slice_key=name, records=came, expected=came))


def _gathered(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Gather records into pages, at least one."""
    records: list[bytes] = []
    size = number = 0
    for line in lines:
        records.append(line)
        size += len(line)
        if len(records) == LINES or size >= PAGE_BYTES:
            yield records
            records, size, number = [], 0, number + 1
    if records or not number:
        yield records


def _page(run: Ingest, folder: str, number: int, records: list[bytes]) -> None:
    parsed = run.parser.parse(records)
    facts = PageFacts(number=number, received=len(records), issues=parsed.issues, drift=parsed.drift)
    raw = pages.compress(records) if run.delivery.keep_raw else b""
    nested = with_media(parsed.table)
    if run.layout.lines:
        nested = ndjson.with_lines(nested, records, run.parser)
    pages.write(run.files, folder, facts, nested, raw=raw)


def with_media(nested: pa.Table) -> pa.Table:
    """Set the type of linked media to media: the data file says dois, which would make them links between DOIs."""
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


def _publish(run: Ingest, result: IngestResult) -> Outcome:
    finished = run.clock()
    provenance = Provenance(
        run_id=run.run_id,
        started=iso(int(run.started)),
        finished=iso(int(finished)),
        base_url=run.source.base_url,
        seconds=round(max(finished - run.started, 0.0), 3),
    )
    proof = build(
        run.source.query.resource,
        run.claim.request,
        provenance,
        result.evidence,
        result.tables,
        fingerprint=run.source.query.fingerprint,
        partition_by=run.layout.partition_by,
        formats=run.delivery.formats,
    )
    proof = with_origin(proof, result.origin)
    return commit.publish_staged(
        run.store, run.delivery, proof, result.evidence.verdict, seconds=finished - run.started
    )
