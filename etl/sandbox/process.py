"""The API in a box as a process of its own, for commands that bring their server with them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etl.errors import UsageError


@contextmanager
def embedded(arguments: Sequence[str]) -> Iterator[str]:
    """Run `python -m etl.sandbox` with these arguments and yield its base URL; it ends with the block, or with us.

    A server in this process would take turns with the export on one interpreter lock. It watches its stdin, so it
    ends even if we are killed, and it has a session of its own, so that Ctrl-C reaches us first. UsageError for
    arguments that cannot be.
    """
    command = [sys.executable, "-m", "etl.sandbox", "--json", *arguments, "--until-stdin-closes"]
    with subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield _url(process.stdout.readline())
        finally:
            process.stdin.close()
            process.terminate()


def _url(told: str) -> str:
    """Read the base URL, or what kept the process from having one."""
    try:
        found = json.loads(told)
    except ValueError:
        raise UsageError("the embedded API did not start", fix="check --sandbox-options") from None
    if "error" in found:
        raise UsageError(f"--sandbox-options: {found['error']}", fix=found["fix"])
    return str(found["base_url"])
