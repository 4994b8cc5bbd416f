"""Fetch one slice: stage page after page, fetch it again if it has too few or too many records, and finally in pieces.

`client` yields pages, `pages` stages them, and `completeness` defines "short".
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

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
from etl.runs.export.as_of import column_of_change, count_settled, counting
from etl.staging import pages
from etl.staging import part as part_files
from etl.staging.pages import PageFacts
from etl.storage import paths

ATTEMPTS = 3
"""Maximum walks of a slice with too few or too many records, the last in pieces, before it is judged as it is."""


async def fetch_slice(run: Run, piece: Slice) -> Receipt:
    """Fetch a slice until its records equal its total, or `ATTEMPTS` times; pages that are already staged are kept.

    If rows moved during a walk, it may hold a withdrawn record instead of one that it missed, although its count is
    right: it counts only if another walk returns the same records.
    """
    walked, attempts, agreed = await _counted(run, piece, await _walk(run, piece, [piece.window])), 1, False
    folder = paths.slice_folder(piece.key)
    while not walked.is_whole(agreed=agreed) and attempts < ATTEMPTS and run.delivery.limit is None:
        attempts += 1
        run.observe(Noted(text=f"slice {piece.key}: {walked.doubt}, fetching it again"))
        windows = [piece.window] if attempts < ATTEMPTS else await _pieces(run, piece)
        before = await run.in_thread(_ids, run, folder)
        async with run.writing:
            run.store.discard(piece.key)
            part_files.discard(run.files, piece.key)
        walked = await _counted(run, piece, await _walk(run, piece, windows))
        agreed = walked.shifted and await run.in_thread(_agrees, run, folder, before)
    tally = replace(walked.tally, attempts=attempts)
    if walked.shifted and not agreed and run.delivery.limit is None:
        tally = replace(tally, expected_after=None)  # no total is valid for a list that keeps moving
    return Receipt(tally=tally, pages=walked.pages, missing=walked.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """The outcome of a walk: its counts, the records that were not delivered, and whether rows moved during it."""

    tally: Tally
    pages: int
    missing: tuple[str, ...]
    shifted: bool

    @property
    def agrees_with_itself(self) -> bool:
        """Whether everything in the list arrived."""
        return self.tally.unique + len(self.missing) == self.tally.walked

    def is_whole(self, *, agreed: bool) -> bool:
        """Return whether another walk is useless: all records are here, except those requested one by one."""
        tally = self.tally
        came = tally.settled + len(self.missing)
        after = 0 if tally.expected_after is None else tally.expected_after
        whole = after <= came <= max(tally.expected_before or 0, after) or self.agrees_with_itself
        return whole and (agreed or not self.shifted)

    @property
    def doubt(self) -> str:
        """A short description of what is wrong."""
        counts = f"{self.tally.settled} of {self.tally.expected_after} records"
        return f"{counts}, and rows moved meanwhile" if self.shifted else counts


def _agrees(run: Run, folder: str, before: pa.ChunkedArray) -> bool:
    """Return whether a walk returned the same records as the previous one."""
    now = pc.unique(_ids(run, folder))
    known = pc.all(pc.is_in(now, value_set=before), min_count=0).as_py()
    return bool(known) and len(now) == len(pc.unique(before))


def _ids(run: Run, folder: str) -> pa.ChunkedArray:
    return pages.received_ids(run.files, pages.staged_pages(run.files, folder))


async def _counted(run: Run, piece: Slice, walked: _Walked) -> _Walked:
    """Add the total after the walk: from the walk itself if it is whole, otherwise from a count."""
    if piece.as_of is None:
        after = walked.tally.walked
    elif walked.agrees_with_itself or walked.tally.settled + len(walked.missing) == piece.expected:
        after = walked.tally.settled + len(walked.missing)
    else:
        after = await count_settled(run, piece.as_of, piece.window)
    return replace(walked, tally=replace(walked.tally, expected_after=after))


async def _pieces(run: Run, piece: Slice) -> list[Window]:
    return await slices.smaller_windows(run.query, piece, *counting(run, piece.as_of), year=run.year)


async def _walk(run: Run, piece: Slice, windows: Sequence[Window]) -> _Walked:
    """Fetch the pages of a slice that are not staged yet, window by window, and count the staged records."""
    folder = paths.slice_folder(piece.key)
    staged = await run.in_thread(pages.staged_pages, run.files, folder)
    last = staged[-1].facts if staged else None
    total = last.total if last else 0
    if last is None or last.next is not None:
        total = 0
        for window in windows:
            last = await _window(run, piece, window, last)
            total += last.total or 0
    done = await run.in_thread(pages.staged_pages, run.files, folder)
    ids = await run.in_thread(pages.count_ids, run.files, done, _recent(run, piece))
    tally = Tally(
        key=piece.key,
        window=piece.window,
        expected_before=piece.expected,
        expected_after=None,
        received=ids.received,
        unique=ids.unique,
        recent=ids.recent,
        walked=total or 0,
    )
    missing = dict.fromkeys(key for page in done for key in page.facts.missing)
    shifted = any(page.facts.shifted for page in done)
    return _Walked(tally=tally, pages=len(done), missing=tuple(missing), shifted=shifted)


def _recent(run: Run, piece: Slice) -> tuple[str, int] | None:
    """Return the staged column with the time of a record's last change, and the first second that is recent."""
    if piece.as_of is None or (name := column_of_change(run.query)) is None:
        return None
    column = next(column for column in run.query.resource.main.columns if column.name == name)
    return column.paths[0], piece.as_of


async def _window(run: Run, piece: Slice, window: Window, last: PageFacts | None) -> PageFacts:
    """Fetch one window after the last staged page; resume from that page if the window is that of the slice."""
    folder = paths.slice_folder(piece.key)
    start = Position(**last.next) if last and window == piece.window else None
    before = Position("", last.number + 1) if last and start is None else Position("")
    walk = run.client.pages(run.query, window, start=start, size=run.query.page_size, limit=run.delivery.limit)
    async for page in walk:
        placed = replace(page, number=page.number + before.page, next=_onward(page, before, window, piece.window))
        last = await run.in_thread(_stage, run, folder, placed)
        run.observe(PageFetched(slice_key=piece.key, records=last.received, size=page.wire_bytes, seconds=page.seconds))
    assert last is not None
    return last


def _onward(page: FetchedPage, before: Position, window: Window, whole: Window) -> Position | None:
    """Return the position from which a later run resumes after this page, in the slice's own window."""
    if page.next is not None:
        return replace(page.next, page=page.next.page + before.page)
    if window.end == whole.end or window.end is None:
        return None
    return Position(make_cursor(window.end * 1000 - 1, ""), page.number + before.page + 1, page.received)


def _stage(run: Run, folder: str, page: FetchedPage) -> PageFacts:
    """Parse a page and stage it."""
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
        missing=tuple(undelivered.id.lower() for undelivered in page.missing),
        shifted=page.shifted,
    )
    included = {
        resource.name: run.parsers[resource.name].parse(included_records).table
        for resource in run.related.values()
        if (included_records := document.records_of_type(page.document.included, *resource.types))
    }
    raw = pages.compress(records) if run.delivery.keep_raw else b""
    nested = ndjson.with_lines(parsed.table, records, run.parser) if run.layout.lines else parsed.table
    pages.write(run.files, folder, facts, nested, included=included, raw=raw)
    return facts


def _reject(undelivered: Undelivered) -> Issue:
    return Issue(record_id=undelivered.id, path="", reason=undelivered.reason, raw=undelivered.raw)
