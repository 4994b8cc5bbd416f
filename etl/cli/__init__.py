"""The command line: one module a command, parsing and printing only.

What stands here is the way in, which imports next to nothing: whoever presses Ctrl-C while the rest is imported gets
the same one line as later. The parser and the commands are in `launch`.
"""

import signal
import sys
from collections.abc import Sequence
from types import FrameType

COMMANDS = (
    "export",
    "ingest",
    "sync",
    "plan",
    "load",
    "get",
    "verify",
    "audit",
    "diff",
    "run",
    "resources",
    "doctor",
    "sandbox",
)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from etl.cli.launch import launch

    return launch(arguments)


def _stop(_: int, frame: FrameType | None) -> None:
    """End a process that is told to stop, as a container or a unit is, in the way that Ctrl-C does at that moment.

    While an event loop runs, that is its own: an error raised in the middle of its work might be lost.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)


def main() -> None:
    """Run the command line of this process."""
    arguments = sys.argv[1:]
    signal.signal(signal.SIGTERM, _stop)
    try:
        from etl import memory
        from etl.cli import streams

        streams.settle()
        memory.before_arrow()
        code = run(arguments)
    except KeyboardInterrupt:
        from etl.cli.show import INTERRUPTED, fail

        code = fail(INTERRUPTED, json="--json" in arguments)
    sys.exit(code)
