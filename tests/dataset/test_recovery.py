"""A dataset whose manifest is lost or damaged is replaced by `export --fresh`, whole, and by nothing else."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from etl import resources
from etl.api.query import Query
from etl.dataset import store, switch
from etl.dataset.request import Delivery
from etl.dataset.verify import verify
from etl.errors import StoreError
from etl.runs.context import Outcome, open_run
from etl.runs.export.export import export
from etl.sandbox import Corpus, Sandbox, running
from etl.settings import Settings
from etl.storage import paths
from etl.storage.files import LocalFiles
from tests.conftest import data_files
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.small import owner
from tests.support.synced import print_not

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
OLD = Query(resource=resources.load("dois"), tables=("doi_titles", "doi_dates"), include=("client",))
NEW = Query(resource=resources.load("dois"), tables=("doi_titles",))
ILLEGIBLE = [b'{"x":', b"{}", b'{"format_version": 1, "tables": {"dois": {}}}', b""]
Break = Callable[[LocalFiles], None]


@pytest.fixture(scope="module")
def box():
    """A sandbox of few records that nobody changes."""
    with running(Corpus.generate(records=60, seed=5)) as sandbox:
        yield sandbox


def run(box: Sandbox, files: LocalFiles, query: Query, *, fresh: bool = True, formats: str = "parquet") -> Outcome:
    """Export into a folder."""
    how = Delivery(formats=(formats,), fresh=fresh, partition_by=() if query is NEW else ("created_year",))
    settings = Settings(base_url=box.base_url)
    clock = lambda: NOW  # noqa: E731

    async def conduct() -> Outcome:
        async with open_run(query, how, settings, files, owner=owner(), observe=print_not, clock=clock) as started:
            return await export(started)

    return asyncio.run(conduct())


def listed(files: LocalFiles) -> set[str]:
    proof = store.published_manifest(files)
    return {file.path for facts in proof.tables.values() for file in facts.files}


@pytest.mark.parametrize("content", [*ILLEGIBLE, None])
def test_fresh_replaces_what_has_no_manifest_any_more(box: Sandbox, tmp_path: Path, content: bytes | None) -> None:
    """Nothing of the old tables is left over, also of those that the new dataset does not have."""
    files = LocalFiles(tmp_path)
    run(box, files, OLD)
    files.remove(paths.MANIFEST)
    if content is not None:
        files.write(paths.MANIFEST, content)
        with pytest.raises(StoreError, match="export again with --fresh"):
            run(box, files, OLD, fresh=False)
    assert run(box, files, NEW).published
    assert set(data_files(tmp_path)) == listed(files)
    assert verify(files).ok


def test_a_manifest_of_a_newer_program_is_not_replaced(box: Sandbox, tmp_path: Path) -> None:
    """It can be read, only not by this program."""
    files = LocalFiles(tmp_path)
    run(box, files, NEW)
    files.write(paths.MANIFEST, b'{"format_version": 99}')
    with pytest.raises(StoreError, match="update datacite-etl"):
        run(box, files, NEW)


@pytest.mark.parametrize("path", ["dois/notes.parquet", "doi_titles/mine.txt"])
def test_what_somebody_else_put_there_is_not_touched(box: Sandbox, tmp_path: Path, path: str) -> None:
    """A file with another name than data files have stops the run before it fetches anything."""
    files = LocalFiles(tmp_path)
    run(box, files, OLD)
    files.write(paths.MANIFEST, b"{}")
    files.write(path, b"mine")
    files.write("notes/empty.parquet", b"mine")
    before, asked = data_files(tmp_path), len(box.targets)
    with pytest.raises(StoreError, match=f"did not write: {path}; move them elsewhere"):
        run(box, files, NEW)
    assert (data_files(tmp_path), len(box.targets)) == (before, asked)
    files.remove(path)
    run(box, files, NEW)
    assert files.read("notes/empty.parquet") == b"mine"


def test_a_log_that_there_was_goes_on(box: Sandbox, tmp_path: Path) -> None:
    """Who reads the Delta table sees its next version, with the rows of the new dataset and of nothing else."""
    files = LocalFiles(tmp_path)
    run(box, files, OLD, formats="delta")
    files.write(paths.MANIFEST, b"{")
    run(box, files, NEW, formats="delta")
    table = DeltaTable(f"{tmp_path}/dois")
    assert table.version() == 1
    assert pl.read_delta(f"{tmp_path}/dois").height == 60
    assert not files.listing("doi_dates")
    assert verify(files).ok


def test_a_damaged_log_is_told(box: Sandbox, tmp_path: Path) -> None:
    """It cannot resume, and it is not discarded without consent."""
    files = LocalFiles(tmp_path)
    run(box, files, NEW, formats="delta")
    files.write(paths.MANIFEST, b"{")
    files.write(f"dois/_delta_log/{0:020d}.json", b"{")
    with pytest.raises(StoreError, match=r"log of the table dois is damaged.*remove .*/dois"):
        run(box, files, NEW, formats="delta")


@pytest.mark.parametrize("formats", ["parquet", "delta"])
def test_until_the_new_dataset_is_there_the_old_files_are(box: Sandbox, tmp_path: Path, formats: str) -> None:
    """A kill at any change of the disk leaves all old files where readers have them, or all new ones."""
    old = LocalFiles(tmp_path / "old")
    run(box, old, OLD, formats=formats)
    before = data_files(tmp_path / "old")
    for step in range(1, 1000, 2):
        root = tmp_path / f"{step}"
        for path, content in before.items():
            LocalFiles(root).write(path, content)
        LocalFiles(root).write(paths.MANIFEST, b"{}")
        try:
            run(box, FaultyFiles(root, step), NEW, formats=formats)
        except PowerLoss:
            LocalFiles(root).remove(paths.LOCK)
            under_way = switch.is_under_way(LocalFiles(root)) or LocalFiles(root).exists(paths.NOTE)
            if not under_way and LocalFiles(root).read(paths.MANIFEST) == b"{}":
                assert before.items() <= data_files(root).items()
        else:
            break
        run(box, LocalFiles(root), NEW, formats=formats)
        assert verify(LocalFiles(root)).ok
        assert {path for path in data_files(root) if "_delta_log" not in path} == listed(LocalFiles(root))
    assert step > 20
