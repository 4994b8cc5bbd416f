"""The API in a box as a process of its own, for commands that bring their server with them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etl.errors import UsageError


@contextmanager
def embedded(arguments: Sequence[str]) -> Iterator[str]:
    """Run `python -m etl.sandbox` with these arguments and yield its base URL; it ends with the block, or with us.

    A server in this process would take turns with the export on one interpreter lock. It watches its stdin, so it
    ends even if we are killed, and it has a session of its own, so that Ctrl-C reaches us first.
    """
    command = [sys.executable, "-m", "etl.sandbox", *arguments, "--until-stdin-closes"]
    with subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise UsageError("the embedded API did not start", fix="check --sandbox-options")
            yield url
        finally:
            process.stdin.close()
            process.terminate()
