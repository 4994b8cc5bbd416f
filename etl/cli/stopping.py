"""The end of a process that is asked to stop: as with Ctrl-C, and by force if that takes too long.

A thread that computes, or waits for one that does, notices a signal only afterwards. The system writes signals into a
pipe at once, and a thread of its own waits there. A forced end loses nothing that a crash does not lose.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

GRACE = 5.0
"""Seconds between the signal and the forced end."""


def prepare(*, json: bool) -> None:
    """Let SIGTERM interrupt this process, and let it end soon after any signal; `json` is the form of its last line."""
    signal.signal(signal.SIGTERM, _interrupt)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(reading, json), name="stopping", daemon=True).start()


def _interrupt(_: int, frame: FrameType | None) -> None:
    """Act like Ctrl-C.

    While an event loop runs, that is its own: an error raised in the middle of its work might be lost.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)


def _wait(reading: int, json: bool) -> None:
    while number := os.read(reading, 1):
        if number[0] in (signal.SIGTERM, signal.SIGINT):
            time.sleep(GRACE)
            _end(json=json)


def _end(*, json: bool) -> None:
    from etl.cli.show import INTERRUPTED, fail

    try:
        fail(INTERRUPTED, json=json)
        sys.stdout.flush()
    finally:
        os._exit(INTERRUPTED.exit_code)
