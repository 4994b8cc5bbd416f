"""One budget for all flows: processes that know nothing of each other stay below one rate together, and use it."""

import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence

import pytest

from etl.errors import UsageError
from etl.sandbox import Corpus, Sandbox, running
from tests.flows.server import ROOT, Server

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to mend
]

RATE, WINDOW, SECONDS, ENDS = 180, 30.0, 60.0, 5.0


def most(times: Sequence[float], window: float) -> int:
    """Count the requests of the busiest window, wherever it begins."""
    return max(bisect_left(times, start + window) - number for number, start in enumerate(times))


def test_three_flows_share_one_rate_and_use_it(server: Server) -> None:
    """In no window do three processes ask more often than the limit allows; on the whole they use 80 % of it."""
    server.run(
        "flows.setup", "--rate", str(RATE), "--window", str(WINDOW), "--budget", "measured", "--pool", "measured"
    )
    times: list[float] = []

    def clock() -> float:
        times.append(time.monotonic())
        return times[-1]

    with running(Corpus.generate(records=100, seed=1), clock=clock) as box:
        command = [sys.executable, "-m", "tests.flows.asking", box.base_url, "measured", str(SECONDS)]
        flows = [
            subprocess.Popen(command, env=os.environ | server.settings, cwd=ROOT, stdout=subprocess.PIPE)
            for _ in range(3)
        ]
        asked = [int(flow.communicate(timeout=180)[0].split()[-1]) for flow in flows]
    assert all(asked), "each has its share"
    assert most(times, WINDOW) <= RATE
    together = [one for one in times if times[0] + ENDS <= one <= times[-1] - ENDS]
    assert len(together) / (together[-1] - together[0]) >= 0.8 * RATE / WINDOW


async def test_a_budget_that_is_not_there_is_named(prefect: None, box: Sandbox) -> None:
    """A flow that is told of a limit that Prefect does not have fails and says how to make it."""
    from flows.export import export

    with pytest.raises(UsageError, match=r"flows\.setup"):
        await export("dois", "nowhere", base_url=box.base_url, budget="missing")
