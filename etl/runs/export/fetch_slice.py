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
from etl.runs.export.as_of import column_of_change, count_settled
from etl.staging import pages, part
from etl.staging.pages import PageFacts
from etl.storage import paths

ATTEMPTS = 3
"""How often a slice that came short or over-full is walked, the last time in pieces, before it is judged as it is."""


async def fetch(run: Run, one: Slice) -> Receipt:
    """Walk a slice until it holds what its total says, or `ATTEMPTS` times; go on with the pages that are staged.

    A walk whose rows moved under it may hold a withdrawn record in place of one that it missed, and its count be right:
    it counts only once another walk brings the same records.
    """
    walked, attempts, agreed = await _counted(run, one, await _walk(run, one, [one.window])), 1, False
    folder = paths.slice_folder(one.key)
    while not walked.is_whole(agreed=agreed) and attempts < ATTEMPTS and run.delivery.limit is None:
        attempts += 1
        run.observe(Noted(text=f"slice {one.key}: {walked.doubt}, fetching it again"))
        windows = [one.window] if attempts < ATTEMPTS else await _pieces(run, one)
        before = await run.aside(_ids, run, folder)
        async with run.writing:
            run.store.discard(one.key)
            part.discard(run.files, one.key)
        walked = await _counted(run, one, await _walk(run, one, windows))
        agreed = walked.shifted and await run.aside(_agrees, run, folder, before)
    tally = replace(walked.tally, attempts=attempts)
    if walked.shifted and not agreed and run.delivery.limit is None:
        tally = replace(tally, expected_after=None)  # no total holds for a list that does not keep still
    return Receipt(tally=tally, pages=walked.pages, missing=walked.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """What a walk of a slice came to: its counts, the records it could not have, and whether rows moved under it."""

    tally: Tally
    pages: int
    missing: tuple[str, ...]
    shifted: bool

    @property
    def agrees_with_itself(self) -> bool:
        """Whether all that the list had came."""
        return self.tally.unique + len(self.missing) == self.tally.walked

    def is_whole(self, *, agreed: bool) -> bool:
        """Return whether another walk is of no use: all is there but what has been asked for one by one."""
        tally = self.tally
        came = tally.settled + len(self.missing)
        after = 0 if tally.expected_after is None else tally.expected_after
        whole = after <= came <= max(tally.expected_before or 0, after) or self.agrees_with_itself
        return whole and (agreed or not self.shifted)

    @property
    def doubt(self) -> str:
        """What is wrong, in a few words."""
        counts = f"{self.tally.settled} of {self.tally.expected_after} records"
        return f"{counts}, and rows moved meanwhile" if self.shifted else counts


def _agrees(run: Run, folder: str, before: pa.ChunkedArray) -> bool:
    """Return whether a walk brought the records of the one before."""
    now = pc.unique(_ids(run, folder))
    everyone = pc.all(pc.is_in(now, value_set=before), min_count=0).as_py()
    return bool(everyone) and len(now) == len(pc.unique(before))


def _ids(run: Run, folder: str) -> pa.ChunkedArray:
    return pages.received_ids(run.files, pages.staged_pages(run.files, folder))


async def _counted(run: Run, one: Slice, walked: _Walked) -> _Walked:
    """Add the total after the walk: what the walk itself shows where it is whole, or else a count."""
    if one.as_of is None:
        after = walked.tally.walked
    elif walked.agrees_with_itself or walked.tally.settled + len(walked.missing) == one.expected:
        after = walked.tally.settled + len(walked.missing)
    else:
        after = await count_settled(run, one.as_of, one.window)
    return replace(walked, tally=replace(walked.tally, expected_after=after))


async def _pieces(run: Run, one: Slice) -> list[Window]:
    year = datetime.fromtimestamp(run.started, UTC).year
    count, moment = partial(run.client.count, run.query), partial(run.client.moment, run.query)
    return await slices.smaller_windows(run.query, one, count, moment, year=year)


async def _walk(run: Run, one: Slice, windows: Sequence[Window]) -> _Walked:
    """Fetch the pages of a slice that are not staged yet, window by window, and count what is there then."""
    folder = paths.slice_folder(one.key)
    staged = await run.aside(pages.staged_pages, run.files, folder)
    last = staged[-1].facts if staged else None
    total = last.total if last else 0
    if last is None or last.next is not None:
        total = 0
        for window in windows:
            last = await _window(run, one, window, last)
            total += last.total or 0
    done = await run.aside(pages.staged_pages, run.files, folder)
    ids = await run.aside(pages.count_ids, run.files, done, _recent(run, one))
    tally = Tally(
        key=one.key,
        window=one.window,
        expected_before=one.expected,
        expected_after=None,
        received=ids.received,
        unique=ids.unique,
        recent=ids.recent,
        walked=total or 0,
    )
    missing = dict.fromkeys(key for page in done for key in page.facts.missing)
    shifted = any(page.facts.shifted for page in done)
    return _Walked(tally=tally, pages=len(done), missing=tuple(missing), shifted=shifted)


def _recent(run: Run, one: Slice) -> tuple[str, int] | None:
    """Return the staged column that tells when a record last changed, and the first second that is recent."""
    if one.as_of is None or (name := column_of_change(run.query)) is None:
        return None
    column = next(column for column in run.query.resource.main.columns if column.name == name)
    return column.paths[0], one.as_of


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
