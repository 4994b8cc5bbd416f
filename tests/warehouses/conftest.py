"""A PostgreSQL server for the session, and an exported dataset with its changed successor."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl import cli
from etl.sandbox import Corpus, running
from tests.warehouses.places import Duck, Lake, Place, Postgres, server


@pytest.fixture(scope="session")
def database() -> Iterator[Callable[[], Postgres]]:
    """Make new databases of a real server; its folder must be open to the user that the server runs as."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with server(Path(folder) / "data") as make:
            yield make


@pytest.fixture(params=["duckdb", "postgresql", "delta"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """One warehouse of each kind."""
    match request.param:
        case "duckdb":
            return Duck(tmp_path)
        case "delta":
            return Lake(tmp_path)
        case _:
            make: Callable[[], Postgres] = request.getfixturevalue("database")
            return make()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two exports of one server: before and after records were created, changed and withdrawn."""
    corpus = Corpus.generate(records=150, seed=11)
    folders = (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"))
    with running(corpus) as box:
        for folder in folders:
            asked = ["export", "dois", "--base-url", box.base_url, "--include", "client", "--detail", "--quiet"]
            assert cli.run([*asked, "--to", str(folder / "out"), "--json"]) == 0
            ids = corpus.ids()
            corpus.withdraw(ids[:7])
            corpus.update(ids[50:70], at=datetime(2026, 11, 20, tzinfo=UTC))
            corpus.create(5, at=datetime(2026, 11, 20, tzinfo=UTC))
    return folders[0] / "out", folders[1] / "out"
