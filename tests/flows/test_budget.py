"""One budget for all flows: independent workers together stay below one rate, and use it."""

import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from etl.errors import UsageError
from etl.sandbox import Corpus, Sandbox, running
from tests.flows.server import Server, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]

RATE, WINDOW, SECONDS, ENDS = 180, 30.0, 60.0, 5.0
FLOWS = 3


def most(times: Sequence[float], window: float) -> int:
    """Count the requests of the busiest window, wherever it begins."""
    return max(bisect_left(times, start + window) - number for number, start in enumerate(times))


def test_three_flows_on_two_workers_share_one_rate_and_use_it(server: Server, tmp_path: Path) -> None:
    """Three flows of two workers never exceed the limit in any window, and they use 80 % of it."""
    pool, meeting = "measured", tmp_path / "meeting"
    meeting.mkdir()
    server.run("flows.setup", "--rate", str(RATE), "--window", str(WINDOW), "--budget", pool, "--pool", pool)
    server.run("prefect", "--no-prompt", "deploy", "tests/flows/asking.py:ask", "--name", "ask", "--pool", pool)
    times: list[float] = []

    def clock() -> float:
        times.append(time.monotonic())
        return times[-1]

    with ExitStack() as stack:
        box = stack.enter_context(running(Corpus.generate(records=100, seed=1), clock=clock))
        asked = {"base_url": box.base_url, "budget": pool, "seconds": SECONDS, "meeting": str(meeting), "flows": FLOWS}
        for _ in range(FLOWS):
            server.start("ask/ask", asked)
        for name in ("one", "two"):  # neither may take all three
            worker = ("prefect", "worker", "start", "--pool", pool, "--name", name, "--limit", "2")
            stack.enter_context(server.beside(*worker, log=f"worker-{name}.log"))
        runs = eventually(lambda: all_completed(server), 240, "the flows end")
    assert len(runs) == FLOWS
    assert all(
        f"Worker '{name}' submitting" in (server.home / f"worker-{name}.log").read_text() for name in ("one", "two")
    )
    assert most(times, WINDOW) <= RATE
    together = [one for one in times if times[0] + ENDS <= one <= times[-1] - ENDS]
    assert len(together) / (together[-1] - together[0]) >= 0.8 * RATE / WINDOW


def all_completed(server: Server) -> list[dict[str, Any]] | None:
    """Return the finished runs of the flow; a failed one fails the test."""
    runs: list[dict[str, Any]] = server.post("/flow_runs/filter", {"flows": {"name": {"any_": ["ask"]}}})
    states = {run["state_type"] for run in runs}
    assert not states & {"FAILED", "CRASHED", "CANCELLED"}, runs
    return runs if states == {"COMPLETED"} else None


async def test_a_budget_that_is_not_there_is_named(prefect: None, box: Sandbox, tmp_path: Path) -> None:
    """A flow with a limit that Prefect does not have fails, and says how to create it."""
    from flows.export import export

    with pytest.raises(UsageError, match=r"flows\.setup"):
        await export("dois", str(tmp_path / "o"), base_url=box.base_url, budget="missing")
