"""Requests with retries: the only loop that tries again.

Joins the transport, the limits and the decisions of `retry`. `client` decides what to request, and what becomes of the
answers.
"""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote

from etl.api import document, retired, retry
from etl.api.document import Document
from etl.api.http.answer import Sealed
from etl.api.http.body import unseal
from etl.api.http.origins import redirect
from etl.api.limits.circuit_breaker import CircuitBreaker, Probe
from etl.api.limits.concurrency_limit import ConcurrencyLimit
from etl.api.limits.rate_limit import Clock, Limiter, Sleep
from etl.api.query import Query, encode
from etl.api.retry import Pace
from etl.api.server_clock import ServerClock
from etl.api.transport import Transport
from etl.errors import AnswerError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.errors.redaction import shown
from etl.events import Observe, Retried
from etl.schema.declarations import Resource
from etl.settings import Settings

_HOPS = 5
_RIGID = Pace(size=1, wanted=1)

Send = Callable[[str, str | None], Awaitable[Sealed]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The format an answer is requested in, and where its records are."""

    accept: str | None = None
    root: str = "data"


class Requester:
    """Sends requests to one server, within the limits for their rate and their number at once."""

    def __init__(
        self,
        transport: Transport,
        rate: Limiter,
        concurrency: ConcurrencyLimit,
        settings: Settings,
        observe: Observe,
        *,
        rng: random.Random,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._transport = transport
        self._rate = rate
        self._concurrency = concurrency
        self._settings = settings
        self._observe = observe
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        self._breaker = CircuitBreaker(settings, observe, rng=rng, clock=clock, sleep=sleep)
        self.server_clock = ServerClock()
        # Mutable state: whether the server has ever answered, a cheap request that it has answered, and three counts.
        self._answered = False
        self._probe: Probe | None = None
        self.requests = self.retries = self.wire_bytes = 0

    def remember_probe(self, target: str, form: AnswerForm) -> None:
        """Remember a request that the server has answered: the circuit breaker probes the server with it."""

        async def probe() -> None:
            await self._follow_redirects(self._fetch, target, form, extract=nothing)

        self._probe = probe

    async def fetch(
        self, target: str, form: AnswerForm, *, extract: Callable[[Document], T]
    ) -> tuple[Document, T, Sealed]:
        """Send one request, follow redirects within the origin, and read the answer off the event loop."""
        answer = await self._follow_redirects(self._send, target, form, extract=extract)
        self._breaker.succeeded()
        self._concurrency.widen()
        return answer

    async def retrying(
        self, attempt: Callable[[Pace], Awaitable[T]], pace: Pace, legal: Callable[[int], int] = lambda size: size
    ) -> tuple[T, Pace]:
        """Try until it succeeds or `retry` gives up, and return the result and the pace at which it succeeded.

        An outage of the whole server does not count: attempts start again when it is over.
        """
        tries, since = 0, None
        while True:
            try:
                return await attempt(pace), pace
            except AnswerError as error:
                tries += 1
                since = self._clock() if since is None else since
                elapsed = self._clock() - since
                delay = self._delay(error, pace, elapsed)
                if await self._breaker.recovered(error, self._probe, hopeless=delay is None):
                    since, delay, pace = None, 0.0, replace(pace, failures=0)
                else:
                    slower = retry.pace_after_failure(pace, error, legal(max(1, pace.size // 2)), last=delay is None)
                    if delay is None and (slower.size == pace.size or not self._may_shrink(elapsed)):
                        raise
                    pace, delay = slower, delay or 0.0
                self._report_retry(error, tries, delay, pace)
                await self._sleep(delay)

    async def request(
        self,
        path: str,
        params: Mapping[str, str],
        form: AnswerForm,
        *,
        extract: Callable[[Document], T],
        of: Resource | None = None,
        pace: Pace = _RIGID,
    ) -> tuple[Document, T]:
        """Fetch a document with retries, always of the same size; `of` is the resource whose list it is from."""
        target = address(path, params)

        async def attempt(_: Pace) -> tuple[Document, T, Sealed]:
            return await explain_retired(self.fetch(target, form, extract=extract), of)

        (answer, extracted, _), _ = await self.retrying(attempt, pace)
        return answer, extracted

    def remember_count(self, query: Query, params: Mapping[str, str]) -> None:
        """Remember a count as what the server answers when it is up."""
        self.remember_probe(address(query.path, params), form_of(query))

    def _may_shrink(self, elapsed: float) -> bool:
        """Return whether a failing page may be retried as smaller ones: the server answers, and there is time."""
        return self._answered and elapsed <= self._settings.patience

    def _delay(self, error: AnswerError, pace: Pace, elapsed: float) -> float | None:
        delay = retry.retry_delay(
            error,
            pace.failures + 1,
            elapsed,
            self._settings,
            rng=self._rng,
            answered=self._answered,
            lone=pace.lone,
        )
        self._slow_down(error, delay)
        return delay

    def _slow_down(self, error: AnswerError, delay: float | None) -> None:
        """Send fewer requests, and fewer at once, after an answer that reports overload."""
        if isinstance(error, LimitedError) and delay is not None:
            self._rate.slow_down(delay)
        elif isinstance(error, TransientError) and error.status is not None:
            self._rate.slow_down(0.0 if delay is None else error.after or 0.0)
        if isinstance(error, TransientError) and error.status is not None:
            self._concurrency.narrow()

    def _report_retry(self, error: AnswerError, tries: int, delay: float, pace: Pace) -> None:
        self.retries += 1
        self._observe(Retried(url=error.url, reason=error.message, attempt=tries, delay=delay, page_size=pace.size))

    async def _follow_redirects(
        self, send: Send, target: str, form: AnswerForm, *, extract: Callable[[Document], T]
    ) -> tuple[Document, T, Sealed]:
        for _ in range(_HOPS + 1):
            sealed = await send(target, form.accept)
            onward = redirect(sealed)
            if onward is None:
                answer, extracted = await asyncio.to_thread(
                    _read, sealed, self._settings.page_limit, form.root, extract
                )
                return answer, extracted, sealed
            target = onward
        raise RefusedError(f"more than {_HOPS} redirects, the last to {target}", fix="check --base-url", url=target)

    async def _send(self, target: str, accept: str | None) -> Sealed:
        async with self._concurrency:
            await self._breaker.wait_until_closed()
            return await self._fetch(target, accept)

    async def _fetch(self, target: str, accept: str | None) -> Sealed:
        await self._rate.acquire()
        self.requests += 1
        sent = self._clock()
        sealed = await self._transport.fetch(target, accept=accept)
        date, age = sealed.headers.get("date", ""), sealed.headers.get("age", "")
        self.server_clock.read(date, age, sent=sent, received=self._clock())
        self._answered = True
        self.wire_bytes += len(sealed.payload)
        return sealed


def nothing(document: Document) -> None:
    """Extract nothing."""
    del document


_SPLITTING = threading.Lock()
"""Splitting a page holds the interpreter for milliseconds: one at a time, or the event loop stalls for several."""


def _read(sealed: Sealed, limit: int, root: str, extract: Callable[[Document], T]) -> tuple[Document, T]:
    """Decode, judge and split an answer; errors carry its URL, its status and its Retry-After."""
    reply = unseal(sealed, limit)
    if not 200 <= reply.status < 300:
        after = retry.retry_after(reply.headers)
        error = document.error_of(reply.status, reply.body, reply.url, after=after)
        if isinstance(error, TransientError):
            error.after = after
        raise error
    try:
        with _SPLITTING:
            page = document.read_document(reply.body, root=root)
        return page, extract(page)
    except ProtocolError as error:
        error.url, error.status = shown(reply.url), reply.status
        raise


def address(path: str, params: Mapping[str, str]) -> str:
    """Write a path of plain text and its parameters as in a request."""
    spelled = quote(path, safe="/:@!$&'()*+,;=")
    return f"{spelled}?{encode(params)}" if params else spelled


def form_of(query: Query) -> AnswerForm:
    """Return the format in which the list of a query is requested."""
    return AnswerForm(query.resource.headers.get("Accept"), query.resource.root)


async def explain_retired(answer: Awaitable[T], resource: Resource | None) -> T:
    """Await an answer; the error of a retired list says what to use instead."""
    try:
        return await answer
    except AnswerError as error:
        better = retired.explain(error, resource) if resource else error
        if better is error:
            raise
        raise better from None
