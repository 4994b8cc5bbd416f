"""Walks through lists: page after page, as small as it takes, around records that no page delivers.

Joins a strategy of pagination with the requester. What a short walk means is decided in `completeness`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from etl.api import document, retry, undeliverable
from etl.api.document import Document
from etl.api.pagination import page_info
from etl.api.pagination.by_cursor import Cursor
from etl.api.pagination.page_info import PageInfo
from etl.api.pagination.position import Position, Progress, Strategy
from etl.api.pagination.strategies import strategy
from etl.api.query import Query
from etl.api.requester import Requester, address, explain_retired, form_of, nothing
from etl.api.retry import Pace
from etl.api.undeliverable import Suspect, Undelivered
from etl.api.window import EVERYTHING, Window
from etl.errors import AnswerError, DownError, LimitedError, ProtocolError, TooLargeError, TransientError
from etl.settings import Settings

_DOUBTS = 2
"""So many times a list that ends early is requested again before it is believed."""
_LONE = Pace(size=1, wanted=1, strained=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """A page of a walk; `received` counts the walk's records up to and including it, `next` is None after the last.

    `number` begins at 0. A `short` page ends a walk before the total is reached. `missing` are records that the list
    counts at this place and that could not be fetched. `repeated` of the received records came twice. `shifted` says
    that rows have moved since the walk began, so that some may have been missed.
    """

    number: int
    document: Document
    total: int
    next: Position | None
    size: int
    received: int
    wire_bytes: int
    seconds: float
    attempts: int = 1
    missing: tuple[Undelivered, ...] = ()
    repeated: int = 0
    shifted: bool = False

    @property
    def short(self) -> bool:
        """Whether the list ended although the server promised more."""
        return self.next is None and self.received - self.repeated < self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """The constants of a walk."""

    query: Query
    window: Window
    strategy: Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A page, its part in the walk, and the pace of the next one."""

    page: FetchedPage
    info: PageInfo
    pace: Pace


class Walker:
    """Walks lists of one server. State: the number of consecutive records that could not be fetched."""

    def __init__(self, requester: Requester, settings: Settings) -> None:
        self._requester = requester
        self._settings = settings
        self._undelivered = 0

    async def pages(
        self,
        query: Query,
        window: Window = EVERYTHING,
        *,
        start: Position | None = None,
        size: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[FetchedPage]:
        """Walk the list from `start`, one page ahead of the consumer; stop once `limit` records have come."""
        walk = _Walk(query=query, window=window, strategy=strategy(query))
        wanted = size or query.page_size
        first = self._step(walk, start or walk.strategy.first(), Pace(size=wanted, wanted=wanted), None)
        pending: asyncio.Task[_Step] | None = asyncio.create_task(first)
        try:
            while pending is not None:
                step = await pending
                pending = None
                if step.page.next is not None and (limit is None or step.page.received < limit):
                    pending = asyncio.create_task(self._step(walk, step.page.next, step.pace, step.info))
                yield step.page
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)

    async def _step(self, walk: _Walk, position: Position, pace: Pace, before: PageInfo | None) -> _Step:
        """Fetch the page at a position, in as many attempts and as small as it takes."""
        tries, doubts, tried = 0, min(_DOUBTS, self._settings.attempts - 1), 0

        def legal(wanted: int) -> int:
            return walk.strategy.size(position, wanted)

        async def attempt(pace: Pace) -> tuple[FetchedPage, PageInfo]:
            nonlocal tries, tried
            tries, tried = tries + 1, legal(pace.size)
            page, info = await self._page(walk, position, tried, before)
            if page.short and tries <= doubts:
                raise ProtocolError(f"the list ended after {page.received:,} of {page.total:,} records")
            return replace(page, attempts=tries), info

        try:
            (page, info), pace = await self._requester.retrying(attempt, pace, legal)
        except (TransientError, TooLargeError) as error:
            if tried > 1 or isinstance(error, LimitedError | DownError) or not isinstance(walk.strategy, Cursor):
                raise
            return await self._step_over(walk, position, pace.wanted, error)
        self._undelivered = 0
        return _Step(page=page, info=info, pace=retry.pace_after_success(pace, min(pace.size * 2, pace.wanted)))

    async def _step_over(self, walk: _Walk, position: Position, wanted: int, error: AnswerError) -> _Step:
        """Fetch the one record that no page delivers by itself, or name it; the walk resumes after it at full size.

        Raises the page's own error if the server does not even say which record it is.
        """
        self._undelivered += 1
        if self._undelivered > undeliverable.IN_A_ROW:
            raise error
        fewest = walk.query.params(walk.window) | {f"fields[{walk.query.resource.type}]": "created"}
        params = fewest | walk.strategy.params(position, 1)
        try:
            form = form_of(walk.query)
            page_of_one, total = await self._requester.request(walk.query.path, params, form, extract=page_info.total)
            suspect = undeliverable.identify(page_of_one)
        except AnswerError:
            raise error from None
        record, missing = await self._fetch_singly(walk.query, suspect, error)
        page = FetchedPage(
            number=position.page,
            document=record,
            total=total,
            next=suspect.position_after(position),
            size=1,
            received=position.received + 1,
            repeated=position.repeated,
            wire_bytes=0,
            seconds=0.0,
            missing=missing,
        )
        return _Step(page=page, info=PageInfo(count=1, total=total), pace=Pace(size=wanted, wanted=wanted))

    async def _fetch_singly(
        self, query: Query, suspect: Suspect, error: AnswerError
    ) -> tuple[Document, tuple[Undelivered, ...]]:
        """Fetch one record by its id; an empty document and the reason if that fails as well."""
        params = dict(query.resource.params) | ({"include": ",".join(query.include)} if query.include else {})
        try:
            path = f"{query.resource.path}/{suspect.id}"
            record, _ = await self._requester.request(path, params, form_of(query), extract=nothing, pace=_LONE)
            if not undeliverable.holds_record(record, suspect):
                raise ProtocolError("the server answered with another record")
        except (LimitedError, DownError):
            raise
        except AnswerError as alone:
            return Document(meta={}, links={}), (suspect.undelivered(error, alone),)
        return record, ()

    async def _page(
        self, walk: _Walk, position: Position, size: int, before: PageInfo | None
    ) -> tuple[FetchedPage, PageInfo]:
        resource, paging = walk.query.resource, walk.strategy
        target = address(walk.query.path, walk.query.params(walk.window) | paging.params(position, size))

        def extract(received: Document) -> tuple[Document, PageInfo, Progress]:
            own = document.separate_included(received, resource.types) if resource.dialect == "v1" else received
            info = page_info.read_page_info(own, resource.type, ids=False)
            if paging.needs_ids(position, info):
                info = page_info.read_page_info(own, resource.type, ids=True)
            return own, info, paging.follow(position, size, info, before)

        answer = self._requester.fetch(target, form_of(walk.query), extract=extract)
        _, (own, info, progress), sealed = await explain_retired(answer, resource)
        self._requester.remember_count(walk.query, walk.query.params(walk.window) | walk.strategy.count())
        again = progress.again
        page = FetchedPage(
            number=position.page,
            document=replace(own, records=own.records[: len(own.records) - again]) if again else own,
            total=info.total,
            next=progress.next,
            size=size,
            received=position.received + info.count - again,
            wire_bytes=len(sealed.payload),
            seconds=sealed.seconds,
            repeated=position.repeated + progress.repeated,
            shifted=progress.shifted,
        )
        return page, info


def page_of(document: Document) -> FetchedPage:
    """Return the whole walk as one page: the answer about a single record."""
    records = len(document.records)
    return FetchedPage(
        number=0,
        document=document,
        total=records,
        next=None,
        size=1,
        received=records,
        wire_bytes=sum(map(len, document.records)),
        seconds=0.0,
    )
