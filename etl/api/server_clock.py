"""The server's clock, as the `Date` headers of its answers show it: whole seconds (RFC 9110, 6.6.1).

Pure; the times of this machine are arguments, on any clock that only goes forward.
"""

from email.utils import parsedate_to_datetime

_LEAP = 2.0
"""Seconds by which two answers may contradict each other: several machines answer behind one name."""


class ServerClock:
    """The lead of the server's clock over this machine's. State: its bounds, from the answers so far."""

    def __init__(self) -> None:
        self._low: float | None = None
        self._high = 0.0
        self.jumped = False

    def read(self, date: str, age: str, *, sent: float, received: float) -> None:
        """Learn from the `Date` and `Age` of an answer; what cannot be read says nothing."""
        if (shown := _seconds(date, age)) is None:
            return
        low, high = shown - received, shown + 1 - sent
        if self._low is None:
            self._low, self._high = low, high
        elif low > self._high + _LEAP or high < self._low - _LEAP:
            self._low, self._high, self.jumped = low, high, True
        else:
            self._low, self._high = max(self._low, low), max(min(self._high, high), low)

    def at(self, moment: float) -> float | None:
        """Return what the server's clock shows at a moment of this machine's, at the earliest; None if unknown."""
        return None if self._low is None else moment + self._low


def _seconds(date: str, age: str) -> float | None:
    """Return the time of an answer, in epoch seconds; a cache adds the age of `Date` in `Age`."""
    try:
        return parsedate_to_datetime(date).timestamp() + max(0, int(age or 0))
    except (ValueError, TypeError, OverflowError):
        return None
