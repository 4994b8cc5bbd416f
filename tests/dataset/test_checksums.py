"""A data file that is not what the manifest says ends a command in one line that names it."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.dataset import checksums
from etl.dataset.manifest import DataFile
from etl.dataset.request import Delivery
from etl.errors import StoreError
from etl.sandbox import Corpus, running
from etl.storage.files import LocalFiles
from tests.conftest import Command
from tests.support.synced import Asked, brought_up, exported

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, tzinfo=UTC)
FIVE = DataFile(path="a", rows=1, bytes=5, sha256="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 300 DOIs."""
    to = tmp_path_factory.mktemp("damage") / "sound"
    with running(Corpus.generate(records=300, seed=5)) as box:
        asked = Asked(include=(), delivery=Delivery(partition_by=()))
        asyncio.run(exported(box.base_url, to, asked, NOW.timestamp()))
    return to


def flip(path: Path, pieces: int = 20) -> None:
    """Change forty bytes here and there in a file."""
    content = bytearray(path.read_bytes())
    for start in range(len(content) // pieces, len(content) - 40, len(content) // pieces):
        content[start : start + 40] = bytes(byte ^ 0xFF for byte in content[start : start + 40])
    path.write_bytes(content)


@pytest.mark.parametrize(
    "arguments",
    [("audit", "bad"), ("load", "bad", "--into", "duckdb:///w.db"), ("diff", "other", "bad"), ("diff", "bad", "other")],
    ids=" ".join,
)
def test_whoever_reads_a_damaged_file_names_it_in_one_line(
    arguments: tuple[str, ...], sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    """No traceback: which file it is, and where to look; with --json an object on stdout."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sound, "bad")
    [bad] = Path("bad/dois").glob("*.parquet")
    flip(bad)
    if "diff" in arguments:
        with running(Corpus.generate(records=30, seed=6)) as box:
            command("export", "dois", "--base-url", box.base_url, "--to", "other", "--quiet", "--json")
    ran = command(*arguments, "--json")
    assert ran.code == 1
    assert ran.json["error"].startswith(f"{bad} ")
    assert "datacite-etl verify" in ran.json["fix"]
    assert ran.err.splitlines()[-1].startswith(f"datacite-etl: {bad} ")


def test_a_missing_file_is_named_by_an_audit(sound: Path, tmp_path: Path, command: Command) -> None:
    """What is gone cannot be read either."""
    bad = shutil.copytree(sound, tmp_path / "bad")
    [lost] = (bad / "doi_titles").glob("*.parquet")
    lost.unlink()
    ran = command("audit", bad, "--quiet")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert f"{lost} cannot be read: it is missing" in ran.err


@pytest.mark.parametrize(("kind", "table"), [("parquet", "dois"), ("csv", "doi_titles"), ("ndjson", "dois")])
def test_a_sync_carries_no_damage_into_the_next_dataset(kind: str, table: str, tmp_path: Path) -> None:
    """A file that is to be written again must be the one that was proved: a changed letter is damage too."""
    corpus = Corpus.generate(records=60, seed=2)
    asked = Asked(include=(), delivery=Delivery(formats=(kind,), partition_by=()))
    with running(corpus) as box:
        asyncio.run(exported(box.base_url, tmp_path, asked, NOW.timestamp()))
        [bad] = (tmp_path / table).glob(f"*.{kind}")
        if kind == "parquet":
            flip(bad)
        else:
            bad.write_bytes(bad.read_bytes().replace(b"e", b"o", 1))
        before = json.loads((tmp_path / "_etl/manifest.json").read_text())
        corpus.update(corpus.ids()[:5], at=NOW + timedelta(hours=1))
        later = (NOW + timedelta(days=1)).timestamp()
        with pytest.raises(StoreError, match=rf"{table}/.*\.{kind} .*verify"):
            asyncio.run(brought_up(box.base_url, LocalFiles(tmp_path), later))
    assert json.loads((tmp_path / "_etl/manifest.json").read_text()) == before


def test_how_a_file_differs_is_said(tmp_path: Path) -> None:
    """Gone, of another length, of the same length with other bytes, and as it should be."""
    files = LocalFiles(tmp_path)
    assert checksums.problem(files, FIVE) == "is missing"
    files.write("a", b"hell")
    assert checksums.problem(files, FIVE) == "has 4 bytes, the manifest says 5"
    files.write("a", b"hallo")
    assert checksums.problem(files, FIVE) == "has changed: its SHA-256 is not the manifest's"
    files.write("a", b"hello")
    assert checksums.problem(files, FIVE) == ""
    assert checksums.read_checked(files, FIVE) == b"hello"


def test_trouble_that_is_not_of_the_files_passes(tmp_path: Path) -> None:
    """A mistake of this program, or a full disk elsewhere, is not called damage."""
    files = LocalFiles(tmp_path)
    files.write("a", b"hello")
    with pytest.raises(ValueError, match="mine"), checksums.damage_explained(files, [FIVE]):
        raise ValueError("mine")
