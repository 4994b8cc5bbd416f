"""The walk of one slice: page after page into staging, again if it came short or over-full, and in pieces at last.

What makes a page is in `client`, where pages lie in `pages`, what "short" means in `completeness`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from etl.api import document
from etl.api.pagination.cursors import make_cursor
from etl.api.pagination.position import Position
from etl.api.undeliverable import Undelivered
from etl.api.walk import FetchedPage
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
    """Walk a slice until it holds what its total says, or `ATTEMPTS` times; go on with the pages that are staged.

    A walk whose rows moved under it may hold a withdrawn record in place of one that it missed, and its count be right:
    it counts only once another walk brings the same records.
    """
    walked, attempts = await _walk(run, one, [one.window]), 1
    folder, before, agreed = paths.slice_folder(one.key), list[pa.ChunkedArray](), False
    while not _settled(walked, agreed=agreed) and attempts < ATTEMPTS and run.delivery.limit is None:
        attempts += 1
        run.observe(Noted(text=f"slice {one.key}: {walked.doubt}, fetching it again"))
        windows = [one.window] if attempts < ATTEMPTS else await _pieces(run, one)
        if walked.receipt.tally.unique <= REMEMBERED:
            before.append(await run.aside(_came, run, folder))
        async with run.writing:
            run.store.discard(one.key)
            part.discard(run.files, one.key)
        walked = await _walk(run, one, windows)
        agreed = bool(before) and await run.aside(_agrees, run, folder, before[-1])
    vanished = await run.aside(_vanished, run, folder, before) if before else ()
    tally = replace(walked.receipt.tally, attempts=attempts)
    if walked.shifted and not agreed and run.delivery.limit is None:
        tally = replace(tally, expected_after=None)  # no total holds for a list that does not keep still
    return replace(walked.receipt, tally=tally, vanished=vanished)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """What a walk of a slice came to, and whether rows moved under it."""

    receipt: Receipt
    shifted: bool

    @property
    def doubt(self) -> str:
        tally = self.receipt.tally
        counts = f"{tally.unique} of {tally.expected_after} records"
        return f"{counts}, and rows moved meanwhile" if self.shifted else counts


def _vanished(run: Run, folder: str, before: Sequence[pa.ChunkedArray]) -> tuple[str, ...]:
    """Name the records of earlier walks that the last one did not bring."""
    now = _came(run, folder)
    gone = [ids.filter(pc.invert(pc.is_in(ids, value_set=now))).to_pylist() for ids in before]
    return tuple(sorted({name for names in gone for name in names if name is not None}))


def _agrees(run: Run, folder: str, before: pa.ChunkedArray) -> bool:
    """Return whether a walk brought the records of the one before."""
    now = pc.unique(_came(run, folder))
    everyone = pc.all(pc.is_in(now, value_set=before), min_count=0).as_py()
    return bool(everyone) and len(now) == len(pc.unique(before))


def _came(run: Run, folder: str) -> pa.ChunkedArray:
    return pages.came(run.files, pages.done(run.files, folder))


def _settled(walked: _Walked, *, agreed: bool) -> bool:
    """Return whether asking again is of no use: all is there but what has been asked for one by one."""
    receipt = walked.receipt
    whole = receipt.tally.unique + len(receipt.missing) == receipt.tally.expected_after
    return whole and (agreed or not walked.shifted)


async def _pieces(run: Run, one: Slice) -> list[Window]:
    year = datetime.fromtimestamp(run.started, UTC).year
    count, moment = partial(run.client.count, run.query), partial(run.client.moment, run.query)
    return await slices.pieces(run.query, one, count, moment, year=year)


async def _walk(run: Run, one: Slice, windows: Sequence[Window]) -> _Walked:
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
    receipt = Receipt(tally=tally, pages=len(done), missing=tuple(missing))
    return _Walked(receipt=receipt, shifted=any(page.facts.shifted for page in done))


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
        shifted=page.shifted,
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
    return Issue(record_id=one.id, path="", reason=one.reason, raw=one.raw)
