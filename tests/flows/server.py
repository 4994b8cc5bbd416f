"""A Prefect server and its workers, as processes with a home of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Check every half second until something appears; fail with a description of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (seen := look()) is not None:
            return seen
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@dataclass(frozen=True)
class Server:
    """A running Prefect server: the address of its API, its home, and its log."""

    api: str
    home: Path

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a process that uses this server and no other."""
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "DO_NOT_TRACK": "1",
        }

    def run(self, *command: str, cwd: Path = ROOT) -> str:
        """Run a module with these arguments and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=os.environ | self.settings,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request to the API, again if the server's database is busy."""
        reads = method == "GET" or path.endswith("/filter")

        def answer() -> httpx.Response | None:
            try:
                found = httpx.request(method, f"{self.api}{path}", json=body, timeout=60, trust_env=False)
            except httpx.ReadTimeout:
                if not reads:
                    raise
                return None
            return None if found.status_code == httpx.codes.SERVICE_UNAVAILABLE else found

        found = eventually(answer, 200, f"{method} {path}").raise_for_status()
        return found.json() if found.content else None

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a request with a body to the API."""
        return self.ask("POST", path, body)

    def start(self, deployment: str, parameters: dict[str, Any]) -> None:
        """Start a run of a deployment by hand, with parameters that differ from its own."""
        found = self.ask("GET", f"/deployments/name/{deployment}")
        self.post(f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})

    def finished(self, deployment: str, *, scheduled: bool) -> dict[str, Any] | None:
        """Return the first finished flow run of a deployment, started by its schedule or by hand."""
        runs = self.post("/flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
        ended = ("COMPLETED", "FAILED", "CRASHED")
        return next((run for run in runs if run["state_type"] in ended and run["auto_scheduled"] == scheduled), None)

    def delete(self, run: dict[str, Any]) -> None:
        """Delete the deployment that a flow run came from, so that its schedule makes no more."""
        self.ask("DELETE", f"/deployments/{run['deployment_id']}")

    def artifacts(self, run: dict[str, Any]) -> dict[str, Any]:
        """Return the data of a flow run's artifacts by the first word of their keys."""
        found = self.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
        return {one["key"].partition("-")[0]: one["data"] for one in found}

    @contextmanager
    def beside(self, *command: str, log: str, cwd: Path = ROOT) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a module alongside the test, and end it with the block; yields the process."""
        with (self.home / log).open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=os.environ | self.settings,
                cwd=cwd,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            with _ended(process):
                yield process


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Start a server on a free port, wait until it answers, and end it with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(api=f"http://127.0.0.1:{port}/api", home=home)
    with server.beside("prefect", "server", "start", "--port", str(port), log="server.log") as process:

        def healthy() -> bool | None:
            assert process.poll() is None, (home / "server.log").read_text()
            return _healthy(server.api)

        eventually(healthy, 180, "the Prefect server answers")
        yield server


def _healthy(api: str) -> bool | None:
    try:
        return True if httpx.get(f"{api}/health", timeout=5, trust_env=False).json() is True else None
    except (httpx.HTTPError, ValueError):
        return None
