"""Credentials stay out of all that Prefect keeps and shows: parameters, artifacts, logs, states, its database."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.sandbox import Corpus, running
from tests.api.test_secrets import TOKEN, everything
from tests.flows.server import ROOT, Server, eventually

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

FORMS = (TOKEN, base64.b64encode(TOKEN.encode()).decode(), base64.b64encode(f":{TOKEN}".encode()).decode())
SHOWN = ("flow_runs", "task_runs", "flow_run_states", "task_run_states", "artifacts", "logs", "deployments")
FAULTS = ("", "total=3", "elsewhere=2", "error=401")


def shown(server: Server) -> Iterator[str]:
    """Yield everything that the server returns about flows, page by page."""
    for what in SHOWN:
        if what.endswith("states"):
            runs = server.post(f"/{what.removesuffix('_states')}s/filter", {"limit": 200})
            yield from (json.dumps(run["state"]) for run in runs)
            continue
        offset = 0
        while found := server.post(f"/{what}/filter", {"limit": 200, "offset": offset}):
            yield json.dumps(found)
            offset += len(found)
    events = server.post("/events/filter", {"filter": {}, "limit": 50})
    yield json.dumps(events)


def kept(server: Server, *folders: Path) -> str:
    """Return everything that the server returns, and the files in its home (with the database) and other folders."""
    files = b"\n".join(everything(folder) for folder in (server.home, *folders))
    return "\n".join(shown(server)) + files.decode("utf-8", "replace")


def without(text: str) -> None:
    assert not [form for form in FORMS if form in text]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault or "none")
def test_nothing_that_prefect_keeps_of_a_run_holds_the_token(fault: str, server: Server, tmp_path: Path) -> None:
    """However a flow ends, even with full logs, neither its output nor its files nor the server has the token."""
    to = tmp_path / "o"
    with running(Corpus.generate(records=30, seed=3), faults=[fault] if fault else []) as box:
        options = ("--base-url", box.base_url, "--to", str(to), "--attempts", "2", "--patience", "2", "--keep-raw")
        done = subprocess.run(
            [sys.executable, "-m", "flows.export", "dois", *options, "--tables", "doi_titles"],
            env=os.environ | server.settings | {"DATACITE_ETL_TOKEN": TOKEN, "PREFECT_LOGGING_LEVEL": "DEBUG"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert any(one.tier == "authenticated" for one in box.requests)
    assert (done.returncode == 0) is (fault == ""), done.stderr
    without(done.stdout + done.stderr)
    everywhere = kept(server, tmp_path)
    assert str(to) in everywhere  # the run can be seen there
    assert "doi_titles" in everywhere
    without(everywhere)


def test_no_deployment_of_ours_names_a_block() -> None:
    """`prefect deploy` would open it and store what is in it with the deployment."""
    assert "prefect.blocks" not in (ROOT / "prefect.yaml").read_text()


def test_a_secret_block_reaches_the_run_and_nothing_else(server: Server, tmp_path: Path) -> None:
    """A worker opens the block when a run begins: the API gets the token, but Prefect neither keeps nor shows it."""
    to = tmp_path / "o"
    make = f"from prefect.blocks.system import Secret; Secret(value={TOKEN!r}).save('datacite-token', overwrite=True)"
    (tmp_path / "make.py").write_text(make)
    server.run("make", cwd=tmp_path)
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    (tmp_path / "make.py").unlink()
    server.run("flows.setup", "--pool", "secrets", "--secret", "DATACITE_ETL_TOKEN=datacite-token")
    with running(Corpus.generate(records=30, seed=3)) as box:
        given = {"resource": "dois", "base_url": box.base_url, "to": str(to)}
        server.run(
            "prefect", "--no-prompt", "deploy", "flows/export.py:export", "--name", "secretly", "--pool", "secrets",
            "--params", json.dumps(given), "--job-variable", '{"env": {"DO_NOT_TRACK": "1"}}',
        )  # fmt: skip
        server.run("prefect", "deployment", "run", "export/secretly")
        worker = ("prefect", "worker", "start", "--pool", "secrets")
        with server.beside(*worker, log="secrets.log"):
            run = eventually(lambda: server.finished("secretly", scheduled=False), 150, "the run ends")
        assert run["state_type"] == "COMPLETED", run["state"]
        assert {one.tier for one in box.requests} == {"authenticated"}
    everywhere = kept(server, tmp_path)
    assert str(to) in everywhere
    assert "prefect.blocks.secret.datacite-token" in everywhere  # what it is called may be seen
    without(everywhere)
