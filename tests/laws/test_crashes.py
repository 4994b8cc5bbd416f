"""After an export dies at any change of the disk, or loses its destination or its clock, the next run ends the same."""

import asyncio
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from etl import resources
from etl.api.query import Query
from etl.dataset.request import Delivery
from etl.errors import EtlError, StoreError
from etl.events import Event, PageFetched, SliceDone, ignore
from etl.runs.context import Outcome, open_run
from etl.runs.export.export import export
from etl.sandbox import Corpus, Sandbox, running
from etl.settings import Settings
from etl.storage.files import Files, LocalFiles
from etl.storage.lock import Owner
from tests.conftest import data_files
from tests.support.faulty import FaultyFiles, PicturedFiles

pytestmark = pytest.mark.slow

RECORDS = int(os.environ.get("DATACITE_ETL_CRASH_RECORDS", "20000"))
"""As many as make several parts of several slices of several pages."""
QUERY = Query(resource=resources.load("dois"), tables=("doi_titles",))


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox that does not change."""
    with running(Corpus.generate(records=RECORDS, seed=3)) as sandbox:
        yield sandbox


def run(
    box: Sandbox,
    files: Files,
    *,
    observe: Callable[[Event], None] = ignore,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Export in this process, with an owner that no longer runs when the next run starts."""
    settings = Settings(base_url=box.base_url, concurrency=2)
    owner = Owner(user="ann", host="here", pid=0, born="dead", started="2026-01-01T00:00:00Z")

    async def conduct() -> Outcome:
        async with open_run(QUERY, Delivery(), settings, files, owner=owner, observe=observe, clock=clock) as started:
            return await export(started)

    return asyncio.run(conduct())


@pytest.fixture(scope="module")
def undisturbed(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """The data files of an undisturbed run, and its number of changes of the disk."""
    to = tmp_path_factory.mktemp("undisturbed")
    files = FaultyFiles(to / "o", 10**9)
    assert run(box, files).published
    return data_files(to / "o"), 10**9 - files.changes


def test_killed_at_every_change_the_next_run_ends_with_the_same_bytes(
    box: Sandbox, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """Before whichever write, rename or removal the machine stops, the next run ends as if nothing had happened.

    One run records the disk before each of its changes; another one resumes from every such state.
    """
    wanted, changes = undisturbed
    pictured = PicturedFiles(tmp_path / "o", tmp_path / "pictures")
    assert run(box, pictured).published
    assert data_files(tmp_path / "o") == wanted
    assert pictured.taken > 0.9 * changes  # the number of changes is not quite the same in every run
    for number in range(1, pictured.taken + 1):
        to = tmp_path / "pictures" / str(number)
        assert all(wanted[path] == content for path, content in data_files(to).items()), f"killed at change {number}"
        assert run(box, LocalFiles(to)).proof.verdict == "complete"
        assert data_files(to) == wanted, f"killed at change {number}"
        assert not (to / "_etl" / "work").exists()
        shutil.rmtree(to)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_full_disk_is_told_and_gone_on_from(
    share: float, box: Sandbox, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """Wherever the disk is full, one line says so; with free space, the next run ends with the same bytes."""
    wanted, changes = undisturbed
    with pytest.raises(StoreError, match="free some space and run again"):
        run(box, FaultyFiles(tmp_path / "o", int(changes * share), full=True))
    assert run(box, LocalFiles(tmp_path / "o")).proof.verdict == "complete"
    assert data_files(tmp_path / "o") == wanted


@pytest.mark.parametrize("kind", [PageFetched, SliceDone])
def test_a_destination_that_is_removed_in_mid_run_never_ends_wrong(
    kind: type[Event], box: Sandbox, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """The run ends with one line or still makes the whole dataset; the next one does in any case."""
    seen = itertools.count()

    def remove(event: Event) -> None:
        if isinstance(event, kind) and next(seen) == 0:
            shutil.rmtree(tmp_path / "o", ignore_errors=True)

    with suppress(EtlError):
        run(box, LocalFiles(tmp_path / "o"), observe=remove)
    assert run(box, LocalFiles(tmp_path / "o")).proof.verdict == "complete"
    assert data_files(tmp_path / "o") == undisturbed[0]


def test_a_clock_that_goes_backwards_changes_nothing(
    box: Sandbox, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """The clock is for people: no decision about data depends on its direction."""
    times = itertools.count(int(time.time()), -1000)
    outcome = run(box, LocalFiles(tmp_path / "o"), clock=lambda: next(times))
    assert outcome.proof.verdict == "complete"
    assert outcome.seconds >= 0
    assert data_files(tmp_path / "o") == undisturbed[0]


def test_a_destination_that_cannot_be_written_is_told_at_once(box: Sandbox) -> None:
    """Nothing is fetched for a destination that is not writable."""
    before = len(box.targets)
    with pytest.raises(StoreError) as caught:
        run(box, LocalFiles(Path("/proc/nowhere")))
    assert caught.value.fix
    assert len(box.targets) == before
