"""The options of a sandbox, read from text and checked before it starts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Never

from etl.errors import UsageError
from etl.sandbox.corpus import DEFAULT_RECORDS, DEFAULT_SEED
from etl.sandbox.faults import KINDS, Fault, parse_fault
from etl.sandbox.v1.entry import NEW, OLD

_PORTS = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a sandbox; with `json` it prints its address as JSON."""

    records: int
    seed: int
    port: int
    host: str
    faults: Sequence[Fault]
    churn: float
    enforce_limits: bool
    window: float
    generation: str
    agents_as_data: bool
    until_stdin_closes: bool
    json: bool


def read_options(arguments: Sequence[str]) -> Options:
    """Read options; UsageError for an unknown or invalid one. `--help` prints them and exits."""
    return Options(**vars(_parser().parse_args(arguments)))


class _Parser(argparse.ArgumentParser):
    """A parser that raises usage errors."""

    def error(self, message: str) -> Never:
        known = ", ".join(name for action in self._actions for name in action.option_strings)
        fix = f"there are: {known}" if message.startswith("unrecognized") else "give another value"
        raise UsageError(message.removeprefix("argument "), fix=fix)


def _parser() -> _Parser:
    description = "A local DataCite API with the real one's quirks."
    parser = _Parser(prog="python -m etl.sandbox", description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--records", type=_from(0), default=DEFAULT_RECORDS, help="number of DOIs (default: %(default)s)")
    add("--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same records")
    add("--port", type=_from(0, _PORTS), default=0, help="0 chooses a free port")
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--fault", type=_fault, action="append", default=[], metavar="NAME=VALUE", dest="faults", help=", ".join(KINDS))
    add("--churn", type=_rate, default=0.0, help="records that move per second")
    add("--enforce-limits", action="store_true", help="answer 429 beyond the rate limit")
    add("--window", type=_seconds, default=300.0, help="length of the rate limit's window in seconds")
    add("--generation", choices=(OLD, NEW), default=NEW, help="generation of API v1 under /v1")
    add("--agents-as-data", action="store_true", help="answer /v1/agents as JSON, not as a web page")
    add("--until-stdin-closes", action="store_true", help="stop when the parent process ends")
    add("--json", action="store_true", help="print the base URL as a JSON object")
    return parser


def _from(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a reader of integers in a range."""

    def number(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            meant = f"from {least}" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is not a number {meant}")
        return value

    return number


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a duration")
    return value


def _rate(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a rate from 0 to 1,000 per second")
    return value


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
