"""The embedded API in its own process, for commands with `--sandbox`."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etl.errors import UsageError


@contextmanager
def embedded(arguments: Sequence[str]) -> Iterator[str]:
    """Run `python -m etl.sandbox` with these arguments and yield its base URL; it ends with the block.

    A server in this process would share one interpreter lock with the export. It watches its stdin, so that it ends
    even if this process is killed, and has its own session, so that Ctrl-C reaches this process first. UsageError for
    invalid arguments.
    """
    command = [sys.executable, "-m", "etl.sandbox", "--json", *arguments, "--until-stdin-closes"]
    with subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield _url(process.stdout.readline())
        finally:
            process.terminate()  # its stdin closes later: a signal to a server that ends already is an error there


def _url(line: str) -> str:
    """Read the base URL; UsageError with the reason if there is none."""
    try:
        started = json.loads(line)
    except ValueError:
        raise UsageError("the embedded API did not start", fix="check --sandbox-options") from None
    if "error" in started:
        raise UsageError(f"--sandbox-options: {started['error']}", fix=started["fix"])
    return str(started["base_url"])
