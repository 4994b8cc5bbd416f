"""The face of the API: counts, facets, single records, and the pages of a list, each requested with retries.

A Query goes in; documents with raw records, counts and facets come out. Nothing here knows files or tables.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

from etl.api.document import Document
from etl.api.limits.concurrency_limit import ConcurrencyLimit
from etl.api.limits.rate_limit import Clock, Limiter, SharedLimits, Sleep, shared_limits
from etl.api.pagination import page_info, strategies
from etl.api.pagination.page_info import PageInfo
from etl.api.pagination.position import Position
from etl.api.query import Query
from etl.api.requester import AnswerForm, Requester, form_of, nothing
from etl.api.transport import Transport
from etl.api.walk import FetchedPage, Walker, page_of
from etl.api.window import EVERYTHING, Window
from etl.errors import ProtocolError, RefusedError
from etl.events import Observe, ignore
from etl.schema.declarations import Json, Resource
from etl.settings import Settings

T = TypeVar("T")


class Client:
    """Sends requests to one server, within its limits; at most `settings.concurrency` at once."""

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
        self._walker = Walker(self._requester, settings)
        self._clock = clock

    @property
    def requests(self) -> int:
        """The requests sent so far."""
        return self._requester.requests

    @property
    def retries(self) -> int:
        """The number of them that were sent because another had failed."""
        return self._requester.retries

    @property
    def wire_bytes(self) -> int:
        """The size of the answers' bodies as they travelled."""
        return self._requester.wire_bytes

    def server_time(self) -> float | None:
        """Return what the server's clock shows now, in epoch seconds; None if no answer had a `Date` so far."""
        return self._requester.server_clock.at(self._clock())

    @property
    def server_clock_jumped(self) -> bool:
        """Whether two answers showed times that no one clock can show."""
        return self._requester.server_clock.jumped

    def add(self, *, requests: int, retries: int, wire_bytes: int) -> None:
        """Add what other processes requested for the same run."""
        self._requester.requests += requests
        self._requester.retries += retries
        self._requester.wire_bytes += wire_bytes

    async def count(self, query: Query, window: Window = EVERYTHING) -> int:
        """Return the number of records that the query has in the window, without fetching them."""
        if query.single:
            return len((await self._single(query)).records)
        params = query.params(window) | strategies.strategy(query).count()
        _, records = await self._request(query, params, page_info.total)
        self._requester.remember_count(query, params)
        return records

    async def moment(self, query: Query, window: Window, rank: int) -> int | None:
        """Return the second in which the record of a rank (from 0) was created; None if the list does not say."""
        if (by_rank := strategies.by_rank(query.resource, rank)) is None:
            return None

        def first(document: Document) -> PageInfo:
            return page_info.read_page_info(document, query.resource.type, ids=False)

        try:
            _, info = await self._request(query, query.params(window) | by_rank, first)
        except (RefusedError, ProtocolError):  # windows can be cut without it
            return None
        return info.first[0] // 1000 if info.first and info.number == rank + 1 else None

    async def facets(self, query: Query, names: tuple[str, ...] = ()) -> Mapping[str, Json]:
        """Return `meta` with the facets, all or those named; the API omits them by default (api-notes 4.10)."""
        if query.single:
            return {}
        params = query.params() | strategies.strategy(query).count()
        if query.resource.dialect != "v1":
            params |= {"disable-facets": "false"} | ({"facets": ",".join(names)} if names else {})
        document, _ = await self._request(query, params, page_info.total)
        return document.meta

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, accept: str | None = None, root: str = "data"
    ) -> Document:
        """Fetch one document below the base URL; a single resource is a list of one."""
        document, _ = await self._requester.request(path, params or {}, AnswerForm(accept, root), extract=nothing)
        return document

    async def single(self, resource: Resource, name: str) -> Document:
        """Fetch one record by its id, as a list of one; RefusedError of status 404 if there is none."""
        params = {key: value for key, value in resource.params.items() if key != "disable-facets"}
        accept = resource.headers.get("Accept")
        return await self.get(f"{resource.path}/{name}", params, accept=accept, root=resource.single)

    def pages(
        self,
        query: Query,
        window: Window = EVERYTHING,
        *,
        start: Position | None = None,
        size: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[FetchedPage]:
        """Walk the list from `start`, one page ahead of the consumer; stop once `limit` records have come.

        Raises the last error of a page that could not be fetched in time; the pages before it are good.
        """
        if query.single:
            return self._only_page(query)
        return self._walker.pages(query, window, start=start, size=size, limit=limit)

    async def _only_page(self, query: Query) -> AsyncIterator[FetchedPage]:
        yield page_of(await self._single(query))

    async def _single(self, query: Query) -> Document:
        """Fetch the one record that a query wants; no records if there is none, an error if the list is gone."""
        form = AnswerForm(query.resource.headers.get("Accept"), query.resource.single)
        try:
            document, _ = await self._requester.request(query.path, query.params(), form, extract=nothing)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            if query.resource.dialect == "v1":
                await self.count(Query(resource=query.resource))
            return Document(meta={}, links={})
        return document

    async def _request(
        self, query: Query, params: Mapping[str, str], extract: Callable[[Document], T]
    ) -> tuple[Document, T]:
        form = form_of(query)
        return await self._requester.request(query.path, params, form, extract=extract, of=query.resource)


@asynccontextmanager
async def connect(
    settings: Settings, observe: Observe = ignore, together: SharedLimits | None = None
) -> AsyncIterator[Client]:
    """Yield a client with its own connection, and its own limits unless it shares those of `together`."""
    limits = together or shared_limits(settings)
    async with Transport(settings) as transport:
        yield Client(transport, limits.rate, settings, observe, rng=random.Random(), concurrency=limits.concurrency)
