"""One budget for all runs of a machine, whatever they do to each other and to the clock."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from asyncio_throttle import throttler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.api.limits.rate_limit import RateLimit
from etl.api.limits.rate_log import RateLog
from etl.errors import StoreError
from tests.support.virtual import now, run


@pytest.fixture(autouse=True)
def _virtual_time_for_the_throttler(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio-throttle reads time.monotonic and cannot be given another clock."""
    monkeypatch.setattr(throttler, "time", SimpleNamespace(monotonic=now))


@given(st.integers(1, 5), st.lists(st.floats(0, 8), min_size=1, max_size=40))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_window_holds_more_grants_than_the_rate(tmp_path_factory, rate: int, pauses: list[float]) -> None:
    """Any process may ask at any time: the grants of any ten seconds stay within the rate."""
    path = tmp_path_factory.mktemp("rate_log") / "requests"
    time, grants = 0.0, []
    for pause in pauses:
        time += pause
        at = time
        if RateLog(path, clock=lambda at=at: at).take(rate, 10) == 0:
            grants.append(time)
    for first, beyond in zip(grants, grants[rate:], strict=False):
        assert beyond - first >= 10


def test_a_refusal_says_how_long_to_wait(tmp_path: Path) -> None:
    """After the wait there is a grant."""
    path = tmp_path / "requests"
    assert RateLog(path, clock=lambda: 100).take(1, 10) == 0
    assert RateLog(path, clock=lambda: 104).take(1, 10) == 6
    assert RateLog(path, clock=lambda: 110).take(1, 10) == 0


def test_a_clock_that_was_set_back_stops_nobody_for_longer_than_the_window(tmp_path: Path) -> None:
    """Grants of the future count as made now."""
    path = tmp_path / "requests"
    RateLog(path, clock=lambda: 10_000).take(1, 10)
    assert RateLog(path, clock=lambda: 100).take(1, 10) == 10
    assert RateLog(path, clock=lambda: 110).take(1, 10) == 0


def test_a_damaged_file_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Half a number at the end is forgotten."""
    (tmp_path / "requests").write_bytes(b"abc")
    assert RateLog(tmp_path / "requests", clock=lambda: 1).take(1, 10) == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="XDG_STATE_HOME"):
        RateLog(tmp_path / "file" / "requests").take(1, 10)


def test_budgets_of_two_runs_are_one(tmp_path: Path) -> None:
    """Two runs side by side, and one resumed after them, send together what one may send."""

    async def some(requests: int) -> list[float]:
        budget, grants = RateLimit(5, period=10, rate_log=RateLog(tmp_path / "r", clock=now), clock=now), []
        for _ in range(requests):
            await budget.acquire()
            grants.append(now())
        return grants

    async def both() -> list[float]:
        side_by_side = await asyncio.gather(some(8), some(8))
        return sorted([*side_by_side[0], *side_by_side[1], *await some(4)])

    grants = run(both())
    assert len(grants) == 20
    assert all(beyond - first >= 10 for first, beyond in zip(grants, grants[5:], strict=False))


def test_processes_share_a_rate_log(tmp_path: Path) -> None:
    """Of eight requests in four processes at once, the five that are allowed are granted."""
    code = (
        "import sys; from pathlib import Path; from etl.api.limits.rate_log import RateLog;"
        "rate_log = RateLog(Path(sys.argv[1])); print(sum(rate_log.take(5, 1000) == 0 for _ in range(2)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "r")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert sum(int(one.communicate()[0]) for one in running) == 5
