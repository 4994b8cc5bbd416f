"""`python -m etl.sandbox`: serve a made-up corpus until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from etl.sandbox.corpus import DEFAULT_RECORDS, DEFAULT_SEED, Corpus
from etl.sandbox.faults import Fault, parse
from etl.sandbox.server import Sandbox
from etl.sandbox.v1.entry import NEW, OLD, Manner


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the base URL is the first line printed."""
    options = _parser().parse_args(arguments)
    manner = Manner(generation=options.generation, agents=options.agents_as_data)
    corpus = Corpus.generate(records=options.records, seed=options.seed, manner=manner)
    asyncio.run(_serve(corpus, options))
    return 0


def _fault(text: str) -> Fault:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m etl.sandbox", description="A DataCite API in a box, on loopback.")
    parser.add_argument("--records", type=int, default=DEFAULT_RECORDS, help="how many DOIs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same records")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--fault", type=_fault, action="append", default=[], metavar="NAME=VALUE", dest="faults")
    parser.add_argument("--enforce-limits", action="store_true", help="answer 429 beyond the limit of the tier")
    parser.add_argument("--window", type=float, default=300.0, help="seconds in which requests are counted")
    parser.add_argument("--generation", choices=(OLD, NEW), default=NEW, help="which API v1 to be below /v1")
    parser.add_argument("--agents-as-data", action="store_true", help="answer /v1/agents as JSON, not as a web page")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the starting process goes away")
    return parser


async def _serve(corpus: Corpus, options: argparse.Namespace) -> None:
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
    )
    async with sandbox:
        sys.stdout.write(f"{sandbox.base_url}\n")
        sys.stdout.flush()
        if options.until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), _read_on, stop)
        await stop.wait()


def _read_on(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stop.set()


if __name__ == "__main__":
    sys.exit(main())
