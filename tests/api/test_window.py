"""Windows of time: half-open, exact when cut, and spelled as the API's query language wants them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import EVERYTHING, Window, iso, moment, year_start

seconds = st.integers(year_start(1000), year_start(3000))
sides = st.none() | seconds


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = draw(sides), draw(sides)
    return Window(end, start) if start is not None and end is not None and end < start else Window(start, end)


def holds(window: Window, time: int) -> bool:
    return (window.start is None or time >= window.start) and (window.end is None or time < window.end)


class TestCutting:
    @given(windows(), st.lists(seconds, max_size=8), seconds)
    def test_pieces_hold_what_the_window_holds_once(self, window: Window, moments: list[int], time: int) -> None:
        """Wherever a window is cut, every second of it is in exactly one piece, and no other second is in any."""
        assert sum(holds(piece, time) for piece in window.cut(moments)) == holds(window, time)

    def test_moments_outside_cut_nothing(self) -> None:
        """Edges and moments beyond them leave a window as it is."""
        assert Window(10, 20).cut([5, 10, 20, 25]) == [Window(10, 20)]


class TestSpelling:
    @pytest.mark.parametrize(
        ("window", "expected"),
        [
            (EVERYTHING, "created:[* TO *]"),
            (Window(year_start(2019), None), "created:[2019-01-01T00:00:00Z TO *]"),
            (Window(None, year_start(2019)), "created:[* TO 2019-01-01T00:00:00Z}"),
            (Window(0, 1), "created:[1970-01-01T00:00:00Z TO 1970-01-01T00:00:01Z}"),
        ],
    )
    def test_clauses_include_the_start_and_exclude_the_end(self, window: Window, expected: str) -> None:
        """The query language's brackets say half-open."""
        assert window.clause("created") == expected

    def test_people_see_open_sides_as_dots(self) -> None:
        """For people a window is a half-open interval."""
        assert str(Window(None, year_start(2019))) == "[…, 2019-01-01T00:00:00Z)"
        assert str(Window(year_start(2019))) == "[2019-01-01T00:00:00Z, …)"

    @given(seconds)
    def test_what_is_written_can_be_read(self, time: int) -> None:
        """A moment's spelling names that moment."""
        assert moment(iso(time)) == time


class TestReading:
    @pytest.mark.parametrize(
        ("text", "first", "after"),
        [
            ("2019", "2019-01-01", "2020-01-01"),
            ("2019-12", "2019-12-01", "2020-01-01"),
            ("2019-02", "2019-02-01", "2019-03-01"),
            ("2020-02-29", "2020-02-29", "2020-03-01"),
            ("2019-12-31", "2019-12-31", "2020-01-01"),
        ],
    )
    def test_periods_begin_at_their_first_second_and_end_after_their_last(
        self, text: str, first: str, after: str
    ) -> None:
        """A year, month or day as an end is meant inclusively."""
        assert iso(moment(text)) == f"{first}T00:00:00Z"
        assert iso(moment(text, end=True)) == f"{after}T00:00:00Z"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2019-01-01T12:00:00Z", "2019-01-01T12:00:00Z"),
            ("2019-01-01T12:00:00", "2019-01-01T12:00:00Z"),
            ("2019-01-01T12:00:00+02:00", "2019-01-01T10:00:00Z"),
            ("2019-01-01T12:00:00.999Z", "2019-01-01T12:00:00Z"),
        ],
    )
    def test_timestamps_mean_themselves_at_either_end(self, text: str, expected: str) -> None:
        """A timestamp is a moment, in UTC if it does not say."""
        assert iso(moment(text)) == iso(moment(text, end=True)) == expected

    @pytest.mark.parametrize(
        "text", ["", "yesterday", "2019-13", "2019-02-30", "19", "2019-1-1-1", "20190101T", "2019-"]
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        """An invalid date raises ValueError."""
        with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own
            moment(text)

    @given(st.integers(1970, 2999))
    def test_years_begin_in_utc(self, year: int) -> None:
        """The first second of a year is that of UTC."""
        assert datetime.fromtimestamp(year_start(year), UTC) == datetime(year, 1, 1, tzinfo=UTC)
