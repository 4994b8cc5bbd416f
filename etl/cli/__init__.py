"""The command line: one module a command, parsing and printing only.

What stands here is the way in, which imports next to nothing: whoever presses Ctrl-C while the rest is imported gets
the same one line as later. The parser and the commands are in `launch`.
"""

import signal
import sys
from collections.abc import Sequence

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


def main() -> None:
    """Run the command line of this process."""
    arguments = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container or a unit that is stopped: like Ctrl-C
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
