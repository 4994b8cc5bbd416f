"""`python -m etl.sandbox`: serve a generated corpus until stopped."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from etl.errors import EtlError, UsageError
from etl.sandbox.corpus import Corpus
from etl.sandbox.options import Options, read_options
from etl.sandbox.server import Sandbox
from etl.sandbox.v1.entry import Manner


def main(arguments: Sequence[str]) -> int:
    """Serve; the first line printed is the base URL, or with `--json` an error in the options."""
    try:
        serve(read_options(arguments))
    except EtlError as error:
        if "--json" in arguments:
            _tell(json.dumps({"error": error.message, "fix": error.fix}))
        else:
            sys.stderr.write(f"python -m etl.sandbox: {error}\n")
        return error.exit_code
    return 0


def serve(options: Options) -> None:
    """Print the base URL and serve until stopped; UsageError for a port that is not available."""
    manner = Manner(generation=options.generation, agents=options.agents_as_data)
    corpus = Corpus.generate(records=options.records, seed=options.seed, manner=manner)
    asyncio.run(_serve(corpus, options))


async def _serve(corpus: Corpus, options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    sandbox = Sandbox(
        corpus,
        port=options.port,
        host=options.host,
        faults=options.faults,
        enforce_limits=options.enforce_limits,
        window=options.window,
        seed=options.seed,
        churn=options.churn,
    )
    async with _listening(sandbox, options.port):
        _tell(json.dumps({"base_url": sandbox.base_url}) if options.json else sandbox.base_url)
        if options.until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), _read_on, stop)
        await stop.wait()


@asynccontextmanager
async def _listening(sandbox: Sandbox, port: int) -> AsyncIterator[None]:
    """Hold the sandbox open; UsageError if its port is not available."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(sandbox)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"is not available ({error.strerror})"
            raise UsageError(f"port {port} {reason}", fix="choose another --port, or 0 for a free one") from error
        yield


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _read_on(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stop.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
