"""A run that is killed or interrupted and started again ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import data_files
from tests.support.program import PROGRAM

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slow_box() -> "Sandbox":  # type: ignore[misc]
    """A slow sandbox of 12,000 DOIs, so that a run can be killed in the middle."""
    with running(Corpus.generate(records=12_000, seed=11), faults=["latency=150"]) as sandbox:
        yield sandbox


def start(box: Sandbox, to: Path) -> "subprocess.Popen[str]":
    command = [*PROGRAM, "export", "dois", "--base-url", box.base_url]
    return subprocess.Popen(
        [*command, "--to", str(to), "--quiet", "--json", "--include", "client", "--concurrency", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(process: "subprocess.Popen[str]") -> dict:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)


def pages(targets: list[str]) -> Counter[str]:
    """Count the requests for pages of records, by cursor and slice."""
    asked = [parse_qs(urlsplit(target).query) for target in targets]
    return Counter(f"{one.get('query')} {one['page[cursor]']}" for one in asked if "page[cursor]" in one)


@pytest.fixture(scope="module")
def undisturbed(slow_box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The data files of an undisturbed run."""
    to = tmp_path_factory.mktemp("undisturbed") / "o"
    assert finished(start(slow_box, to))["verdict"] == "complete"
    return data_files(to)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment_it_goes_on_to_the_same_bytes(
    seed: int, slow_box: Sandbox, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """After `kill -9` nothing is visible; the same command completes with the same bytes and fetches no page again."""
    before = len(slow_box.targets)
    process = start(slow_box, tmp_path / "o")
    enough = random.Random(seed).randint(3, 20)
    while len(slow_box.targets) < before + enough and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not data_files(tmp_path / "o")
    staged = len(list((tmp_path / "o").rglob("page-*[0-9].arrow")))
    assert finished(start(slow_box, tmp_path / "o"))["verdict"] == "complete"
    assert data_files(tmp_path / "o") == undisturbed
    again = [times for times in pages(slow_box.targets[before:]).values() if times > 1]
    assert sum(again) - len(again) <= 4, "only what was on its way when the process died"
    assert staged >= 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_how_to_go_on(
    sent: signal.Signals, slow_box: Sandbox, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """Ctrl-C, or a container that is stopped, ends with exit code 130 and one line; the same command resumes."""
    before = len(slow_box.targets)
    process = start(slow_box, tmp_path / "o")
    while len(slow_box.targets) < before + 8:
        time.sleep(0.01)
    process.send_signal(sent)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.splitlines()[-1].endswith("run the same command again to resume")
    assert "Traceback" not in err
    assert finished(start(slow_box, tmp_path / "o"))["verdict"] == "complete"
    assert data_files(tmp_path / "o") == undisturbed


def test_a_second_run_on_one_destination_is_refused(slow_box: Sandbox, tmp_path: Path) -> None:
    """While one run holds a destination, another one reports the holder; the first is not disturbed."""
    before = len(slow_box.targets)
    first = start(slow_box, tmp_path / "o")
    while len(slow_box.targets) < before + 4:
        time.sleep(0.01)
    second = start(slow_box, tmp_path / "o")
    _, err = second.communicate()
    assert second.returncode == 1
    assert f"process {first.pid}" in err
    assert finished(first)["verdict"] == "complete"
