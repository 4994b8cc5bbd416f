"""Whichever file operation fails, there is one line, nothing is lost, and the next run finishes or undoes the work.

A sample of all operations; `DATACITE_ETL_FAULT_STEP=1` tries every one.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl import cli
from etl.dataset import switch
from etl.dataset.verify import verify
from etl.errors import StoreError
from etl.sandbox import Corpus, Sandbox, datafile, running
from etl.storage import paths
from etl.storage.files import LocalFiles
from tests.conftest import Command, data_files
from tests.support.faulty_system import failing
from tests.support.small import data, layout, local, publish, work

pytestmark = pytest.mark.slow

STEP = int(os.environ.get("DATACITE_ETL_FAULT_STEP", "0"))
ERRORS = (errno.EXDEV, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE)
OLD = [work("a", 2018, title="old", tags=[{"tag": "x"}]), work("b", 2019)]
NEW = [work("a", 2018, title="new"), work("c", None)]
FEW = layout(tables=("work_tags",))


def of_rows(files: LocalFiles) -> dict[str, bytes]:
    """Return the data files without logs, by names without generations."""
    every = {key: content for key, content in data(files).items() if "_delta_log" not in key}
    return {f"{key.rpartition('/')[0]}/{paths.stem(key)}": content for key, content in every.items()}


@pytest.mark.parametrize("how", ["parquet", "delta"])
@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.__getitem__)
def test_a_publication_survives_the_failure_of_any_file_operation(
    tmp_path: Path, number: int, lasting: bool, how: str
) -> None:
    """Readers have the old dataset or the new one, or are refused; the next run ends with the new one."""
    options = {"formats": (how,)}
    old, new = local(tmp_path / "old"), local(tmp_path / "new")
    publish(old, OLD, FEW, **options)
    publish(new, NEW, FEW, **options)
    whole = [of_rows(old), of_rows(new)]
    for at in range(1, 3000, STEP or (5 if number == errno.EIO and not lasting else 37)):
        root = tmp_path / "trial"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(old.name, root)
        files = local(root)
        with failing(number, at, lasting=lasting) as system, suppress(StoreError):
            publish(files, NEW, FEW, **options)
        if not (switch.is_under_way(files) or files.exists(paths.NOTE)):
            assert of_rows(files) in whole
        files.remove(paths.LOCK)
        publish(files, NEW, FEW, **options)
        assert of_rows(files) == whole[1]
        assert verify(files).ok
        assert files.listing(paths.WORK) == files.listing(paths.SPENT) == []
        assert not [key for key in files.listing("") if key.endswith(".tmp")]
        if system.calls < at:
            break
    assert at > 50


Arguments = Callable[[Path, str], list[object]]
COMMANDS: dict[str, Arguments] = {
    "export": lambda to, url: ["export", "dois", "--to", to / "new", "--base-url", url, "--tables", "doi_titles"],
    "sync": lambda to, url: ["sync", to / "old", "--base-url", url],
    "ingest": lambda to, url: ["ingest", to / "file", "--to", to / "ingested"],
    "load": lambda to, url: ["load", to / "old", "--into", f"duckdb:///{to}/w.duckdb"],
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sandbox]]:
    """A dataset, a data file, and a server whose records have changed since."""
    at = tmp_path_factory.mktemp("begun")
    corpus = Corpus.generate(records=30, seed=5)
    datafile.write_data_file(corpus, at / "file", part_records=20)
    with running(corpus) as box:
        options = ["--tables", "doi_titles", "--include", "client", "--keep-raw", "--quiet"]
        assert cli.run(["export", "dois", "--to", str(at / "old"), "--base-url", box.base_url, *options]) == 0
        now = datetime.now(UTC)
        corpus.update(sorted(corpus.ids())[:3], at=now)
        corpus.create(2, at=now)
        corpus.withdraw(sorted(corpus.ids())[-1:])
        yield at, box


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.__getitem__)
def test_a_command_survives_the_failure_of_any_file_operation(
    begun: tuple[Path, Sandbox], tmp_path: Path, command: Command, number: int, name: str
) -> None:
    """It says so in one line, and the same command then ends as if nothing had happened."""
    sound, box = begun
    to = tmp_path / "d"
    shutil.copytree(sound, to)
    arguments = [*COMMANDS[name](to, box.base_url), "--quiet"]
    with failing(number, 10**9) as system:
        assert command(*arguments).code == 0
    wanted = data_files(to)
    for at in range(1, system.calls, STEP or system.calls // (11 if number == errno.EIO else 4)):
        shutil.rmtree(to)
        shutil.copytree(sound, to)
        with failing(number, at):
            ran = command(*arguments)
        assert ran.code in {0, 1}, ran.err
        assert "Traceback" not in ran.err
        for lock in to.glob(f"*/{paths.LOCK}"):
            lock.unlink()
        again = command(*arguments)
        assert again.code == 0, again.err
        if name != "load":
            assert data_files(to).keys() == wanted.keys()
