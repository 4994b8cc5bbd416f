"""Export, sync and ingest of one destination, killed in turn: none blocks another or loses work silently."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import data_files
from tests.support.program import PROGRAM

pytestmark = pytest.mark.slow
RECORDS = 3_000


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A slow sandbox of its own for each test, because records change."""
    with running(Corpus.generate(records=RECORDS, seed=5), faults=["latency=60"]) as sandbox:
        yield sandbox


def start(box: Sandbox, command: str, to: Path, *more: str) -> "subprocess.Popen[str]":
    """Start an export or a sync as a program."""
    where = ("dois", "--to", str(to)) if command == "export" else (str(to),)
    arguments = (*where, "--base-url", box.base_url, "--quiet", "--json", "--log-format", "json", "--concurrency", "1")
    return subprocess.Popen(
        [*PROGRAM, command, *arguments, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def killed(box: Sandbox, command: str, to: Path, *more: str) -> None:
    """Kill a run (SIGKILL) after the first staged page of its own work."""
    process = start(box, command, to, *more)
    plan = to / "_etl/work/plan.json"
    while process.poll() is None and not (
        plan.exists()
        and json.loads(plan.read_bytes())["claim"]["purpose"] == command
        and list(plan.parent.rglob("page-*.arrow"))
    ):
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -9, f"{command} ended before it was killed"


def ended(box: Sandbox, command: str, to: Path, *more: str) -> tuple[dict, str]:
    """Return the summary of a complete run, and what it logged."""
    process = start(box, command, to, *more)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out), err


def change(box: Sandbox, records: int) -> None:
    """Update records now and let them be old enough for a sync to need them."""
    box.corpus.update(box.corpus.ids()[:records], at=datetime.now(UTC) - timedelta(minutes=30))


def pages(to: Path) -> int:
    return len(list((to / "_etl").rglob("page-*.arrow")))


def test_a_killed_export_lets_a_sync_run_and_is_discarded_when_it_publishes(box: Sandbox, tmp_path: Path) -> None:
    """The sync says that it sets the export aside, and the next export says that its work was out of date."""
    to = tmp_path / "o"
    ended(box, "export", to)
    killed(box, "export", to)
    change(box, 50)
    summary, log = ended(box, "sync", to)
    assert (summary["changed"], "set the unfinished export of" in log) == (50, True)
    _, log = ended(box, "export", to)
    assert "discarded the unfinished export of" in log
    assert pages(to) == 0


def test_a_killed_sync_lets_an_export_run_and_is_discarded_when_it_publishes(box: Sandbox, tmp_path: Path) -> None:
    """The next sync starts from the export."""
    to = tmp_path / "o"
    ended(box, "export", to)
    change(box, 1_500)
    killed(box, "sync", to)
    summary, log = ended(box, "export", to)
    assert (summary["verdict"], "set the unfinished sync of" in log) == ("complete", True)
    summary, log = ended(box, "sync", to)
    assert (summary["changed"], "discarded the unfinished sync of" in log) == (0, True)


def test_an_export_and_a_sync_that_are_killed_in_turn_both_keep_their_pages(box: Sandbox, tmp_path: Path) -> None:
    """Whichever ends first wins; the export resumes after the sync was killed."""
    to = tmp_path / "o"
    ended(box, "export", to)
    change(box, 1_500)
    killed(box, "export", to)
    kept = pages(to)
    killed(box, "sync", to)
    assert pages(to) > kept
    _, log = ended(box, "export", to)
    assert "resuming the unfinished run" in log
    fresh = tmp_path / "fresh"
    ended(box, "export", fresh)
    assert data_files(to) == data_files(fresh)


def test_a_fresh_sync_keeps_the_work_of_an_export(box: Sandbox, tmp_path: Path) -> None:
    """`--fresh` discards the work of its own command only."""
    to = tmp_path / "o"
    ended(box, "export", to)
    change(box, 1_500)
    killed(box, "export", to)
    killed(box, "sync", to, "--fresh")
    _, log = ended(box, "export", to)
    assert "resuming the unfinished run" in log


def test_an_ingest_over_an_unfinished_export_goes_ahead(box: Sandbox, tmp_path: Path) -> None:
    """The first export of a destination is killed, and a data file is read there instead."""
    source, to = tmp_path / "raw", tmp_path / "o"
    ended(box, "export", source, "--keep-raw")
    killed(box, "export", to)
    arguments = ("ingest", str(source), "--to", str(to), "--json")
    ran = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert (ran.returncode, "set the unfinished export of" in ran.stderr) == (0, True), ran.stderr
    assert json.loads(ran.stdout)["unique"] == RECORDS
