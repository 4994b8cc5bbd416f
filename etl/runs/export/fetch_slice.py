"""The walk of one slice: page after page into staging, again if it came short or over-full, and in pieces at last.

What makes a page is in `client`, where pages lie in `pages`, what "short" means in `completeness`.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from etl.api import document
from etl.api.client import FetchedPage
from etl.api.cursors import make_cursor
from etl.api.pagination import Position
from etl.api.undeliverable import Undelivered
from etl.api.window import Window
from etl.completeness import slices
from etl.completeness.slices import Slice
from etl.completeness.verdict import Tally
from etl.dataset.store import Receipt
from etl.events import Noted, PageFetched
from etl.records import ndjson
from etl.records.coerce import Issue
from etl.runs.context import Run
from etl.staging import pages, part
from etl.staging.pages import PageFacts
from etl.storage import paths

ATTEMPTS = 3
"""How often a slice that came short or over-full is walked, the last time in pieces, before it is judged as it is."""

REMEMBERED = 1_000_000
"""So many ids of a walk that did not count are kept in memory, to name those that vanish."""


async def fetch(run: Run, one: Slice) -> Receipt:
    """Walk a slice until it holds what its total says, or `ATTEMPTS` times; go on with the pages that are staged."""
    receipt, attempts = await _walk(run, one, [one.window]), 1
    folder, before = paths.slice_folder(one.key), list[pa.ChunkedArray]()
    while not _settled(receipt) and attempts < ATTEMPTS and run.delivery.limit is None:
        tally, attempts = receipt.tally, attempts + 1
        run.observe(Noted(text=f"slice {one.key}: {tally.unique} of {tally.expected_after} records, fetching it again"))
        windows = [one.window] if attempts < ATTEMPTS else await _pieces(run, one)
        if receipt.tally.unique <= REMEMBERED:
            before.append(await run.aside(_came, run, folder))
        async with run.writing:
            run.store.discard(one.key)
            part.discard(run.files, one.key)
        receipt = await _walk(run, one, windows)
    vanished = await run.aside(_vanished, run, folder, before) if before else ()
    return replace(receipt, tally=replace(receipt.tally, attempts=attempts), vanished=vanished)


def _vanished(run: Run, folder: str, before: Sequence[pa.ChunkedArray]) -> tuple[str, ...]:
    """Name the records of earlier walks that the last one did not bring."""
    now = _came(run, folder)
    gone = [ids.filter(pc.invert(pc.is_in(ids, value_set=now))).to_pylist() for ids in before]
    return tuple(sorted({name for names in gone for name in names if name is not None}))


def _came(run: Run, folder: str) -> pa.ChunkedArray:
    return pages.came(run.files, pages.done(run.files, folder))


def _settled(receipt: Receipt) -> bool:
    """Tell whether asking again is of no use: all is there but what has been asked for one by one."""
    return receipt.tally.unique + len(receipt.missing) == receipt.tally.expected_after


async def _pieces(run: Run, one: Slice) -> list[Window]:
    year = datetime.fromtimestamp(run.started, UTC).year
    count, moment = partial(run.client.count, run.query), partial(run.client.moment, run.query)
    return await slices.pieces(run.query, one, count, moment, year=year)


async def _walk(run: Run, one: Slice, windows: Sequence[Window]) -> Receipt:
    """Fetch the pages of a slice that are not staged yet, window by window, and count what is there then."""
    folder = paths.slice_folder(one.key)
    staged = await run.aside(pages.done, run.files, folder)
    last = staged[-1].facts if staged else None
    total = last.total if last else 0
    if last is None or last.next is not None:
        total = 0
        for window in windows:
            last = await _window(run, one, window, last)
            total += last.total or 0
    done = await run.aside(pages.done, run.files, folder)
    ids = await run.aside(pages.ids, run.files, done)
    tally = Tally(
        key=one.key,
        window=one.window,
        expected_before=one.expected,
        expected_after=total,
        received=ids.received,
        unique=ids.unique,
    )
    missing = dict.fromkeys(key for page in done for key in page.facts.missing)
    return Receipt(tally=tally, pages=len(done), missing=tuple(missing))


async def _window(run: Run, one: Slice, window: Window, last: PageFacts | None) -> PageFacts:
    """Walk one window behind the last staged page, or on from it if it is the slice's own window."""
    folder = paths.slice_folder(one.key)
    start = Position(**last.next) if last and window == one.window else None
    before = Position("", last.number + 1) if last and start is None else Position("")
    walk = run.client.pages(run.query, window, start=start, size=run.query.page_size, limit=run.delivery.limit)
    async for page in walk:
        placed = replace(page, number=page.number + before.page, next=_onward(page, before, window, one.window))
        last = await run.aside(_stage, run, folder, placed)
        run.observe(PageFetched(slice_key=one.key, records=last.received, size=page.wire_bytes, seconds=page.seconds))
    assert last is not None
    return last


def _onward(page: FetchedPage, before: Position, window: Window, whole: Window) -> Position | None:
    """Return where a run that finds this page as the last goes on, in the slice's own window."""
    if page.next is not None:
        return replace(page.next, page=page.next.page + before.page)
    if window.end == whole.end or window.end is None:
        return None
    return Position(make_cursor(window.end * 1000 - 1, ""), page.number + before.page + 1, page.received)


def _stage(run: Run, folder: str, page: FetchedPage) -> PageFacts:
    """Parse a page and put it into staging."""
    records = page.document.records
    if run.delivery.limit is not None:
        records = records[: max(0, run.delivery.limit - (page.received - len(records)))]
    parsed = run.parser.parse(records)
    facts = PageFacts(
        number=page.number,
        next=None if page.next is None else asdict(page.next),
        total=page.total,
        size=page.size,
        received=len(records),
        issues=(*parsed.issues, *map(_reject, page.missing)),
        drift=parsed.drift,
        missing=tuple(one.id.lower() for one in page.missing),
    )
    included = {
        resource.name: run.parsers[resource.name].parse(found).table
        for resource in run.along.values()
        if (found := document.of_type(page.document.included, *resource.types))
    }
    raw = pages.compress(records) if run.delivery.keep_raw else b""
    nested = ndjson.beside(parsed.table, records, run.parser) if run.layout.lines else parsed.table
    pages.write(run.files, folder, facts, nested, included=included, raw=raw)
    return facts


def _reject(one: Undelivered) -> Issue:
    return Issue(record_id=one.id, path="", reason=one.reason, raw=one.told)
