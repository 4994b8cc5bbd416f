"""Dates and years: readable, in order, and of this world."""

import polars as pl

from etl import normalise
from etl.audit.words import Rule, Severity, filled

_LATER = ["Available", "Valid", "Withdrawn", "Coverage", "Other"]
"""Dates that may lie ahead: an embargo, a validity, a forecast."""
_EARLIER = ["Coverage", "Other"]
"""Dates that may lie before printing and science: what the data are about."""
_YEAR = pl.col("publication_year")
_REVERSED = normalise.date_reversed(pl.col("date")).fill_null(value=False)

RULES = (
    Rule(
        id="date-unreadable",
        title="Date that is none",
        severity=Severity.WARNING,
        advice="Write dates as 2024, 2024-05, 2024-05-17, or as a range 2024-05-17/2024-06-01.",
        table="doi_dates",
        among=filled(pl.col("date")),
        bad=pl.col("date_start").is_null() & pl.col("date_end").is_null() & ~_REVERSED,
        value="date",
    ),
    Rule(
        id="date-reversed",
        title="Date range that ends before it begins",
        severity=Severity.ERROR,
        advice="Exchange the two ends of the range.",
        table="doi_dates",
        bad=_REVERSED,
        value="date",
    ),
    Rule(
        id="date-future",
        title="Date in the future",
        severity=Severity.WARNING,
        advice="Something that has happened has a date in the past; an embargo is a date of type Available.",
        table="doi_dates",
        among=~pl.col("date_type").is_in(_LATER).fill_null(value=False),
        bad=pl.col("date_start") > pl.col("as_of"),
        value=pl.concat_str(pl.col("date_type").fill_null("?"), pl.lit(" "), pl.col("date")),
    ),
    Rule(
        id="date-before-1500",
        title="Date before 1500",
        severity=Severity.WARNING,
        advice="Check the year; what the data are about has the date type Coverage.",
        table="doi_dates",
        among=~pl.col("date_type").is_in(_EARLIER).fill_null(value=False),
        bad=pl.col("date_start") < pl.date(1500, 1, 1),
        value="date",
    ),
    Rule(
        id="date-empty",
        title="Date without a value",
        severity=Severity.WARNING,
        advice="State the date, or remove the entry.",
        table="doi_dates",
        bad=~filled(pl.col("date")),
        value=pl.concat_str(pl.col("date_type").fill_null("?"), pl.lit(" without a date")),
    ),
    Rule(
        id="year-implausible",
        title="Year of publication before 1500 or after next year",
        severity=Severity.ERROR,
        advice="State the year in which the thing was or will be published, in four digits.",
        bad=(_YEAR < 1500) | (pl.col("as_of").dt.year() + 1 < _YEAR),
        value="publication_year",
    ),
    Rule(
        id="year-against-issued",
        title="Year of publication that is not the year of issue",
        severity=Severity.WARNING,
        advice="The year of publication and the date of type Issued should mean the same day.",
        table="doi_dates",
        among=pl.col("date_type") == "Issued",
        bad=(pl.coalesce("date_start", "date_end").dt.year() > _YEAR)
        | (pl.coalesce("date_end", "date_start").dt.year() < _YEAR),
        value=pl.concat_str(_YEAR.cast(pl.String), pl.lit(", but issued "), pl.col("date")),
    ),
)
