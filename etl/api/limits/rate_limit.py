"""The rate of requests: in any five minutes no more than the API allows, and fewer after a complaint.

All requests of a run share one RateLimit, and all runs on a machine one RateLog behind it. `retry` decides what to do
about an error; this module only spaces requests.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from asyncio_throttle.throttler import Throttler

from etl.api.limits.concurrency_limit import ConcurrencyLimit
from etl.api.limits.rate_log import RateLog
from etl.settings import WINDOW_SECONDS, Settings

_MARGIN = 0.95
"""The share of a tier that is used: others may send requests from the same address."""
_SLACK = 1.01
"""Our window is longer than the firewall's: travel times differ, so requests may arrive closer together."""
_LEAST = 1 / 32
_RECOVERY = 1 / 20
_TOGETHER = 1.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class RateLimit:
    """Grants requests: at most `rate` in any window of `period` seconds, first come, first served.

    A run may use up the window at once and then waits: that is what the firewall counts (api-notes 1.6). After
    `slow_down`, requests are spaced evenly at half the rate, and each one restores a little of it, up to the full rate.
    With a log, the grants of other runs count as well.
    """

    def __init__(
        self,
        rate: int,
        *,
        period: float = WINDOW_SECONDS,
        rate_log: RateLog | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.rate = max(1, rate)
        self.period = period * _SLACK
        self._rate_log = rate_log
        self._clock = clock
        self._sleep = sleep
        # Mutable state: the log of grants (in the throttler), the lock of the next grant, the share of the rate in use,
        # the time before which nothing is granted, and the time before which complaints count as one.
        self._throttler = Throttler(self.rate, self.period, retry_interval=min(0.05, self.period / 10))
        self._turn = asyncio.Lock()
        self._share = 1.0
        self._opens = self._heard = float("-inf")

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""
        async with self._turn:
            while True:
                while (wait := self._opens - self._clock()) > 0:
                    await self._sleep(wait)
                await self._throttler.acquire()  # type: ignore[no-untyped-call]
                await self._share_out()
                if self._clock() >= self._opens:
                    break  # otherwise the rate was reduced meanwhile, and this permit is forfeit
            self._space()

    async def _share_out(self) -> None:
        """Wait until the runs of this machine may together send one more request."""
        while self._rate_log is not None and (wait := self._rate_log.take(self.rate, self.period)) > 0:
            await self._sleep(wait)

    def slow_down(self, after: float = 0.0) -> None:
        """Grant nothing for `after` seconds and then half as much; simultaneous complaints count once."""
        now = self._clock()
        if now >= self._heard:
            self._share = max(_LEAST, self._share / 2)
            self._heard = now + max(after, _TOGETHER)
        self._opens = max(self._opens, now + max(after, self._spacing))

    @property
    def _spacing(self) -> float:
        return self.period / (self.rate * self._share) if self._share < 1 else 0.0

    def _space(self) -> None:
        self._opens = self._clock() + self._spacing
        self._share = min(1.0, self._share + _RECOVERY)


def allowance(settings: Settings) -> int:
    """Return how many requests a window may hold: the user's own number, or the tier's less a margin."""
    return settings.rate if settings.rate is not None else int(settings.tier * _MARGIN)


class Limiter(Protocol):
    """Grants requests one by one: `RateLimit`, or one rate for several processes."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""

    def slow_down(self, after: float = 0.0) -> None:
        """Grant nothing for `after` seconds and then less, because the server has complained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimits:
    """The limits that several clients of one server share; first come, first served."""

    rate: Limiter
    concurrency: ConcurrencyLimit


def shared_limits(settings: Settings, rate: Limiter | None = None) -> SharedLimits:
    """Return the limits of the settings, with a rate of their own unless one is given.

    All runs of this user on this machine share that rate if the settings name a log.
    """
    rate_log = None if settings.rate_log is None else RateLog(settings.rate_log)
    own = rate or RateLimit(allowance(settings), rate_log=rate_log)
    return SharedLimits(rate=own, concurrency=ConcurrencyLimit(settings.concurrency))
