"""Dates and years: valid, in order, and plausible."""

import polars as pl

from etl import normalise
from etl.audit.words import Rule, Severity, is_filled

_LATER = ["Available", "Valid", "Withdrawn", "Coverage", "Other"]
"""Dates that may be in the future: an embargo, a validity, a forecast."""
_EARLIER = ["Coverage", "Other"]
"""Dates that may be centuries ago: what the data are about."""
_YEAR = pl.col("publication_year")
_REVERSED = normalise.date_reversed(pl.col("date")).fill_null(value=False)

RULES = (
    Rule(
        id="date-unreadable",
        title="Invalid date",
        severity=Severity.WARNING,
        advice="Write dates as 2024, 2024-05, 2024-05-17, or as a range 2024-05-17/2024-06-01.",
        table="doi_dates",
        among=is_filled(pl.col("date")),
        bad=pl.col("date_start").is_null() & pl.col("date_end").is_null() & ~_REVERSED,
        value="date",
    ),
    Rule(
        id="date-reversed",
        title="Reversed date range",
        severity=Severity.ERROR,
        advice="Swap the two ends of the range.",
        table="doi_dates",
        bad=_REVERSED,
        value="date",
    ),
    Rule(
        id="date-future",
        title="Date in the future",
        severity=Severity.WARNING,
        advice="Past events have dates in the past; for an embargo, use the date type Available.",
        table="doi_dates",
        among=~pl.col("date_type").is_in(_LATER).fill_null(value=False),
        bad=pl.col("date_start") > pl.col("as_of"),
        value=pl.concat_str(pl.col("date_type").fill_null("?"), pl.lit(" "), pl.col("date")),
    ),
    Rule(
        id="date-before-1500",
        title="Date before 1500",
        severity=Severity.WARNING,
        advice="Check the year; for the time that the data cover, use the date type Coverage.",
        table="doi_dates",
        among=~pl.col("date_type").is_in(_EARLIER).fill_null(value=False),
        bad=pl.col("date_start") < pl.date(1500, 1, 1),
        value="date",
    ),
    Rule(
        id="date-empty",
        title="Empty date",
        severity=Severity.WARNING,
        advice="Fill in the date, or remove the entry.",
        table="doi_dates",
        bad=~is_filled(pl.col("date")),
        value=pl.concat_str(pl.col("date_type").fill_null("?"), pl.lit(" without a date")),
    ),
    Rule(
        id="year-implausible",
        title="Implausible publication year (before 1500 or after next year)",
        severity=Severity.ERROR,
        advice="Give the year in which the work was or will be published, in four digits.",
        bad=(_YEAR < 1500) | (pl.col("as_of").dt.year() + 1 < _YEAR),
        value="publication_year",
    ),
    Rule(
        id="year-against-issued",
        title="Publication year differs from the Issued date",
        severity=Severity.WARNING,
        advice="Make the publication year and the date of type Issued agree.",
        table="doi_dates",
        among=pl.col("date_type") == "Issued",
        bad=(pl.coalesce("date_start", "date_end").dt.year() > _YEAR)
        | (pl.coalesce("date_end", "date_start").dt.year() < _YEAR),
        value=pl.concat_str(_YEAR.cast(pl.String), pl.lit(", but issued "), pl.col("date")),
    ),
)
