"""The requests that all runs of a user on this machine have sent to one API, by time, in one small file.

A file of doubles, in seconds of the wall clock, under a lock of the system. `rate_limit` does the waiting.
"""

import fcntl
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from etl.errors import StoreError


class RateLog:
    """A file of grants. State: none; what it knows is in the file."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def take(self, rate: int, period: float) -> float:
        """Record a grant and return 0.0, or return the seconds until there may be one.

        Grants in the future, because a clock was set back, count as made now. StoreError if the file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            return self._decide(handle, rate, period)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(handle)

    def _decide(self, handle: int, rate: int, period: float) -> float:
        now = self._clock()
        known = [min(grant, now) for grant in _unpack(os.pread(handle, os.fstat(handle).st_size, 0))]
        recent = sorted(grant for grant in known if grant > now - period)
        granted = len(recent) < rate
        kept = [*recent, now] if granted else recent
        os.pwrite(handle, struct.pack(f"<{len(kept)}d", *kept), 0)
        os.ftruncate(handle, 8 * len(kept))
        return 0.0 if granted else max(recent[-rate] + period - now, 0.001)

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot record requests in {self._path}: {error.strerror}",
            fix="point XDG_STATE_HOME to a folder that can be written",
        )


def _unpack(content: bytes) -> tuple[float, ...]:
    whole = len(content) // 8
    return struct.unpack(f"<{whole}d", content[: 8 * whole])
