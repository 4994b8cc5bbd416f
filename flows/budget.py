"""One budget for all flows, workers and machines: a global concurrency limit of Prefect, leased in blocks.

The limit's slots decay, which makes it a rate. A request costs many slots, because the server rounds the decay down
whenever the limit is used. Slots are only requested when they are available, because a refusal costs the decay since
the last use. This module also computes the limit for a rate; `setup` creates it.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from etl.api.limits.rate_limit import Limiter, RateLimit, SharedLimits, allowance, shared_limits
from etl.errors import UsageError
from etl.settings import WINDOW_SECONDS, Settings

WORTH = 100
"""Slots per request."""
_AT_ONCE, _STEADY, _HELD, _BLOCKS = 0.06, 0.91, 1 / 60, 3
"""Shares of a rate: what may be spent at once, what decays within a window; and how long a block lasts, in windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTerms:
    """A rate in terms of a limit: its slots, their decay per second, a block of requests, and its lifetime.

    In any window no more is spent than is there at once, comes back meanwhile, or was leased just before and kept:
    `_AT_ONCE + _STEADY * (1 + _HELD)` of the rate, which leaves some for requests that are slow to arrive.
    """

    slots: int
    decay: float
    requests: int
    keeps: float

    @classmethod
    def of(cls, rate: int, window: float = WINDOW_SECONDS) -> "LimitTerms":
        """Work out the terms for so many requests in any window of so many seconds; UsageError for too few."""
        block = int(rate * _AT_ONCE / _BLOCKS)
        if block < 1:
            raise UsageError(
                f"a rate of {rate} is too small to be shared", fix=f"give at least {int(_BLOCKS / _AT_ONCE)}"
            )
        return cls(
            slots=block * _BLOCKS * WORTH, decay=rate * _STEADY / window * WORTH, requests=block, keeps=window * _HELD
        )

    @classmethod
    def read(cls, slots: int, decay: float) -> "LimitTerms":
        """Find the terms again in a limit that was made by them."""
        block = max(1, slots // WORTH // _BLOCKS)
        window = slots / _AT_ONCE * _STEADY / decay
        return cls(slots=slots, decay=decay, requests=block, keeps=window * _HELD)


class LeasedLimiter:
    """Grants requests out of blocks that are leased from the limit, one lease at a time; a `Limiter` for the client.

    The budget inside spaces requests after the server has complained; it never grants more than the limit.
    """

    def __init__(self, client: PrefectClient, name: str, inside: RateLimit) -> None:
        # Mutable state: whose turn it is, what is left of the block, and until when it keeps.
        self._client = client
        self._name = name
        self._inside = inside
        self._turn = asyncio.Lock()
        self._left = 0
        self._until = 0.0

    async def acquire(self) -> None:
        """Wait until one more request may be sent; UsageError if there is no such limit."""
        async with self._turn:
            await self._inside.acquire()
            while self._left < 1 or time.monotonic() >= self._until:
                await self._lease()
            self._left -= 1

    def slow_down(self, after: float = 0.0) -> None:
        """Give up the rest of the block and grant half as much for a while."""
        self._left = 0
        self._inside.slow_down(after)

    async def _lease(self) -> None:
        """Take a block if there is one, else wait until there should be."""
        try:
            limit = await self._client.read_global_concurrency_limit_by_name(self._name)
        except ObjectNotFound as error:
            fix = "create it with `python -m flows.setup`"
            raise UsageError(f"Prefect has no global concurrency limit {self._name!r}", fix=fix) from error
        terms = LimitTerms.read(limit.limit, limit.slot_decay_per_second)
        wanted = terms.requests * WORTH
        short = wanted - (limit.limit - limit.active_slots)
        if short > 0:
            await asyncio.sleep(short / terms.decay * random.uniform(1.0, 1.1) + 0.01)
        elif await self._taken(wanted):
            self._left, self._until = terms.requests, time.monotonic() + terms.keeps

    async def _taken(self, slots: int) -> bool:
        """Ask for slots; False if somebody else was faster."""
        try:
            await self._client.increment_concurrency_slots([self._name], slots, "rate_limit")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.LOCKED:
                raise
            return False
        return True


@asynccontextmanager
async def flow_limits(name: str, settings: Settings) -> AsyncIterator[SharedLimits]:
    """Yield the limits that the clients of a flow share: the budget of that name, or their own if the name is empty."""
    if not name:
        yield shared_limits(settings)
        return
    async with get_client() as client:
        gate: Limiter = LeasedLimiter(client, name, RateLimit(allowance(settings)))
        yield shared_limits(settings, gate)
