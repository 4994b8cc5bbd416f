"""A server that is down: all requests of a run wait, one asks now and then whether it is back, and at last all give up.

When to doubt it, when to ask again and when to give up is decided in `retry`; what is asked is the caller's.
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

Look = Callable[[], Awaitable[object]]
"""Puts a cheap question that the server is known to have answered before."""


class CircuitBreaker:
    """Tells an outage of the whole server from trouble with one page, and sits it out."""

    def __init__(self, settings: Settings, observe: Observe, *, rng: random.Random, clock: Clock, sleep: Sleep) -> None:
        self._settings = settings
        self._observe = observe
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        # Mutable state: failures in a row, whether requests may pass, whose turn it is to look, how many outages have
        # ended, and the error in which the last one did not.
        self._streak = Streak()
        self._well = asyncio.Event()
        self._well.set()
        self._turn = asyncio.Lock()
        self._outlasted = 0
        self._over: DownError | None = None

    async def passage(self) -> None:
        """Wait while the server is down; raises once it is given up."""
        await self._well.wait()
        if self._over is not None:
            raise self._over

    def succeeded(self) -> None:
        """Note a good answer: whatever failed before it was no outage."""
        if self._well.is_set():
            self._streak = Streak()

    async def outlasted(self, error: AnswerError, look: Look | None, *, hopeless: bool) -> bool:
        """Note a failure; tell whether it was an outage that is over now, so that the request deserves a new start.

        `hopeless` says that its attempts are used up. Without a question to look with there is no outage. Raises
        DownError when the outage lasts longer than the settings have patience.
        """
        if look is None or isinstance(error, LimitedError) or not isinstance(error, TransientError):
            return False
        self._streak = retry.struck(self._streak, self._clock())
        before = self._outlasted
        async with self._turn:
            if self._outlasted > before:
                return True
            if self._over is not None:
                raise self._over
            if not (hopeless or retry.doubtful(self._streak)):
                return False
            self._well.clear()
            try:
                if (trouble := await self._trouble(look)) is not None:
                    await self._sit_out(trouble, look)
            finally:
                self._well.set()
            self._streak = Streak()
            return trouble is not None

    async def _sit_out(self, trouble: AnswerError, look: Look) -> None:
        """Look again and again until the server answers."""
        most = f"{self._settings.patience:g} s at most"
        self._observe(Noted(text=f"the server is down ({trouble.message}): waiting for it, {most}"))
        found: AnswerError | None = trouble
        while found is not None:
            await self._sleep(self._delay(found))
            found = await self._trouble(look)
        down = self._clock() - self._streak.since
        self._observe(Noted(text=f"the server is back after {down:.0f} s"))
        self._outlasted += 1

    def _delay(self, trouble: AnswerError) -> float:
        after = (trouble.after if isinstance(trouble, TransientError) else None) or 0.0
        delay = retry.look_again(self._streak, self._clock(), self._settings, after=after, rng=self._rng)
        self._streak = retry.looked(self._streak)
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

    async def _trouble(self, look: Look) -> AnswerError | None:
        """Look whether the server answers; None if it does, be it with a refusal."""
        try:
            await look()
        except LimitedError:
            return None
        except (TransientError, ProtocolError) as error:
            return error
        except AnswerError:
            return None
        return None
