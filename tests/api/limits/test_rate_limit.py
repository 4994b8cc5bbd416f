"""The budget: never too many requests in any window, in turn, and fewer after complaints."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest
from asyncio_throttle import throttler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.api.limits.rate_limit import RateLimit, allowance
from etl.settings import Credentials, Settings
from tests.support.virtual import now, run


@pytest.fixture(autouse=True)
def _virtual_time_for_the_throttler(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio-throttle reads time.monotonic and cannot be given another clock."""
    monkeypatch.setattr(throttler, "time", SimpleNamespace(monotonic=now))


def make(rate: int, period: float = 300.0) -> RateLimit:
    return RateLimit(rate, period=period, clock=now)


async def drain(budget: RateLimit, requests: int) -> list[float]:
    """Ask for so many requests at once; return when each was granted."""

    async def one() -> float:
        await budget.acquire()
        return now()

    return await asyncio.gather(*(one() for _ in range(requests)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    rate=st.integers(1, 12),
    arrivals=st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_than_the_rate(rate: int, arrivals: list[tuple[float, bool]]) -> None:
    """However requests and complaints arrive, no window of the period begins that holds more grants than the rate."""

    async def scenario() -> list[float]:
        budget, grants = make(rate, period=10), []

        async def one(delay: float, complains: bool) -> None:
            await asyncio.sleep(delay)
            await budget.acquire()
            grants.append(now())
            if complains:
                budget.slow_down(1.5)

        await asyncio.gather(*(one(*arrival) for arrival in arrivals))
        return sorted(grants)

    grants = run(scenario())
    assert len(grants) == len(arrivals)
    for first, beyond in zip(grants, grants[rate:], strict=False):
        assert beyond - first >= 10


def test_a_burst_up_to_the_rate_does_not_wait() -> None:
    """What the firewall would let through at once is let through at once."""
    assert run(drain(make(50), 50)) == [0.0] * 50


def test_the_next_window_follows_the_first() -> None:
    """A request beyond the rate waits for the window to end, a little longer than the firewall's, and no more."""
    grants = run(drain(make(3), 4))
    assert grants[:3] == [0.0] * 3
    assert 300 < grants[3] < 310


def test_requests_are_granted_in_the_order_they_were_asked_for() -> None:
    """Nobody is overtaken, so no page starves."""
    grants = run(drain(make(2, period=10), 9))
    assert grants == sorted(grants)


def test_everyone_waits_when_told_to() -> None:
    """After a complaint nothing is granted before its time is over."""

    async def scenario() -> list[float]:
        budget = make(1000)
        budget.slow_down(42)
        return await drain(budget, 3)

    assert min(run(scenario())) > 41.9


def test_a_complaint_reaches_those_who_already_wait() -> None:
    """Who waits for the window when the complaint comes waits for that, too."""

    async def scenario() -> float:
        budget = make(1, period=10)
        await budget.acquire()
        waiting = asyncio.create_task(drain(budget, 1))
        await asyncio.sleep(5)
        budget.slow_down(60)
        return (await waiting)[0]

    assert run(scenario()) > 64.9


def test_after_a_complaint_the_rate_is_half_and_recovers() -> None:
    """Requests come at half of the rate, then ever closer, and at last without any spacing."""

    async def scenario() -> list[float]:
        budget = make(100)
        budget.slow_down()
        return await drain(budget, 40)

    grants = run(scenario())
    gaps = [after - before for before, after in itertools.pairwise(grants)]
    assert gaps[0] == pytest.approx(2 * 303 / 100, rel=0.05)
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(gaps))
    assert gaps[-1] == 0


def test_complaints_that_come_together_count_once() -> None:
    """Four requests in flight that are refused for one reason halve the rate once, later ones again."""

    async def gap(complaints: int, apart: float) -> float:
        budget = make(100)
        for _ in range(complaints):
            budget.slow_down()
            await asyncio.sleep(apart)
        first, second = await drain(budget, 2)
        return second - first

    assert run(gap(4, 0)) == pytest.approx(run(gap(1, 0)))
    assert run(gap(2, 5)) == pytest.approx(2 * run(gap(1, 0)))


def test_a_rate_never_falls_to_nothing() -> None:
    """However often the server complains, requests continue."""

    async def scenario() -> float:
        budget = make(100)
        for _ in range(50):
            budget.slow_down()
            await asyncio.sleep(2)
        return (await drain(budget, 2))[1]

    assert run(scenario()) < 500


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), 475),
        (Settings(mailto="a@b.org"), 950),
        (Settings(credentials=Credentials(token="x")), 2850),
        (Settings(rate=123, mailto="a@b.org"), 123),
    ],
)
def test_the_allowance_stays_below_the_tier_unless_told(settings: Settings, expected: int) -> None:
    """Tiers are used with a margin, the user's own number is taken as it is."""
    assert allowance(settings) == expected
