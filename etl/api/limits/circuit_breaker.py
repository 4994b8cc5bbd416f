"""The circuit breaker: while the server is down, the requests of a run wait and a probe asks now and then.

`retry` decides when to doubt the server, when to probe it and when to give up; the caller supplies the probe.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from etl.api import retry
from etl.api.limits.rate_limit import Clock, Sleep
from etl.api.retry import Streak
from etl.errors import AnswerError, DownError, LimitedError, ProtocolError, TransientError
from etl.events import Noted, Observe
from etl.settings import Settings

Probe = Callable[[], Awaitable[object]]
"""Sends a cheap request that the server is known to have answered before."""


class CircuitBreaker:
    """Distinguishes an outage of the server from trouble with one page, and waits for its end."""

    def __init__(self, settings: Settings, observe: Observe, *, rng: random.Random, clock: Clock, sleep: Sleep) -> None:
        self._settings = settings
        self._observe = observe
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        # Mutable state: consecutive failures, whether requests may pass, the lock of the task that probes, how many
        # outages have ended, and the error of the one that did not.
        self._streak = Streak()
        self._closed = asyncio.Event()
        self._closed.set()
        self._turn = asyncio.Lock()
        self._recoveries = 0
        self._over: DownError | None = None

    async def wait_until_closed(self) -> None:
        """Wait while the server is down; DownError once the run has given up on it."""
        await self._closed.wait()
        if self._over is not None:
            raise self._over

    def succeeded(self) -> None:
        """Count a good answer: earlier failures were not an outage."""
        if self._closed.is_set():
            self._streak = Streak()

    async def recovered(self, error: AnswerError, probe: Probe | None, *, hopeless: bool) -> bool:
        """Count a failure, and return whether it was due to an outage that is over, so that the request starts afresh.

        `hopeless` says that its attempts are used up. Without a probe there is no outage. DownError if the outage lasts
        longer than the patience of the settings.
        """
        if probe is None or isinstance(error, LimitedError) or not isinstance(error, TransientError):
            return False
        self._streak = retry.after_failure(self._streak, self._clock())
        before = self._recoveries
        async with self._turn:
            if self._recoveries > before:
                return True
            if self._over is not None:
                raise self._over
            if not (hopeless or retry.suspects_outage(self._streak)):
                return False
            self._closed.clear()
            try:
                if (trouble := await self._probed(probe)) is not None:
                    await self._await_recovery(trouble, probe)
            finally:
                self._closed.set()
            self._streak = Streak()
            return trouble is not None

    async def _await_recovery(self, trouble: AnswerError, probe: Probe) -> None:
        """Probe the server until it answers."""
        most = f"{self._settings.patience:g} s at most"
        self._observe(Noted(text=f"the server is down ({trouble.message}): waiting for it, {most}"))
        latest: AnswerError | None = trouble
        while latest is not None:
            await self._sleep(self._delay(latest))
            latest = await self._probed(probe)
        down = self._clock() - self._streak.since
        self._observe(Noted(text=f"the server is back after {down:.0f} s"))
        self._recoveries += 1

    def _delay(self, trouble: AnswerError) -> float:
        after = (trouble.after if isinstance(trouble, TransientError) else None) or 0.0
        delay = retry.next_probe(self._streak, self._clock(), self._settings, after=after, rng=self._rng)
        self._streak = retry.after_probe(self._streak)
        if delay is None:
            down = self._clock() - self._streak.since
            self._over = DownError(
                f"the server has been down for {down:.0f} s: {trouble.message}",
                fix="run again when it is back: what has arrived is kept",
                url=trouble.url,
                status=trouble.status,
            )
            raise self._over
        return delay

    async def _probed(self, probe: Probe) -> AnswerError | None:
        """Return why the server does not answer; None if it does, even with a refusal."""
        try:
            await probe()
        except LimitedError:
            return None
        except (TransientError, ProtocolError) as error:
            return error
        except AnswerError:
            return None
        return None
