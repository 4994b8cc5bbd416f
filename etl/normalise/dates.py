"""Read days from free-text dates: years, months, days, timestamps and ranges, as DataCite's depositors spell them.

Ranges follow RKMS-ISO8601 (`2004-03-02/2005-06-02`, open as `2004-03-02/` or `../2005`), and the words and dashes that
people use for the slash. If one half of a range is not a date (`1970-04-01/(:tba)`), the other half counts; a reversed
range has no days. Times and zones are dropped: a date is the calendar day as written.
"""

import polars as pl

from etl.normalise.distinct import read_distinct

# A side of a range: YYYY, YYYY-M, YYYY-M-D with or without a time or zone, or YYYYMMDD.
_SIDE = (
    r"^(?:([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ][0-9].*|Z|[-+][0-9]{2}:?[0-9]{2})?)?)?"
    r"|([0-9]{4})([0-9]{2})([0-9]{2})(?:T.*)?)$"
)
_SLASHED_DAY = r"^([0-9]{4})/([0-9]{1,2})(?:/([0-9]{1,2}))?$"
_SEPARATOR = r"^(.*[^\s-])(?:\s+(?:-+|–|—|to|until)\s+|\s*--\s*|\s*[–—]\s*)([0-9].*)$"
_YEARS = r"^([0-9]{4})-([0-9]{4})$"


def date_start(text: pl.Expr) -> pl.Expr:
    """Return the first day of the date; null for an open start, an invalid date and a reversed range."""
    return read_distinct(_starts, text, dtype=pl.Date)


def date_end(text: pl.Expr) -> pl.Expr:
    """Return the last day of the date, inclusive; null for an open end, an invalid date and a reversed range."""
    return read_distinct(_ends, text, dtype=pl.Date)


def date_reversed(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a reversed range; null if it is not a range of two dates."""
    return read_distinct(_reversed, text, dtype=pl.Boolean)


def year(stamp: pl.Expr) -> pl.Expr:
    """Return the calendar year (UTC) of a timestamp."""
    return stamp.dt.year().cast(pl.Int64)


def _starts(texts: pl.DataFrame) -> pl.DataFrame:
    forward = pl.col("first").le(pl.col("last")).fill_null(value=True)
    return _days(texts).with_columns(result=pl.when(forward).then("first"))


def _ends(texts: pl.DataFrame) -> pl.DataFrame:
    # Without a first day, the second half of `unknown/2013` is an end; that of `12/2013` or `10.1/2013` is not.
    after = pl.col("last").ge(pl.col("first")).fill_null(~pl.col("start").str.contains("[0-9]"))
    return _days(texts).with_columns(result=pl.when(after).then("last"))


def _reversed(texts: pl.DataFrame) -> pl.DataFrame:
    return _days(texts).with_columns(result=pl.col("first") > pl.col("last"))


def _days(texts: pl.DataFrame) -> pl.DataFrame:
    """Add the first day of the first side and the last day of the second, each null if the side is not a date."""
    sides = _sides(texts)
    return sides.with_columns(first=_first_day(_groups(sides, "start")), last=_last_day(_groups(sides, "end")))


def _sides(texts: pl.DataFrame) -> pl.DataFrame:
    """Split texts at their one range separator into `start` and `end`; without one, both sides are the text."""
    plain = pl.col("0").str.strip_chars().str.replace(_SLASHED_DAY, "$1-$2-$3").str.strip_chars_end("-")
    parts = texts.with_columns(
        parts=plain.str.replace(_SEPARATOR, "$1/$2").str.replace(_YEARS, "$1/$2").str.split_exact("/", 2)
    ).unnest("parts")
    start, end = (pl.col(f"field_{index}").str.strip_chars() for index in range(2))
    return parts.filter(pl.col("field_2").is_null()).with_columns(start=start, end=end.fill_null(start))


def _groups(sides: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return the texts of year, month and day as columns; null if the side has none."""
    groups = sides.select(pl.col(side).str.extract_groups(_SIDE)).unnest(side)
    return groups.select(
        years=pl.coalesce("1", "4"),
        months=pl.coalesce("2", "5").str.zfill(2),
        days=pl.coalesce("3", "6").str.zfill(2),
    )


def _first_day(groups: pl.DataFrame) -> pl.Series:
    return _day(groups.with_columns(pl.col("months", "days").fill_null("01")))


def _last_day(groups: pl.DataFrame) -> pl.Series:
    month = groups.with_columns(pl.col("months").fill_null("12"))
    dated = month.with_columns(day=_day(month.with_columns(pl.col("days").fill_null("01"))))
    end_of_month = pl.col("day").dt.month_end()
    return dated.select(pl.when(pl.col("days").is_null()).then(end_of_month).otherwise("day")).to_series()


def _day(groups: pl.DataFrame) -> pl.Series:
    """Make days from texts; most databases do not know the year 0 that ISO 8601 allows."""
    text = pl.concat_str("years", "months", "days", separator="-")
    day = text.str.to_date("%Y-%m-%d", strict=False)
    return groups.select(pl.when(pl.col("years") != "0000").then(day)).to_series()
