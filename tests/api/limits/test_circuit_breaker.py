"""A server that is down is distinguished from a page that fails, probed seldom, and given up after the patience."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.limits.circuit_breaker import CircuitBreaker
from etl.errors import AnswerError, DownError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.events import Noted
from etl.settings import Settings
from tests.support.virtual import now, run

GONE = TransientError("no connection")


@dataclass
class Server:
    """A server that is down until a moment of virtual time. State: when it was looked at."""

    until: float
    trouble: AnswerError = GONE
    probes: list[float] = field(default_factory=list)

    async def probe(self) -> None:
        self.probes.append(now())
        if now() < self.until:
            raise self.trouble


def breaker(patience: float = 900.0, notes: list[str] | None = None) -> CircuitBreaker:
    def observe(event: object) -> None:
        if notes is not None and isinstance(event, Noted):
            notes.append(event.text)

    return CircuitBreaker(Settings(patience=patience), observe, rng=random.Random(1), clock=now, sleep=asyncio.sleep)


async def fail(one: CircuitBreaker, server: Server, *, times: int = 5, error: AnswerError = GONE) -> bool:
    """Fail so many times; whether the last was an outage that is over."""
    for _ in range(times - 1):
        assert not await one.recovered(error, server.probe, hopeless=False)
    return await one.recovered(error, server.probe, hopeless=False)


@given(st.floats(1, 2000), st.integers(60, 1500))
def test_an_outage_is_waited_for_as_long_as_patience_says(outage: float, patience: int) -> None:
    """A server that comes back in time is noticed within a minute; one that does not is given up just then."""
    server = Server(until=outage)

    async def scenario() -> float:
        try:
            assert await fail(breaker(patience), server)
            assert outage <= now() <= min(outage + 60, patience)
        except DownError:
            assert outage > patience == now()
        return now()

    run(scenario())
    assert len(server.probes) <= 10 + patience / 30  # a probe or two per minute burdens nobody
    gaps = [later - earlier for earlier, later in zip(server.probes[1:], server.probes[2:], strict=False)]
    assert all(gap <= 60 for gap in gaps)


def test_everybody_waits_while_the_server_is_down() -> None:
    """What has not been sent yet is not sent before the server is back, and then at once."""
    server, notes = Server(until=100), []

    async def scenario() -> tuple[float, float]:
        one = breaker(notes=notes)
        waiting = asyncio.create_task(fail(one, server))
        await asyncio.sleep(1)
        assert not waiting.done()
        await one.wait_until_closed()
        passed = now()
        assert await waiting
        return passed, now()

    passed, over = run(scenario())
    assert 100 <= passed == over < 200
    assert "down (no connection)" in notes[0]
    assert "back" in notes[1]


def test_one_looks_for_all() -> None:
    """Four requests that fail together are one outage, and each starts again after it."""
    server = Server(until=30)

    async def scenario() -> list[bool]:
        one = breaker()
        await fail(one, server, times=4)
        return await asyncio.gather(*(fail(one, server, times=1) for _ in range(4)))

    assert run(scenario()) == [True] * 4
    assert len(server.probes) < 8


def test_who_gives_up_tells_all() -> None:
    """The others that wait end in the same error, without asking a server that is dead."""
    server = Server(until=10**9)

    async def scenario() -> None:
        one = breaker(10)
        found = await asyncio.gather(*(fail(one, server) for _ in range(4)), return_exceptions=True)
        assert [type(error) for error in found] == [DownError] * 4
        probes = len(server.probes)
        with pytest.raises(DownError, match=r"down for 10 s: no connection; run again"):
            await one.wait_until_closed()
        assert len(server.probes) == probes

    run(scenario())


def test_a_page_that_fails_on_a_server_that_answers_is_no_outage() -> None:
    """One question settles it, and the failures before it no longer count."""
    server = Server(until=0)

    async def scenario() -> None:
        one = breaker()
        assert not await fail(one, server, times=9)
        assert len(server.probes) == 1
        assert not await one.recovered(GONE, server.probe, hopeless=True)
        assert len(server.probes) == 2

    run(scenario())


def test_good_answers_between_failures_are_a_server_that_is_up() -> None:
    """Only failures without any good answer between them raise doubts."""
    server = Server(until=10**9)

    async def scenario() -> None:
        one = breaker()
        for _ in range(10):
            await fail(one, server, times=4)
            one.succeeded()

    run(scenario())
    assert not server.probes


@pytest.mark.parametrize("error", [LimitedError("slow down"), ProtocolError("html"), RefusedError("no")])
def test_other_trouble_is_no_outage(error: AnswerError) -> None:
    """Who limits, garbles or refuses is there."""
    server = Server(until=10**9)
    assert not run(fail(breaker(), server, times=20, error=error))
    assert not server.probes


@pytest.mark.parametrize("answer", [LimitedError("slow down"), RefusedError("no")])
def test_a_server_that_says_no_is_up(answer: AnswerError) -> None:
    """Being limited or refused is an answer to the look, too."""
    assert not run(fail(breaker(), Server(until=10**9, trouble=answer)))


def test_without_a_question_nothing_is_an_outage() -> None:
    """A server that has never answered is given up by the attempts of its first request."""

    async def scenario() -> bool:
        return await breaker().recovered(GONE, None, hopeless=True)

    assert not run(scenario())


def test_a_retry_after_is_obeyed() -> None:
    """Nobody looks sooner than the server asked, and one that asks for more than the patience is given up at once."""
    server = Server(until=100, trouble=TransientError("later", after=120.0))

    async def scenario(patience: float) -> float:
        await fail(breaker(patience), server)
        return now()

    assert 120 <= run(scenario(900)) < 181
    with pytest.raises(DownError):
        run(scenario(60))


def test_a_late_good_answer_does_not_unsettle_those_who_wait() -> None:
    """An answer that was under way when the server went down does not make the outage longer or shorter."""
    server = Server(until=50)

    async def scenario() -> float:
        one = breaker(100)
        waiting = asyncio.create_task(fail(one, server))
        await asyncio.sleep(10)
        one.succeeded()
        await waiting
        return now()

    assert 50 <= run(scenario()) <= 100
