"""Every fault of the table, seen from outside: exit code, verdict, and the destination afterwards."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from etl import cli
from etl.sandbox import Corpus, running
from tests.conftest import Command, data_files
from tests.support.fault_table import PAGE, ROWS, SOON, Outcome, Row, page
from tests.support.situations import SITUATIONS, Situation

pytestmark = pytest.mark.slow

EXIT = {Outcome.INCOMPLETE: 3, Outcome.FAILED: 1}
VERDICT = {Outcome.COMPLETE: "complete", Outcome.DRIFTED: "drifted"}
COMMON = ("--tables", "doi_titles", "--attempts", "3")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Records for three pages."""
    return Corpus.generate(records=2500, seed=3)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An older dataset of the same request."""
    to = tmp_path_factory.mktemp("old") / "o"
    with running(Corpus.generate(records=40, seed=9)) as box:
        assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(to), *COMMON, "--quiet"]) == 0
    return to


@pytest.fixture
def to(old: Path, tmp_path: Path) -> Path:
    """A destination that holds the older dataset."""
    return shutil.copytree(old, tmp_path / "o")


@pytest.fixture(scope="module")
def undisturbed(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The data files of a run without any fault."""
    to = tmp_path_factory.mktemp("undisturbed") / "o"
    with running(corpus) as box:
        assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(to), *COMMON, "--quiet"]) == 0
    return data_files(to)


def name(row: Row) -> str:
    return " ".join([row.faults or "none", *row.options])


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_every_fault_ends_as_the_table_says(
    row: Row, *, corpus: Corpus, old: Path, to: Path, undisturbed: dict[str, bytes], command: Command
) -> None:
    """A published dataset is whole or was allowed; otherwise the previous dataset stays unchanged, byte for byte."""
    own = Corpus(corpus.now)
    with running(own, faults=row.faults.split()) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", to, *COMMON, *row.options, "--json")
    assert not box.mishaps
    assert ran.code == EXIT.get(row.ends, 0), ran.err
    assert "Traceback" not in ran.err
    if row.ends in EXIT:
        assert data_files(to) == data_files(old)
        assert (to / "_etl" / "manifest.json").read_bytes() == (old / "_etl" / "manifest.json").read_bytes()
    if row.ends is Outcome.FAILED:
        return
    assert ran.json["verdict"] == VERDICT.get(row.ends, "incomplete")
    if row.ends in VERDICT:
        got = pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"].to_list()
        assert len(got) == len(set(got))
        moved = {move["id"] for move in _moved(to)}
        assert set(got) ^ set(own.ids()) <= moved
        assert (data_files(to) == undisturbed) is row.same


def test_a_server_that_died_is_gone_on_with_when_it_is_back(
    corpus: Corpus, undisturbed: dict[str, bytes], tmp_path: Path, command: Command
) -> None:
    """The run that gave up says what to do; the same command then requests only what is missing."""
    with running(Corpus(corpus.now), faults=["down=5"]) as box:
        asked = ("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *COMMON)
        ran = command(*asked, *SOON)
        assert ran.code == 1
        assert "down for 2 s" in ran.err
        assert ran.err.strip().endswith("run again when it is back: what has arrived is kept")
        before = {one.target for one in box.requests if one.status == 200 and "page[cursor]" in one.target}
        assert before
        box.faults.clear()
        box.requests.clear()
        assert command(*asked, "--json").json["verdict"] == "complete"
        assert not before & set(box.targets)
    assert data_files(tmp_path / "o") == undisturbed


def _moved(to: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((to / "_etl" / "manifest.json").read_text())["moved"]
    return found


def test_the_page_is_the_table() -> None:
    """docs/reliability.md is rendered from the table."""
    assert PAGE.read_text() == page(), "run python -m tests.support.fault_table"


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.happens)
def test_every_situation_has_a_test_that_expects_its_message(situation: Situation) -> None:
    """The named test exists, and its file has the words that the page quotes."""
    path, _, name = situation.test.partition("::")
    text = (PAGE.parents[1] / "tests" / path).read_text()
    assert f"def {name}(" in text
    assert situation.says in text
