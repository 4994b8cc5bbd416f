"""Decisions about trouble: what is tried again, when, and how small."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.retry import Pace, pace_after_failure, pace_after_success, retry_after, retry_delay
from etl.errors import AnswerError, ConnectionLostError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.settings import Settings

TIMEOUT = TransientError("slow")
LIMITED = LimitedError("no", status=429)
RESET = ConnectionLostError("reset")


class Highest(random.Random):
    """Draws the top of every range, so that bounds are seen."""

    def uniform(self, a: float, b: float) -> float:
        return b


def wait(error: AnswerError, attempt: int = 1, elapsed: float = 0.0, **options) -> float | None:
    settings = Settings(**{name: options.pop(name) for name in ("attempts", "patience") if name in options})
    return retry_delay(error, attempt, elapsed, settings, rng=Highest(), **options)


class TestDecide:
    def test_a_refusal_is_final(self) -> None:
        """What the server refuses for good is not asked again."""
        assert wait(RefusedError("no", status=404)) is None

    @pytest.mark.parametrize("error", [TIMEOUT, ProtocolError("html")])
    def test_attempts_are_counted(self, error: AnswerError) -> None:
        """Trouble is met with as many attempts as the settings say, and no more."""
        assert wait(error, 2, attempts=3) is not None
        assert wait(error, 3, attempts=3) is None

    def test_delays_grow_to_a_bound(self) -> None:
        """The span of the delay grows with each failure and ends at a minute."""
        spans = [wait(TIMEOUT, attempt, attempts=99) for attempt in range(1, 20)]
        assert spans == sorted(spans)
        assert spans[0] == 0.5
        assert spans[-1] == 60

    def test_garbled_answers_are_asked_for_again_soon(self) -> None:
        """A garbled answer does not mean overload."""
        assert wait(ProtocolError("html"), 7) == 5

    @given(st.integers(1, 30), st.integers())
    def test_jitter_is_full(self, attempt: int, seed: int) -> None:
        """Every delay lies between nothing and its span."""
        settings = Settings(attempts=99)
        delay = retry_delay(TIMEOUT, attempt, 0, settings, rng=random.Random(seed))
        assert 0 <= delay <= retry_delay(TIMEOUT, attempt, 0, settings, rng=Highest())

    @pytest.mark.parametrize("kind", [TransientError, LimitedError])
    def test_retry_after_is_a_lower_bound(self, kind: type[TransientError]) -> None:
        """No request goes out before the server's Retry-After, nor much later."""
        assert 30 <= wait(kind("later", after=30.0)) <= 31

    def test_being_limited_is_a_matter_of_patience(self) -> None:
        """Attempts do not count while the firewall says no, time does."""
        assert wait(LIMITED, 50, elapsed=100) is not None
        assert wait(LIMITED, 50, elapsed=890) is None

    def test_patience_ends_everything(self) -> None:
        """A page that would fail longer than the patience is given up, also when the server asks for more."""
        assert wait(TIMEOUT, 1, elapsed=901, patience=900) is None
        assert wait(LimitedError("no", after=3600.0)) is None

    def test_a_server_that_never_answered_is_given_up_soon(self) -> None:
        """A mistyped address should not cost minutes."""
        assert wait(TIMEOUT, 2, answered=False) is not None
        assert wait(TIMEOUT, 3, answered=False) is None

    def test_a_lone_record_is_given_up_soon(self) -> None:
        """Larger pages with it have failed a dozen times by then, and others have come."""
        assert wait(TIMEOUT, 2, lone=True) is not None
        assert wait(TIMEOUT, 3, lone=True) is None
        assert Pace(size=1, wanted=1000, strained=True).lone
        assert not Pace(size=1, wanted=1).lone


class TestPace:
    def test_one_failure_is_no_reason_to_shrink(self) -> None:
        """The first failure at a size is tried again as it was, the second halves the page."""
        pace = pace_after_failure(Pace(size=1000, wanted=1000), TIMEOUT, 500)
        assert pace.size == 1000
        pace = pace_after_failure(pace, TIMEOUT, 500)
        assert (pace.size, pace.strained, pace.failures) == (500, True, 0)

    def test_the_last_failure_that_is_allowed_shrinks(self) -> None:
        """A page of which one failure is believed may still come as smaller ones."""
        assert pace_after_failure(Pace(size=1000, wanted=1000), TIMEOUT, 500, last=True).size == 500

    def test_a_heavy_page_shrinks_with_every_further_failure(self) -> None:
        """Once shrunk, no second opinion is asked for."""
        pace = Pace(size=500, wanted=1000, strained=True)
        assert pace_after_failure(pace, TIMEOUT, 250).size == 250

    @pytest.mark.parametrize("error", [LIMITED, ProtocolError("html"), TransientError("down", status=503)])
    def test_other_trouble_does_not_shrink(self, error: AnswerError) -> None:
        """Limits, garbled answers and a server that is down have nothing to do with the size."""
        pace = Pace(size=1000, wanted=1000)
        for _ in range(5):
            pace = pace_after_failure(pace, error, 500)
        assert (pace.size, pace.failures) == (1000, 5)

    def test_the_smallest_page_fails_on(self) -> None:
        """A page that cannot shrink counts its failures, so that they come to an end."""
        pace = Pace(size=1, wanted=1000, strained=True)
        assert pace_after_failure(pace_after_failure(pace, TIMEOUT, 1), TIMEOUT, 1).failures == 2

    def test_it_grows_back_after_successes(self) -> None:
        """After two good pages the size doubles, until it is the wanted one."""
        pace, sizes = Pace(size=250, wanted=1000, strained=True), []
        for _ in range(6):
            pace = pace_after_success(pace, min(pace.size * 2, pace.wanted))
            sizes.append(pace.size)
        assert sizes == [250, 500, 500, 1000, 1000, 1000]
        assert pace == Pace(size=1000, wanted=1000)

    def test_growth_that_fails_is_tried_again_later_and_later(self) -> None:
        """Among records that stay heavy a page that is too large costs a time-out each time."""
        pace, good = Pace(size=100, wanted=800, strained=True), []
        for _ in range(8):
            pages = 0
            while pace.size == 100:
                pace, pages = pace_after_success(pace, 200), pages + 1
            good.append(pages)
            pace = pace_after_failure(pace, TIMEOUT, 100)
        assert good == [2, 4, 8, 16, 32, 64, 64, 64]

    def test_growth_that_lasts_makes_the_next_one_soon_again(self) -> None:
        """Behind heavy records the pages are large again after a few."""
        pace = Pace(size=100, wanted=800, strained=True, steady=64)
        for _ in range(64 + 64 + 2):
            pace = pace_after_success(pace, min(pace.size * 2, pace.wanted))
        assert pace.size == 800

    @pytest.mark.parametrize("pace", [Pace(size=1000, wanted=1000), Pace(size=500, wanted=1000, strained=True)])
    def test_lost_connections_do_not_shrink(self, pace: Pace) -> None:
        """A reset says nothing about the page, be it large or small already."""
        failing = pace
        for _ in range(5):
            failing = pace_after_failure(failing, RESET, 250)
        assert failing == replace(pace, failures=5)

    def test_connections_lost_as_often_as_is_allowed_shrink_and_go_on_shrinking(self) -> None:
        """A load balancer may cut off what is too heavy; once a page is through, a reset is a reset again."""
        pace = pace_after_failure(Pace(size=1000, wanted=1000), RESET, 500, last=True)
        pace = pace_after_failure(pace, RESET, 250)
        assert pace.size == 250
        assert pace_after_failure(pace_after_success(pace, 500), RESET, 125).size == 250

    def test_success_forgets_failures(self) -> None:
        """Failures of different pages do not add up."""
        pace = pace_after_failure(Pace(size=1000, wanted=1000), TIMEOUT, 500)
        assert pace_after_failure(pace_after_success(pace, 1000), TIMEOUT, 500).size == 1000

    @given(st.lists(st.booleans(), max_size=200))
    def test_the_size_stays_between_one_and_the_wanted(self, luck: list[bool]) -> None:
        """Whatever happens, the size is legal."""
        pace = Pace(size=1000, wanted=1000)
        for good in luck:
            if good:
                pace = pace_after_success(pace, min(pace.size * 2, pace.wanted))
            else:
                pace = pace_after_failure(pace, TIMEOUT, max(1, pace.size // 2))
            assert 1 <= pace.size <= 1000


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], expected: float | None) -> None:
    """Seconds and dates are understood, nonsense is ignored."""
    assert retry_after(headers) == expected
