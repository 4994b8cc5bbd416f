"""The number of requests at once: fewer after a complaint, then more as answers are good again.

`requester` decides what a complaint is; `rate_limit` limits the rate.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Self

_TOGETHER = 1.0
"""Complaints within so many seconds count as one."""


class ConcurrencyLimit:
    """Slots that requests take in the order they come; an asynchronous context manager, entered once per request."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max(1, most)
        self._clock = clock
        # Mutable state: the present number of slots, how many are taken, the requests that wait, good answers since the
        # number last changed, and the time before which complaints count as one.
        self.open = self._most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._good = 0
        self._heard = float("-inf")

    async def __aenter__(self) -> Self:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()  # it was this one's turn just when it was called off
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def narrow(self) -> None:
        """Halve the slots, down to one; complaints that come together count once."""
        now = self._clock()
        self._good = 0
        if now >= self._heard:
            self.open = max(1, self.open // 2)
            self._heard = now + _TOGETHER

    def widen(self) -> None:
        """Count a good answer: after as many as there are slots there is one more, up to all."""
        self._good += 1
        if self.open < self._most and self._good >= self.open:
            self.open, self._good = self.open + 1, 0
            self._admit()

    def _give_back(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._taken < self.open:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
