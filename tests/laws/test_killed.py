"""`kill -9` while a dataset is switched: readers have the old dataset, the new one or an error, never some of each."""

import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import etl
from etl.errors import StoreError
from etl.sandbox import Corpus, Sandbox, running
from etl.storage import paths
from tests.conftest import Command
from tests.support.program import PROGRAM

pytestmark = pytest.mark.slow

DELAYS = (0.0, 0.002, 0.008, 0.02)
"""Seconds after the switch began."""


def changed(corpus: Corpus) -> None:
    """Change the server: records are added, changed and withdrawn."""
    now, every = datetime.now(UTC), sorted(corpus.ids())
    corpus.create(40, at=now)
    corpus.update(every[:30], at=now)
    corpus.withdraw(every[-20:])


def killed(*arguments: object, to: Path, delay: float) -> bool:
    """Run a command and kill it shortly after it began to switch; return whether it was still switching."""
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL)
    journal = to / paths.JOURNAL
    while not journal.exists() and process.poll() is None:
        time.sleep(0.0002)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def seen(to: Path) -> dict[str, list[object]] | None:
    """Read all rows of all tables like a user; None if reading is refused."""
    try:
        tables = etl.scan(str(to))
    except StoreError:
        return None
    collected = {name: table.collect() for name, table in tables.items()}
    return {name: frame.sort(pl.all()).rows() for name, frame in collected.items()}


@pytest.mark.parametrize("how", ["export", "sync"])
@pytest.mark.parametrize("delay", DELAYS)
def test_a_reader_of_a_killed_publication_sees_one_dataset_or_is_refused(
    how: str, delay: float, command: Command, tmp_path: Path
) -> None:
    """The same command finishes the switch."""
    corpus, to = Corpus.generate(records=400, seed=5), tmp_path / "o"

    def asked(box: Sandbox) -> list[object]:
        if how == "sync":
            return ["sync", to, "--base-url", box.base_url, "--quiet"]
        return ["export", "dois", "--base-url", box.base_url, "--to", to, "--quiet"]

    with running(corpus) as box:
        assert command("export", "dois", "--base-url", box.base_url, "--to", to, "--quiet").code == 0
        old = seen(to)
        changed(corpus)
        assert killed(*asked(box), to=to, delay=delay), "it ended before it was killed"
        found = seen(to)
        again = command(*asked(box))
        assert again.code == 0, again.err
    new = seen(to)
    assert new is not None
    assert sorted(row[0] for row in new["dois"]) == sorted(corpus.ids())
    assert found in (None, old, new)
    assert old != new
