"""Pages of a list, counts, facets and single resources, each asked for patiently.

Joins the paging strategies and what can be asked (`asking`); it knows no files and no tables.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from etl.api import document, pagination, retired, retry, undeliverable
from etl.api.document import Document
from etl.api.http.answer import Sealed
from etl.api.limits.concurrency_limit import ConcurrencyLimit
from etl.api.limits.rate_limit import Clock, Limiter, SharedLimits, Sleep, shared_limits
from etl.api.page_info import PageInfo, total
from etl.api.page_info import read as read_page_info
from etl.api.pagination import Position, Progress
from etl.api.query import Query, encode
from etl.api.requester import AnswerForm, Requester
from etl.api.retry import Pace
from etl.api.transport import Transport
from etl.api.undeliverable import Suspect, Undelivered
from etl.api.window import EVERYTHING, Window
from etl.errors import AnswerError, DownError, LimitedError, ProtocolError, RefusedError, TooLargeError, TransientError
from etl.events import Observe, ignore
from etl.schema.declarations import Json, Resource
from etl.settings import Settings

_DOUBTS = 2
"""How often a list that ends early is asked again before it is believed."""
_RIGID = Pace(size=1, wanted=1)
_LONE = Pace(size=1, wanted=1, strained=True)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """A page of a walk; `received` counts the walk's records up to and with this page, `next` is None after the last.

    `number` begins at 0. `short` pages end a walk before the total is reached: what that means is not decided here.
    `missing` are records that the list counts at this place and that could not be had. `repeated` of the received ones
    came twice. `shifted` says that rows have moved since the walk began, so that some may have been missed.
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
    """What stays the same from page to page."""

    query: Query
    window: Window
    strategy: pagination.Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A page, what it told about paging, and the pace to go on with."""

    page: FetchedPage
    info: PageInfo
    pace: Pace


class Client:
    """Asks one server, within a budget, at most `settings.concurrency` requests at a time."""

    def __init__(
        self,
        transport: Transport,
        rate: Limiter,
        settings: Settings,
        observe: Observe = ignore,
        *,
        rng: random.Random,
        concurrency: ConcurrencyLimit | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        concurrency = concurrency or ConcurrencyLimit(settings.concurrency, clock=clock)
        self._requester = Requester(transport, rate, concurrency, settings, observe, rng=rng, clock=clock, sleep=sleep)
        self._settings = settings
        # Mutable state: how many records in a row could not be had.
        self._undelivered = 0

    @property
    def requests(self) -> int:
        """The requests sent so far."""
        return self._requester.requests

    @property
    def retries(self) -> int:
        """How many of them were sent because another had failed."""
        return self._requester.retries

    @property
    def wire_bytes(self) -> int:
        """What the answers' bodies weighed on the wire."""
        return self._requester.wire_bytes

    def add(self, *, requests: int, retries: int, wire_bytes: int) -> None:
        """Count in what was asked by others for the same run."""
        self._requester.requests += requests
        self._requester.retries += retries
        self._requester.wire_bytes += wire_bytes

    async def count(self, query: Query, window: Window = EVERYTHING) -> int:
        """Ask how many records the query has in the window, without fetching them."""
        if query.single:
            return len((await self._single(query)).records)
        params = query.params(window) | pagination.strategy(query).count()
        _, records = await self._request(query.path, params, _form(query), extract=total, of=query.resource)
        self._remember_count(query, params)
        return records

    async def moment(self, query: Query, window: Window, rank: int) -> int | None:
        """Ask in which second the record of a rank (from 0) was created; None if that is not to be had."""
        if (by_rank := pagination.by_rank(query.resource, rank)) is None:
            return None

        def first(found: Document) -> PageInfo:
            return read_page_info(found, query.resource.type, ids=False)

        params = query.params(window) | by_rank
        try:
            _, info = await self._request(query.path, params, _form(query), extract=first, of=query.resource)
        except (RefusedError, ProtocolError):  # windows can be cut without it
            return None
        return info.first[0] // 1000 if info.first and info.number == rank + 1 else None

    async def facets(self, query: Query, names: tuple[str, ...] = ()) -> Mapping[str, Json]:
        """Ask for `meta` with the facets, off by default since March 2026 (api-notes 4.10), all or those named."""
        if query.single:
            return {}
        params = query.params() | pagination.strategy(query).count()
        if query.resource.dialect != "v1":
            params |= {"disable-facets": "false"} | ({"facets": ",".join(names)} if names else {})
        found, _ = await self._request(query.path, params, _form(query), extract=total, of=query.resource)
        return found.meta

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, accept: str | None = None, root: str = "data"
    ) -> Document:
        """Fetch one document below the base URL: a single resource, as a list of one."""
        found, _ = await self._request(path, params or {}, AnswerForm(accept, root), extract=_nothing)
        return found

    async def single(self, resource: Resource, name: str) -> Document:
        """Fetch one record by its id, as a list of one; RefusedError of status 404 if there is none."""
        params = {key: value for key, value in resource.params.items() if key != "disable-facets"}
        accept = resource.headers.get("Accept")
        return await self.get(f"{resource.path}/{name}", params, accept=accept, root=resource.single)

    async def _single(self, query: Query) -> Document:
        """Fetch the one record that a query wants; no records if there is none, an error if there is no such list."""
        form = AnswerForm(query.resource.headers.get("Accept"), query.resource.single)
        try:
            single, _ = await self._request(query.path, query.params(), form, extract=_nothing)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            if query.resource.dialect == "v1":
                await self.count(Query(resource=query.resource))
            return Document(meta={}, links={})
        return single

    async def pages(
        self,
        query: Query,
        window: Window = EVERYTHING,
        *,
        start: Position | None = None,
        size: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[FetchedPage]:
        """Walk the list from `start` on, one page ahead of the consumer; stop early once `limit` records came.

        Raises the last error of a page that could not be had in time; what was yielded before it is good.
        """
        if query.single:
            yield _page_of(await self._single(query))
            return
        walk = _Walk(query=query, window=window, strategy=pagination.strategy(query))
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
        """Fetch the page at a position, with as many tries and as small as it takes."""
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
            if (
                tried > 1
                or isinstance(error, LimitedError | DownError)
                or not isinstance(walk.strategy, pagination.Cursor)
            ):
                raise
            return await self._step_over(walk, position, pace.wanted, error)
        self._undelivered = 0
        return _Step(page=page, info=info, pace=retry.succeeded(pace, min(pace.size * 2, pace.wanted)))

    async def _step_over(self, walk: _Walk, position: Position, wanted: int, error: AnswerError) -> _Step:
        """Have the one record that no page delivers alone, or name it; the walk goes on behind it at full size.

        Raises the page's own error if the server does not even tell which record it is.
        """
        self._undelivered += 1
        if self._undelivered > undeliverable.IN_A_ROW:
            raise error
        fewest = walk.query.params(walk.window) | {f"fields[{walk.query.resource.type}]": "created"}
        params = fewest | walk.strategy.params(position, 1)
        try:
            told, counted = await self._request(walk.query.path, params, _form(walk.query), extract=total)
            who = undeliverable.identify(told)
        except AnswerError:
            raise error from None
        found, missing = await self._fetch_singly(walk.query, who, error)
        page = FetchedPage(
            number=position.page,
            document=found,
            total=counted,
            next=who.position_after(position),
            size=1,
            received=position.received + 1,
            repeated=position.repeated,
            wire_bytes=0,
            seconds=0.0,
            missing=missing,
        )
        return _Step(page=page, info=PageInfo(count=1, total=counted), pace=Pace(size=wanted, wanted=wanted))

    async def _fetch_singly(
        self, query: Query, who: Suspect, error: AnswerError
    ) -> tuple[Document, tuple[Undelivered, ...]]:
        """Ask for one record by its id; an empty document, and the reason, if it cannot be had so either."""
        params = dict(query.resource.params) | ({"include": ",".join(query.include)} if query.include else {})
        try:
            path = f"{query.resource.path}/{who.id}"
            found, _ = await self._request(path, params, _form(query), extract=_nothing, pace=_LONE)
            if not undeliverable.same(found, who):
                raise ProtocolError("the server answered with another record")
        except (LimitedError, DownError):
            raise
        except AnswerError as alone:
            return Document(meta={}, links={}), (who.undelivered(error, alone),)
        return found, ()

    async def _page(
        self, walk: _Walk, position: Position, size: int, before: PageInfo | None
    ) -> tuple[FetchedPage, PageInfo]:
        resource, strategy = walk.query.resource, walk.strategy
        target = address(walk.query.path, walk.query.params(walk.window) | strategy.params(position, size))

        def extract(found: Document) -> tuple[Document, PageInfo, Progress]:
            if resource.dialect == "v1":
                found = document.apart(found, resource.types)
            info = read_page_info(found, resource.type, ids=False)
            if strategy.needs_ids(position, info):
                info = read_page_info(found, resource.type, ids=True)
            return found, info, strategy.follow(position, size, info, before)

        asking = self._requester.fetch(target, _form(walk.query), extract=extract)
        _, (found, info, progress), sealed = await _explained(asking, resource)
        self._remember_count(walk.query, walk.query.params(walk.window) | strategy.count())
        again = progress.again
        page = FetchedPage(
            number=position.page,
            document=replace(found, records=found.records[: len(found.records) - again]) if again else found,
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

    def _remember_count(self, query: Query, params: Mapping[str, str]) -> None:
        """Remember a count as what the server answers when it is up."""
        self._requester.remember_probe(address(query.path, params), _form(query))

    async def _request(
        self,
        path: str,
        params: Mapping[str, str],
        form: AnswerForm,
        *,
        extract: Callable[[Document], T],
        of: Resource | None = None,
        pace: Pace = _RIGID,
    ) -> tuple[Document, T]:
        target = address(path, params)

        async def attempt(_: Pace) -> tuple[Document, T, Sealed]:
            return await _explained(self._requester.fetch(target, form, extract=extract), of)

        (found, extracted, _), _ = await self._requester.retrying(attempt, pace)
        return found, extracted


@asynccontextmanager
async def connected(
    settings: Settings, observe: Observe = ignore, together: SharedLimits | None = None
) -> AsyncIterator[Client]:
    """Yield a client with a connection of its own, and a budget of its own unless it is one of several `together`."""
    ours = together or shared_limits(settings)
    async with Transport(settings) as transport:
        yield Client(transport, ours.rate, settings, observe, rng=random.Random(), concurrency=ours.concurrency)


def _page_of(document: Document) -> FetchedPage:
    """Return what is all of a walk: the answer about a single record."""
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


def address(path: str, params: Mapping[str, str]) -> str:
    """Spell a path of plain text and its parameters as they stand in a request."""
    spelled = quote(path, safe="/:@!$&'()*+,;=")
    return f"{spelled}?{encode(params)}" if params else spelled


def _form(query: Query) -> AnswerForm:
    return AnswerForm(query.resource.headers.get("Accept"), query.resource.root)


async def _explained(asking: Awaitable[T], resource: Resource | None) -> T:
    """Await an answer; an error of a list that is gone says what to use instead."""
    try:
        return await asking
    except AnswerError as error:
        explained = retired.explain(error, resource) if resource else error
        if explained is error:
            raise
        raise explained from None


def _nothing(found: Document) -> None:
    del found
