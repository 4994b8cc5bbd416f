"""`python -m flows.setup`: what it refuses, and the automation that ends runs whose process died."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl.sandbox import Corpus, Sandbox, running
from tests.flows.server import ROOT, Server, eventually, serving

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        (("--notify", "http://10.0.0.1/hook"), "add --private"),
        (("--notify", "http://localhost:9/hook"), "add --private"),
        (("--notify", "hooks.example.org"), "begin it with https://"),
        (("--notify", "http://[::1", "--private"), "begin it with https://"),
        (("--secret", "token"), "write DATACITE_ETL_TOKEN="),
    ],
)
def test_what_would_never_work_is_refused_in_one_line(options: tuple[str, ...], fix: str) -> None:
    """With exit code 2, before a server is asked."""
    command = [sys.executable, "-m", "flows.setup", *options]
    environment = os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n"), fix in ran.stderr) == (2, "", 1, True), ran.stderr


def test_a_run_whose_process_died_is_marked_as_crashed(tmp_path: Path) -> None:
    """Nobody else would end it, and it would block its deployment for ever."""
    with serving(tmp_path) as server, running(Corpus.generate(records=3_000, seed=1), faults=["latency=3000"]) as box:
        server.run("flows.setup", "--dead-after", "40")
        process = start(server, box, tmp_path / "o")
        eventually(lambda: in_state(server, "RUNNING"), 120, "the run is Running")
        eventually(lambda: heartbeat(server), 120, "a heartbeat arrived")
        process.kill()
        process.wait()
        crashed = eventually(lambda: in_state(server, "CRASHED"), 240, "the run is Crashed")
        assert "no heartbeat" in crashed["state"]["message"]


def start(server: Server, box: Sandbox, to: Path) -> "subprocess.Popen[bytes]":
    """Start a slow export as a flow."""
    command = [sys.executable, "-m", "flows.export", "dois", "--to", str(to), "--base-url", box.base_url]
    environment = os.environ | server.settings | {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    with (server.home / "export.log").open("w") as log:
        return subprocess.Popen(
            [*command, "--concurrency", "1"], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )


def in_state(server: Server, state: str) -> dict | None:
    """Return the flow run if it is in a state."""
    runs = server.post("/flow_runs/filter", {})
    return next((run for run in runs if run["state_type"] == state), None)


def heartbeat(server: Server) -> bool | None:
    """Return whether the server knows a heartbeat."""
    found = server.post("/events/filter", {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}})
    return True if found["events"] else None
