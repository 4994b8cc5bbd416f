"""The server's clock is known from the dates of its answers."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.server_clock import ServerClock


def answer(clock: ServerClock, shown: float, at: float, *, took: float = 0.0, age: str = "") -> None:
    clock.read(formatdate(shown, usegmt=True), age, sent=at - took, received=at)


def test_the_time_is_that_of_the_last_answer_and_what_has_passed_since() -> None:
    """Whatever this machine's clock counts from."""
    clock = ServerClock()
    assert clock.at(5.0) is None
    answer(clock, 1_800_000_000, at=100.0)
    assert clock.at(160.0) == 1_800_000_060


def test_the_age_of_an_answer_from_a_cache_is_added() -> None:
    """Its date is that of the moment at which the cache received it."""
    clock = ServerClock()
    answer(clock, 1_800_000_000, at=100.0, age="30")
    assert clock.at(100.0) == 1_800_000_030


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_says_nothing(date: str) -> None:
    """Neither does one that is not there."""
    clock = ServerClock()
    clock.read(date, "", sent=1.0, received=1.0)
    clock.read("Tue, 01 Dec 2026 00:00:00 GMT", "soon", sent=1.0, received=1.0)
    assert clock.at(1.0) is None


def test_a_clock_that_jumps_is_followed_and_noticed() -> None:
    """The newest answer counts."""
    clock = ServerClock()
    answer(clock, 1_800_000_000, at=100.0)
    assert not clock.jumped
    answer(clock, 1_700_000_000, at=101.0)
    assert clock.jumped
    assert clock.at(101.0) == 1_700_000_000


@given(
    st.floats(-4000, 4000),
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0.0, 20.0)), min_size=1, max_size=8),
)
def test_the_time_is_never_later_than_the_server_s_nor_much_earlier(offset, answers) -> None:
    """A date has whole seconds, and an answer travels for a while."""
    clock, now, start = ServerClock(), 0.0, 1_800_000_000
    for waited, took in answers:
        now += waited + took
        answer(clock, int(start + offset + now - took / 2), at=now, took=took)
    assert not clock.jumped
    found = clock.at(now)
    assert found is not None
    assert found <= start + offset + now + 1e-3
    assert found >= start + offset + now - max(took for _, took in answers) - 1.001
