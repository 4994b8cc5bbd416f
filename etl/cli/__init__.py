"""The command line: one module per command, only parsing and printing.

This is the entry point, which imports almost nothing: Ctrl-C during the other imports ends in the same line as later.
The parser and the commands are in `launch`.
"""

import sys
from collections.abc import Sequence

from etl.cli import stopping

COMMANDS = (
    "export",
    "ingest",
    "sync",
    "schedule",
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
    stopping.prepare(json="--json" in arguments)
    try:
        from etl import memory
        from etl.cli import streams

        streams.make_tolerant()
        memory.before_arrow()
        code = run(arguments)
    except KeyboardInterrupt:
        from etl.cli.show import INTERRUPTED, fail

        code = fail(INTERRUPTED, json="--json" in arguments)
    sys.exit(code)
