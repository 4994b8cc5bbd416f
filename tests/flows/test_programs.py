"""Every flow as a program: `python -m flows.NAME` with the options of its command."""

from pathlib import Path

import pytest

from etl.sandbox import Corpus, Sandbox, datafile
from tests.conftest import data_files
from tests.flows.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

CLIENTS = ("clients", "--tables", "clients")


@pytest.fixture(scope="module")
def exported(server: Server, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that `python -m flows.export` has written."""
    to = tmp_path_factory.mktemp("exported") / "clients"
    server.run("flows.export", *CLIENTS, "--base-url", box.base_url, "--to", str(to))
    return to


def test_export_writes_a_dataset(exported: Path) -> None:
    """The dataset has its table."""
    assert any(path.startswith("clients/") for path in data_files(exported))


def test_sync_updates_a_dataset(server: Server, exported: Path) -> None:
    """The destination is enough: server and query come from the dataset; nothing else has changed."""
    before = data_files(exported)
    assert "complete" in server.run("flows.sync", str(exported))
    assert data_files(exported).items() >= before.items()


def test_load_fills_a_database(server: Server, exported: Path, tmp_path: Path) -> None:
    """The database file exists afterwards."""
    server.run("flows.load", str(exported), "--into", f"duckdb:///{tmp_path / 'clients.duckdb'}")
    assert (tmp_path / "clients.duckdb").stat().st_size


def test_ingest_reads_a_data_file(server: Server, tmp_path: Path) -> None:
    """The dataset has the records of the data file."""
    datafile.write_data_file(Corpus.generate(records=20, seed=5), tmp_path / "file", part_records=10)
    server.run("flows.ingest", str(tmp_path / "file"), "--to", str(tmp_path / "o"), "--partition-by", "none")
    assert any(path.startswith("dois/") for path in data_files(tmp_path / "o"))
