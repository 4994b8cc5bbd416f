"""Runs contenders against a sandbox, each a process of its own: the server on one core, the contender on another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from etl.sandbox.process import embedded

Json = Any


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A program of `contenders` with its options, as the table names it."""

    title: str
    name: str
    options: tuple[str, ...] = ()
    python: str = sys.executable


def cores() -> list[set[int]]:
    """Return the server's and the contender's cores: one each, the same one where there is only one."""
    every = sorted(os.sched_getaffinity(0))
    return [{every[0]}, {every[-1]}]


@contextmanager
def served(records: int, *more: str) -> Iterator[str]:
    """Serve generated records and yield the base URL; the server stays on its core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores()[0])  # children keep what their parent had
    try:
        with embedded(["--records", str(records), *more]) as url:
            os.sched_setaffinity(0, before)
            yield url
    finally:
        os.sched_setaffinity(0, before)


def run(contender: Contender, url: str, records: int, *, free: bool = False) -> dict[str, Json]:
    """Run a contender once and return its cost; `free` lets it use every core."""
    command = [contender.python, "-m", "tests.benchmarks.contenders", contender.name, url, "--records", str(records)]
    keep = None if free else partial(os.sched_setaffinity, 0, cores()[1])
    done = subprocess.run([*command, *contender.options], capture_output=True, text=True, preexec_fn=keep, check=False)
    if done.returncode:
        raise RuntimeError(f"{contender.title}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Json] = json.loads(done.stdout.splitlines()[-1])
    return found


def taken_turns(
    contenders: Sequence[Contender], url: str, records: int, rounds: int
) -> dict[str, list[dict[str, Json]]]:
    """Run all contenders in turn, round by round, so that other load on the machine affects all of them."""
    found: dict[str, list[dict[str, Json]]] = {contender.title: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            found[contender.title].append(run(contender, url, records))
    return found


def show(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
