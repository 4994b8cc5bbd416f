"""A storm of refusals: the whole run slows down, in rate and in requests at once, and recovers by itself."""

import asyncio
import random
from types import SimpleNamespace

import pytest
from asyncio_throttle import throttler

from etl import resources
from etl.api.client import Client
from etl.api.limits.rate_limit import RateLimit
from etl.api.query import Query
from etl.api.transport import Transport
from etl.errors import DownError
from etl.settings import Settings
from tests.support.loopback import Loopback, Request, http
from tests.support.virtual import Time

pytestmark = pytest.mark.slow

QUERY = Query(resource=resources.load("dois"))
COUNTED = http(b'{"data":[],"meta":{"total":7}}')
STORM = 16
"""So many requests are refused, then no more."""


@pytest.mark.parametrize(
    "refusal",
    [
        http(b"Your request has been rate limited.", status=429),
        http(b"<html>403 Forbidden</html>", status=403),
        http(b"<html>503</html>", status=503, retry_after="2"),
        http(b"<html>504</html>", status=504),
    ],
    ids=["429", "403", "503", "504"],
)
async def test_a_storm_slows_the_run_down_and_it_recovers(refusal: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it one request at a time, well apart; in the end as many at once as before, with no pause between."""
    time = Time()
    monkeypatch.setattr(throttler, "time", SimpleNamespace(monotonic=time.clock))  # it takes no clock
    arrivals: list[float] = []
    under_way: list[int] = []
    present = 0

    async def answer(request: Request) -> bytes:
        nonlocal present
        present += 1
        arrivals.append(time.now)
        under_way.append(present)
        await asyncio.sleep(0.01)  # the server's work, in which others may arrive
        present -= 1
        return COUNTED if not 8 < len(arrivals) <= 8 + STORM else refusal

    settings = Settings(attempts=99, patience=10**6)
    budget = RateLimit(600, clock=time.clock, sleep=time.sleep)
    async with Loopback(answer) as server, Transport(Settings(base_url=server.url)) as transport:
        client = Client(transport, budget, settings, rng=random.Random(1), clock=time.clock, sleep=time.sleep)
        found = await asyncio.gather(*(client.count(QUERY) for _ in range(160)))
    assert found == [7] * 160
    assert max(under_way[:8]) == 4
    behind = 8 + STORM + 8
    assert max(under_way[behind - 10 : behind - 8]) == 1
    assert max(under_way[-20:]) == 4
    assert arrivals[0] == arrivals[7]
    assert arrivals[behind] - arrivals[behind - 8] > 8 * 300 / 600  # slower than the rate, where a burst takes no time
    assert arrivals[-20] == arrivals[-1]


async def test_a_server_that_dies_is_waited_for_and_then_given_up() -> None:
    """Attempts do not count while it is down: it may stay away for minutes, but not for longer than the patience."""
    time = Time()
    back = 600.0
    asked: list[float] = []

    def answer(request: Request) -> bytes:
        asked.append(time.now)
        return COUNTED if len(asked) <= 4 or time.now >= back else b""

    settings = Settings(attempts=3, patience=900)
    budget = RateLimit(10**6, clock=time.clock, sleep=time.sleep)
    async with Loopback(answer) as server, Transport(Settings(base_url=server.url)) as transport:
        client = Client(transport, budget, settings, rng=random.Random(1), clock=time.clock, sleep=time.sleep)
        assert await asyncio.gather(*(client.count(QUERY) for _ in range(40))) == [7] * 40
        down = [moment for moment in asked[4:] if moment < back]
        assert len(down) < 45  # neither every walk with all its attempts, nor every second
        back, begun = 10.0**9, time.now
        with pytest.raises(DownError, match="run again when it is back"):
            await client.count(QUERY)
        assert 900 <= time.now - begun < 1000
