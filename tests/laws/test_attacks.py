"""In a dataset prepared by an attacker, no run reads or changes anything outside it, or the user's own files in it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl import cli
from etl.sandbox import Corpus, Sandbox, running
from etl.storage import paths
from tests.conftest import Command
from tests.support.small import snapshot

pytestmark = pytest.mark.slow
Attack = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(Corpus.generate(records=20, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An intact dataset to copy."""
    to = tmp_path_factory.mktemp("attacks") / "sound"
    options = ["--tables", "doi_titles", "--keep-raw", "--quiet"]
    assert cli.run(["export", "dois", "--to", str(to), "--base-url", box.base_url, *options]) == 0
    return to


@pytest.fixture
def place(exported: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the dataset with a file of the user in it, and a victim's folder next to it."""
    to, victim = tmp_path / "d", tmp_path / "victim"
    shutil.copytree(exported, to)
    (to / "notes").mkdir()
    (to / "notes" / "mine.parquet").write_bytes(b"mine")
    (victim / "work").mkdir(parents=True)
    for name in ("file", "report.html", "manifest.json", "work/file"):
        (victim / name).write_bytes(b"theirs")
    return to, victim


def journal(to: Path, key: str, **values: object) -> None:
    (to / key).parent.mkdir(parents=True, exist_ok=True)
    (to / key).write_text(json.dumps(values))


def note(to: Path, **values: object) -> None:
    journal(to, paths.NOTE, **values)


def switch(to: Path, **values: object) -> None:
    journal(to, paths.JOURNAL, **{"gone": [], "folders": [], "files": [], **values})


def staged(to: Path, key: str) -> None:
    """Stage a file that a journal then moves."""
    path = to / paths.staged(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"evil")


def linked(at: Path, target: Path) -> None:
    """Replace a path by a link."""
    shutil.rmtree(at) if at.is_dir() and not at.is_symlink() else at.unlink(missing_ok=True)
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(target)


def remove_through_link(to: Path, victim: Path) -> None:
    linked(to / "dois_link", victim)
    note(to, keys=["dois_link/file"])


def create_through_link(to: Path, victim: Path) -> None:
    linked(to / "doi_titles", victim)
    manifest = (to / paths.MANIFEST).read_text()
    log = f"doi_titles/_delta_log/{0:020d}.json"
    note(to, keys=[], logs={log: "evil"}, manifest=manifest, gone=[])


def overwrite_through_link(to: Path, victim: Path) -> None:
    linked(to / "out", victim)
    staged(to, "out/file")
    switch(to, files=["out/file"])


ATTACKS: dict[str, Attack] = {
    "keys through a link": remove_through_link,
    "keys outside": lambda to, victim: note(to, keys=["../victim/file", str(victim / "file")]),
    "keys of the user's": lambda to, victim: note(to, keys=["notes/mine.parquet"]),
    "keys of the dataset's own": lambda to, victim: note(to, keys=[paths.MANIFEST]),
    "keys of other types": lambda to, victim: note(to, keys={"a": 1}),
    "logs through a link": create_through_link,
    "logs outside": lambda to, victim: note(
        to, keys=[], logs={"../victim/new": "evil"}, manifest=(to / paths.MANIFEST).read_text(), gone=[]
    ),
    "gone outside": lambda to, victim: note(
        to, keys=[], logs={}, manifest=(to / paths.MANIFEST).read_text(), gone=["../victim/file"]
    ),
    "gone of the user's": lambda to, victim: note(
        to, keys=[], logs={}, manifest=(to / paths.MANIFEST).read_text(), gone=["notes/mine.parquet"]
    ),
    "an invalid manifest": lambda to, victim: note(to, keys=[], logs={}, manifest="{}", gone=[]),
    "files through a link": overwrite_through_link,
    "files outside": lambda to, victim: switch(to, files=["../victim/file", str(victim / "file")]),
    "files in the work": lambda to, victim: (staged(to, paths.LOCK), switch(to, files=[paths.LOCK]))[1],
    "folders of the user's": lambda to, victim: switch(to, gone=["notes"]),
    "folders outside": lambda to, victim: (staged(to, "../victim/x"), switch(to, folders=["../victim"]))[1],
    "folders through a link": lambda to, victim: (linked(to / "l", victim), switch(to, gone=["l/work"]))[1],
    "a journal of other types": lambda to, victim: switch(to, gone="dois"),
    "an invalid journal": lambda to, victim: journal(to, paths.JOURNAL),
    "its own folder a link": lambda to, victim: linked(to / paths.OWN, victim),
    "work a link": lambda to, victim: linked(to / paths.WORK, victim / "work"),
    "a link as a table": lambda to, victim: linked(to / "doi_titles", victim),
    "the raw records a link": lambda to, victim: linked(to / paths.RAW, victim),
    "the lock a dangling link": lambda to, victim: linked(to / paths.LOCK, victim / "lock"),
    "the lock a link to itself": lambda to, victim: linked(to / paths.LOCK, to / paths.LOCK),
    "the manifest a link": lambda to, victim: linked(to / paths.MANIFEST, victim / "manifest.json"),
    "a report a link": lambda to, victim: linked(to / f"{paths.OWN}/report.html", victim / "report.html"),
    "a temporary file a link": lambda to, victim: linked(to / f"{paths.OWN}/.report.html.tmp", victim / "report.html"),
    "the audit a link": lambda to, victim: linked(to / f"{paths.OWN}/audit", victim),
    "the plan of another type": lambda to, victim: journal(to, paths.PLAN, claim=1, plan=None),
    "a pipe for a manifest": lambda to, victim: ((to / paths.MANIFEST).unlink(), os.mkfifo(to / paths.MANIFEST))[1],
}


@pytest.mark.parametrize("command_name", ["sync", "export", "export --fresh", "audit", "verify", "load", "diff"])
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_outside_the_dataset_is_touched(
    box: Sandbox, place: tuple[Path, Path], command: Command, name: str, command_name: str
) -> None:
    """The victim's folder and the user's own files are unchanged; the run ends, with one line if it fails."""
    to, victim = place
    ATTACKS[name](to, victim)
    before = snapshot(victim)
    server = ("--base-url", box.base_url)
    commands: dict[str, tuple[object, ...]] = {
        "sync": ("sync", to, *server),
        "export": ("export", "dois", "--to", to, *server, "--tables", "doi_titles", "--keep-raw"),
        "export --fresh": ("export", "dois", "--to", to, *server, "--tables", "doi_titles", "--fresh"),
        "audit": ("audit", to),
        "verify": ("verify", to),
        "load": ("load", to, "--into", f"duckdb:///{to.parent}/w.duckdb"),
        "diff": ("diff", to, to),
    }
    ran = command(*commands[command_name], "--quiet")
    assert snapshot(victim) == before
    assert (to / "notes" / "mine.parquet").read_bytes() == b"mine"
    assert ran.code in {0, 1, 2, 3}
    assert "Traceback" not in ran.err
    assert "theirs" not in ran.out
