"""The conductor of an ingest: records that are there already into the same tables as an export, by the same parser.

A part of the origin is what a slice is to an export: staged, receipted, gone on with after a crash. What proves that
all came is the origin's matter: DataCite's data file (`monthly`), or a dataset that kept its records (`rebuilt`).
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
from etl.dataset.request import Delivery
from etl.dataset.store import Receipt, hold
from etl.errors import UsageError
from etl.events import Noted, Observe, PartWritten, Planned, SliceDone, listed
from etl.records import ndjson
from etl.records.parser import Parser
from etl.runs.context import Clock, Outcome, claim_of
from etl.runs.export import commit
from etl.runs.ingest import data_file, dataset_source
from etl.runs.ingest.archive import Stored
from etl.runs.ingest.data_file_source import Monthly
from etl.runs.ingest.source import FULL, GROUP, Ingest, Judged, Origin, Written
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
"""Parts that go into files together, however small they are: what a crash may cost."""
LINES = 5_000
"""Records staged together."""
PAGE_BYTES = 32 << 20
"""Bytes of records staged together: some 5,000 of an unusual size would need too much memory."""
MEDIA = "relationships.media"
T = TypeVar("T")


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
    """Read a data file or a dataset's records into a destination and publish if they are proved to be all.

    `step` does each step, given its name, so that a shell may make a task of it. Raises StoreError, naming the file,
    for a part that is missing or has changed, IncompleteError for a data file that is not finished, UsageError for a
    dataset that is the destination.
    """
    origin = _opened(path, files, observe)
    wanted = origin.wanted(replace(delivery, purpose="ingest"))
    claim, layout = claim_of(origin.query, wanted, Settings(server=origin.fingerprint))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
    with hold(files, claim, owner, fresh=delivery.fresh) as store, pool:
        run = Ingest(
            origin=origin,
            delivery=wanted,
            claim=claim,
            store=store,
            layout=layout,
            parser=Parser(origin.query.resource),
            observe=observe,
            clock=clock,
            run_id=run_id,
            started=clock(),
            threads=pool,
        )
        if store.plan() is None:
            store.begin(claim, {"parts": list(origin.parts), "groups": _groups(origin)}, started=run.started)
        return await _conduct(run, step)


def _opened(path: str, to: Files, observe: Observe) -> Origin:
    """Open what is to be read: a dataset, or else a data file."""
    there = open_existing(path)
    if there.exists(paths.MANIFEST):
        if there.name == to.name or (to.renames and Path(there.name).resolve() == Path(to.name).resolve()):
            raise UsageError(f"{path} cannot be read into itself", fix="choose another --to")
        return dataset_source.opened(there, observe)
    data = data_file.opened(path, Stored(there) if is_url(path) else None)
    if data.litter:
        observe(Noted(text=f"{path}: passed over what a desktop left there: {listed(data.litter, 3)}"))
    return Monthly(data)


async def _aside(run: Ingest, function: Callable[..., T], *arguments: object) -> T:
    """Do work in one of the run's threads."""
    return await asyncio.get_running_loop().run_in_executor(run.threads, function, *arguments)


async def _conduct(run: Ingest, step: Step) -> Outcome:
    run.observe(Planned(slices=len(run.origin.parts), records=run.origin.records, requests=0))
    groups = [(key, tuple(names)) for key, names in run.store.plan()["groups"]]
    receipts = [await step(f"part {key}", _write, run, key, names) for key, names in groups]
    return await step("prove and publish", _close, run, groups, receipts)


async def _close(
    run: Ingest, groups: Sequence[tuple[str, tuple[str, ...]]], receipts: Sequence[list[PartReceipt]]
) -> Outcome:
    """Put the parts together, compare them with what the origin promises, and publish what is proved."""
    written = [([one.key for one in found], names) for found, (_, names) in zip(receipts, groups, strict=True)]
    return await _aside(run, _closed, run, [one for found in receipts for one in found], written)


def _closed(run: Ingest, receipts: Sequence[PartReceipt], written: Written) -> Outcome:
    closed = consolidate.consolidate(run.files, run.layout, receipts)
    return _publish(run, run.origin.judged(run, closed, written))


def _groups(origin: Origin) -> list[tuple[str, tuple[str, ...]]]:
    """Put neighbouring parts together, whatever order they are read in."""
    groups: list[list[str]] = []
    held = GROUP
    for name in origin.parts:
        if held >= GROUP or len(groups[-1]) == MOST:
            groups.append([])
            held = 0
        groups[-1].append(name)
        held += origin.sizes.get(name, FULL)
    return [(f"parts_{number:05d}", tuple(names)) for number, names in enumerate(groups)]


async def _write(run: Ingest, key: str, names: Sequence[str]) -> list[PartReceipt]:
    """Stage some parts side by side, and write their tables; what has a receipt is not done again."""
    if not part_files.read_receipts(run.files, key):
        await asyncio.gather(*(_aside(run, _stage, run, name) for name in names))
    receipts = await _aside(run, part_files.write_part, run.files, run.layout, key, names)
    files = [file for one in receipts for found in one.tables.values() for file in found]
    run.observe(PartWritten(part_key=key, rows=sum(file.rows for file in files), files=len(files)))
    return receipts


def _stage(run: Ingest, name: str) -> None:
    """Stage the records of one part as pages, one at least."""
    if run.store.receipt(name) is not None:
        return
    folder = paths.slice_folder(name)
    run.store.discard(name)  # pages of a part that turned out to be damaged
    with closing(run.origin.lines(name)) as lines:
        for number, records in enumerate(_gathered(lines)):
            _page(run, folder, number, records)
    done = pages.staged_pages(run.files, folder)
    staged = pages.count_ids(run.files, done)
    came = staged.received
    tally = Tally(key=name, expected_before=came, expected_after=came, received=came, unique=staged.unique)
    run.store.commit(Receipt(tally=tally, pages=len(done)))
    run.observe(SliceDone(slice_key=name, records=came, expected=came))


def _gathered(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Gather records for pages, one page at least."""
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


def _page(run: Ingest, folder: str, number: int, some: list[bytes]) -> None:
    parsed = run.parser.parse(some)
    facts = PageFacts(number=number, received=len(some), issues=parsed.issues, drift=parsed.drift)
    raw = pages.compress(some) if run.delivery.keep_raw else b""
    nested = with_media(parsed.table)
    if run.layout.lines:
        nested = ndjson.with_lines(nested, some, run.parser)
    pages.write(run.files, folder, facts, nested, raw=raw)


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


def _publish(run: Ingest, judged: Judged) -> Outcome:
    finished = run.clock()
    provenance = Provenance(
        run_id=run.run_id,
        started=iso(int(run.started)),
        finished=iso(int(finished)),
        base_url=run.origin.base_url,
        seconds=round(max(finished - run.started, 0.0), 3),
    )
    proof = build(
        run.origin.query.resource,
        run.claim.request,
        provenance,
        judged.evidence,
        judged.tables,
        fingerprint=run.origin.query.fingerprint,
        partition_by=run.layout.partition_by,
        formats=run.delivery.formats,
    )
    proof = with_origin(proof, judged.origin)
    return commit.publish_staged(
        run.store, run.delivery, proof, judged.evidence.verdict, seconds=finished - run.started
    )
