"""The budget of requests: never more in any five minutes than the API grants, and fewer after it has complained.

All requests of a run draw on one RateLimit, and all runs of a machine on one RateLog behind it. What to do with an
error is decided in `retry`; this only spaces requests.
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
"""The share of a tier that is used: others may ask from behind the same address."""
_SLACK = 1.01
"""Our window is longer than the firewall's: requests do not travel equally long, so theirs may be closer together."""
_LEAST = 1 / 32
_RECOVERY = 1 / 20
_TOGETHER = 1.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class RateLimit:
    """Grants requests: at most `rate` in any window of `period` seconds, in the order they were asked for.

    A run may spend the whole window at once and then waits: that is what the firewall counts (api-notes 1.6). After
    `slow_down` requests are spaced evenly instead, at half of the rate, and with every request a little less, until the
    full rate is reached again. With a log, what other runs were granted counts as well.
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
        # Mutable state: the log of grants (in the throttler), whose turn it is, the share of the rate that is used at
        # present, the moment before which nothing is granted, and the one before which complaints are old news.
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
                    break  # otherwise someone was told to slow down meanwhile: this permit is forfeit
            self._space()

    async def _share_out(self) -> None:
        """Wait until the runs of this machine together may send one more."""
        while self._rate_log is not None and (wait := self._rate_log.take(self.rate, self.period)) > 0:
            await self._sleep(wait)

    def slow_down(self, after: float = 0.0) -> None:
        """Grant nothing for `after` seconds and then half as much; complaints that come together count once."""
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
    """Return how many requests a window may hold: what the user says, else the tier's less a margin."""
    return settings.rate if settings.rate is not None else int(settings.tier * _MARGIN)


class Gate(Protocol):
    """Grants requests one by one, as `RateLimit` does; whoever grants them to several processes has the same face."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""

    def slow_down(self, after: float = 0.0) -> None:
        """Grant nothing for `after` seconds and then less: the server has complained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several clients of one server share, and are together as polite as one; first come, first served."""

    budget: Gate
    slots: ConcurrencyLimit


def shared(settings: Settings, budget: Gate | None = None) -> Shared:
    """Make the budget, unless there is one, and the slots for requests under way at once.

    The budget is that of all runs of this user on this machine if the settings name a log.
    """
    rate_log = None if settings.rate_log is None else RateLog(settings.rate_log)
    own = budget or RateLimit(allowance(settings), rate_log=rate_log)
    return Shared(budget=own, slots=ConcurrencyLimit(settings.concurrency))
