"""From zero to a scheduled run, all as processes: server, setup, deploy, worker, cron, artifacts, notification."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue

import pytest

from etl.sandbox import Corpus, Sandbox
from tests.conftest import data_files
from tests.flows.server import ROOT, Server, eventually
from tests.support.miscounting import overcounting

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

TCIA = ["client-id=nihnci.tcia"]


@contextmanager
def webhook(heard: "Queue[str]") -> Iterator[str]:
    """Put posted bodies into a queue; yields the address."""

    class Hearing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return None

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hearing)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{hook.server_address[1]}"
    finally:
        hook.shutdown()
        hook.server_close()


@pytest.fixture(scope="module")
def heard() -> "Queue[str]":
    """What the webhook received."""
    return Queue()


@pytest.fixture(scope="module")
def clone(server: Server, heard: "Queue[str]", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh checkout, set up and deployed, with a running worker."""
    clone = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "flows", clone / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", clone)
    with webhook(heard) as url:
        server.run("flows.setup", "--notify", url, "--private", cwd=clone)
        server.run("prefect", "--no-prompt", "deploy", "--all", cwd=clone)
        with server.beside("prefect", "worker", "start", "--pool", "exports", log="worker.log", cwd=clone):
            yield clone


WEEKLY = "export/weekly-full-export"


def soon() -> str:
    """Return a schedule whose next time is half a minute away, so that deployments made until then run."""
    return f"* * * * * {(datetime.now(UTC) + timedelta(seconds=30)).second}"


def test_a_deployed_export_runs_by_hand_and_by_its_schedule(
    server: Server, clone: Path, box: Sandbox, tmp_path: Path
) -> None:
    """A manual run and one started by cron both complete, with their artifacts and the same data."""
    by_hand, by_cron = tmp_path / "by-hand", tmp_path / "by-cron"
    common = {"resource": "dois", "filter": TCIA, "base_url": box.base_url}
    server.run(
        "prefect", "--no-prompt", "deploy", "flows/export.py:export", "--name", "each-minute", "--pool", "exports",
        "--cron", soon(), "--concurrency-limit", "1", "--collision-strategy", "CANCEL_NEW",
        "--params", json.dumps({**common, "to": str(by_cron)}), cwd=clone,
    )  # fmt: skip
    server.start(WEEKLY, {**common, "to": str(by_hand), "include": ""})
    for name, scheduled in (("weekly-full-export", False), ("each-minute", True)):
        run = eventually(lambda: server.finished(name, scheduled=scheduled), 150, f"a run of {name}")  # noqa: B023
        assert run["state_type"] == "COMPLETED", run["state"]
        shown = server.artifacts(run)
        assert shown.keys() == {"progress", "completeness", "tables", "report"}
        assert shown["progress"] == 100
        assert '"verdict": "complete"' in shown["completeness"]
        assert "report.html" in shown["report"]
    server.delete(run)
    assert data_files(by_hand) == data_files(by_cron)
    assert data_files(by_hand)


def test_an_incomplete_export_fails_and_people_are_told(
    server: Server, clone: Path, heard: "Queue[str]", tmp_path: Path
) -> None:
    """The run is Failed and says how many records are missing; the automation calls the webhook with the same text."""
    with overcounting(Corpus.generate(records=50, seed=1)) as url:
        to = str(tmp_path / "short")
        server.start(WEEKLY, {"resource": "dois", "filter": [], "include": "", "base_url": url, "to": to})

        def failed() -> str | None:
            runs = server.post("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}})
            return next((run["state"]["message"] for run in runs if to in run["name"]), None)

        message = eventually(failed, 120, "the run fails")
    assert "50 of 51 records" in message
    try:
        text = json.loads(heard.get(timeout=60))["text"]
    except Empty:
        pytest.fail("there was no notification")
    assert "50 of 51 records" in text
    assert to in text
