"""One question, asked patiently: the only loop that tries again.

Joins the transport, the budget, the slots, the breaker and the decisions of `retry`; what is asked, and what comes of
the answers, is the client's matter.
"""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from etl.api import document, retry
from etl.api.document import Document
from etl.api.http.answer import Sealed
from etl.api.http.body import unseal
from etl.api.http.origins import redirect
from etl.api.limits.circuit_breaker import CircuitBreaker, Look
from etl.api.limits.concurrency_limit import ConcurrencyLimit
from etl.api.limits.rate_limit import Clock, Gate, Sleep
from etl.api.retry import Pace
from etl.api.transport import Transport
from etl.errors import AnswerError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.events import Observe, Retried
from etl.settings import Settings

_HOPS = 5

Send = Callable[[str, str | None], Awaitable[Sealed]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """The form an answer is asked for in, and where its records stand."""

    accept: str | None = None
    root: str = "data"


class Requester:
    """Asks one server, within a budget, with at most so many requests under way as there are slots."""

    def __init__(
        self,
        transport: Transport,
        budget: Gate,
        slots: ConcurrencyLimit,
        settings: Settings,
        observe: Observe,
        *,
        rng: random.Random,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._slots = slots
        self._settings = settings
        self._observe = observe
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        self._breaker = CircuitBreaker(settings, observe, rng=rng, clock=clock, sleep=sleep)
        # Mutable state: whether the server has ever answered, a cheap question that it has answered well, and three
        # tallies.
        self._answered = False
        self._look: Look | None = None
        self.requests = self.retries = self.wire_bytes = 0

    def answers(self, target: str, form: Form) -> None:
        """Note that the server is known to answer this, so that one may see by it whether it is up."""

        async def look() -> None:
            await self._followed(self._fetch, target, form, glean=_nothing)

        self._look = look

    async def ask(self, target: str, form: Form, *, glean: Callable[[Document], T]) -> tuple[Document, T, Sealed]:
        """Send one request, follow redirects within the origin, and read the answer off the event loop."""
        told = await self._followed(self._send, target, form, glean=glean)
        self._breaker.succeeded()
        self._slots.widen()
        return told

    async def patiently(
        self, attempt: Callable[[Pace], Awaitable[T]], pace: Pace, legal: Callable[[int], int] = lambda size: size
    ) -> tuple[T, Pace]:
        """Try until it succeeds or `retry` gives up; returns the pace at which it succeeded.

        An outage of the whole server is nobody's failure: attempts begin anew when it is over.
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
                if await self._breaker.outlasted(error, self._look, hopeless=delay is None):
                    since, delay, pace = None, 0.0, replace(pace, failures=0)
                else:
                    slower = retry.failed(pace, error, legal(max(1, pace.size // 2)), last=delay is None)
                    if delay is None and (slower.size == pace.size or not self._goes_on(elapsed)):
                        raise
                    pace, delay = slower, delay or 0.0
                self._tell(error, tries, delay, pace)
                await self._sleep(delay)

    def _goes_on(self, elapsed: float) -> bool:
        """Return whether a failing page may be retried as smaller ones: the server answers, and there is time."""
        return self._answered and elapsed <= self._settings.patience

    def _delay(self, error: AnswerError, pace: Pace, elapsed: float) -> float | None:
        delay = retry.decide(
            error,
            pace.failures + 1,
            elapsed,
            self._settings,
            rng=self._rng,
            answered=self._answered,
            lone=pace.lone,
        )
        self._complained(error, delay)
        return delay

    def _complained(self, error: AnswerError, delay: float | None) -> None:
        """Ask less often, and less at once, after an answer that says that it is too much."""
        if isinstance(error, LimitedError) and delay is not None:
            self._budget.slow_down(delay)
        elif isinstance(error, TransientError) and error.status is not None:
            self._budget.slow_down(0.0 if delay is None else error.after or 0.0)
        if isinstance(error, TransientError) and error.status is not None:
            self._slots.narrow()

    def _tell(self, error: AnswerError, tries: int, delay: float, pace: Pace) -> None:
        self.retries += 1
        self._observe(Retried(url=error.url, reason=error.message, attempt=tries, delay=delay, page_size=pace.size))

    async def _followed(
        self, send: Send, target: str, form: Form, *, glean: Callable[[Document], T]
    ) -> tuple[Document, T, Sealed]:
        for _ in range(_HOPS + 1):
            sealed = await send(target, form.accept)
            onward = redirect(sealed)
            if onward is None:
                found, gleaned = await asyncio.to_thread(_read, sealed, self._settings.page_limit, form.root, glean)
                return found, gleaned, sealed
            target = onward
        raise RefusedError(f"more than {_HOPS} redirects, the last to {target}", fix="check --base-url", url=target)

    async def _send(self, target: str, accept: str | None) -> Sealed:
        async with self._slots:
            await self._breaker.passage()
            return await self._fetch(target, accept)

    async def _fetch(self, target: str, accept: str | None) -> Sealed:
        await self._budget.acquire()
        self.requests += 1
        sealed = await self._transport.fetch(target, accept=accept)
        self._answered = True
        self.wire_bytes += len(sealed.payload)
        return sealed


def _nothing(found: Document) -> None:
    del found


_SPLITTING = threading.Lock()
"""Splitting a page holds the interpreter for some milliseconds: one at a time, or the event loop stalls for several."""


def _read(sealed: Sealed, limit: int, root: str, glean: Callable[[Document], T]) -> tuple[Document, T]:
    """Decode, judge and split an answer; errors carry its URL, its status and its Retry-After."""
    reply = unseal(sealed, limit)
    if not 200 <= reply.status < 300:
        after = retry.retry_after(reply.headers)
        error = document.failure(reply.status, reply.body, reply.url, after=after)
        if isinstance(error, TransientError):
            error.after = after
        raise error
    try:
        with _SPLITTING:
            found = document.read(reply.body, root=root)
        return found, glean(found)
    except ProtocolError as error:
        error.url, error.status = reply.url, reply.status
        raise
