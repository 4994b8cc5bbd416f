"""Free-text dates become the days they mean, or nothing."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import normalise


def read(*texts: str | None) -> list[tuple[date | None, date | None]]:
    column = pl.col("text")
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(normalise.date_start(column).alias("start"), normalise.date_end(column).alias("end")).rows()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2013", date(2013, 1, 1), date(2013, 12, 31)),
        (" 2013 ", date(2013, 1, 1), date(2013, 12, 31)),
        ("2012-02", date(2012, 2, 1), date(2012, 2, 29)),
        ("2013-5", date(2013, 5, 1), date(2013, 5, 31)),
        ("2013-05-31", date(2013, 5, 31), date(2013, 5, 31)),
        ("2013/05/31", date(2013, 5, 31), date(2013, 5, 31)),
        ("2013/05", date(2013, 5, 1), date(2013, 5, 31)),
        ("20130531", date(2013, 5, 31), date(2013, 5, 31)),
        ("20130531T1200Z", date(2013, 5, 31), date(2013, 5, 31)),
        ("2013-05-31Z", date(2013, 5, 31), date(2013, 5, 31)),
        ("2013-05-31+02:00", date(2013, 5, 31), date(2013, 5, 31)),
        ("9999", date(9999, 1, 1), date(9999, 12, 31)),
    ],
)
def test_a_single_date_means_its_whole_period(text: str, start: date, end: date) -> None:
    """A year, month or day, in the usual spellings, starts with its first and ends with its last day."""
    assert read(text) == [(start, end)]


@pytest.mark.parametrize(
    "text", ["2013-05-31T23:59:59Z", "2013-05-31T00:00:00-12:00", "2013-05-31 10:00", "2013-05-31T1"]
)
def test_times_and_zones_do_not_move_the_day(text: str) -> None:
    """A timestamp means the calendar day as written, whatever its zone."""
    assert read(text) == [(date(2013, 5, 31), date(2013, 5, 31))]


@pytest.mark.parametrize(
    "text",
    [
        "2004-03-02/2005",
        "2004-03-02 / 2005",
        "2004-03-02 - 2005",
        "2004-03-02 -- 2005",
        "2004-03-02 – 2005",
        "2004-03-02 to 2005",
        "2004-03-02 until 2005",
        "2004-03-02T18:00:00Z/2005-12-31T01:00Z",
        "20040302/20051231",
    ],
)
def test_a_range_spans_from_its_first_to_its_last_day(text: str) -> None:
    """The slash of RKMS-ISO8601, and what people write for it, separates the two sides of a range."""
    assert read(text) == [(date(2004, 3, 2), date(2005, 12, 31))]


def test_two_years_with_a_hyphen_are_a_range() -> None:
    """A hyphen between two years cannot be a month, so it is a range."""
    assert read("2010-2012") == [(date(2010, 1, 1), date(2012, 12, 31))]


@pytest.mark.parametrize(
    "text", ["2004-03/", "2004-03/..", "2004-03-01 / (:tba)", "2004-03/soon", "2004-03/2004-02-30"]
)
def test_an_open_end_is_null(text: str) -> None:
    """A range without an end, or with an invalid one, has a start and no end."""
    assert read(text) == [(date(2004, 3, 1), None)]


@pytest.mark.parametrize("text", ["/2004-03", "../2004-03", "(:unav)/2004-03", "n.d./2004-03"])
def test_an_open_start_is_null(text: str) -> None:
    """A range without a start, or with words for one, has an end and no start."""
    assert read(text) == [(None, date(2004, 3, 31))]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "tba",
        "unkn",
        "/",
        "..",
        "2013-02-30",
        "2013-13",
        "2013-00",
        "0000",
        "13",
        "12/2013",
        "10.5072/2013",
        "2014/2013",
        "2014-02-02/2014-02-01",
        "1/2/3/4",
        "2001/2002/2003",
        "２０１３",
        "2013-W01",
        "201305",
        "circa 2013",
    ],
)
def test_what_is_no_date_is_null_on_both_sides(text: str | None) -> None:
    """An invalid date or a reversed range means no day at all rather than a guess."""
    assert read(text) == [(None, None)]


@pytest.mark.slow
@given(st.lists(st.none() | st.text() | st.from_regex(r"[0-9/ .TZ:–-]{0,24}"), max_size=20))
def test_any_text_can_be_read(texts: list[str | None]) -> None:
    """Reading never fails, gives one answer a row, and the same whatever stands beside."""
    assert read(*texts) == [read(text)[0] for text in texts]


@given(st.dates(), st.dates())
def test_a_range_of_iso_days_reads_back(start: date, end: date) -> None:
    """Two ISO days with a slash are read as exactly those days if they stand in their order, else as none."""
    assert read(f"{start}/{end}") == [(start, end) if start <= end else (None, None)]


@given(st.lists(st.none() | st.from_regex(r"[0-9/ .TZ:–-]{0,24}"), max_size=20))
def test_no_interval_ends_before_it_begins(texts: list[str | None]) -> None:
    """Whatever the text, what is read from it runs forward."""
    assert [(start, end) for start, end in read(*texts) if start and end and start > end] == []


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(9998, 1, 1)))
def test_a_month_ends_where_the_next_begins(day: date) -> None:
    """The last day of a month is the day before the first of the next."""
    [(_, end)] = read(f"{day:%Y-%m}")
    assert end is not None
    assert (end + timedelta(days=1)).day == 1
    assert (end.year, end.month) == (day.year, day.month)


def test_a_reversed_range_is_told_from_no_date() -> None:
    """Only a range of two dates runs forward or backward."""
    texts = pl.DataFrame({"text": ["2014/2013", "2013/2014", "2013", "2013/soon", "soon", None]})
    found = texts.select(normalise.date_reversed(pl.col("text"))).to_series().to_list()
    assert found == [True, False, False, None, None, None]


def test_the_year_of_a_timestamp_is_that_of_utc() -> None:
    """A partition's year comes from the timestamp in UTC."""
    stamps = pl.Series(["2019-12-31T23:59:59Z", None]).str.to_datetime("%Y-%m-%dT%H:%M:%S%Z", time_unit="us")
    assert stamps.to_frame("at").select(normalise.year(pl.col("at"))).to_series().to_list() == [2019, None]
