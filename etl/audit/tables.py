"""The result of an audit, the schemas of its tables, and the comparison with an older audit."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from etl.audit import coverage, findings, profile_check
from etl.audit.words import Profile

RULES_SCHEMA = {
    "rule": pl.String(),
    "severity": pl.String(),
    "title": pl.String(),
    "checked": pl.Boolean(),
    "findings": pl.Int64(),
    "records": pl.Int64(),
    "share": pl.Float64(),
    "advice": pl.String(),
}
TREND_SCHEMA = {
    "kind": pl.String(),
    "name": pl.String(),
    "title": pl.String(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "change": pl.Float64(),
}
SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    "audit_coverage": coverage.SCHEMA,
    "audit_findings": findings.SCHEMA,
    "audit_rules": RULES_SCHEMA,
    "audit_profile": profile_check.SCHEMA,
    "audit_trend": TREND_SCHEMA,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of an audit without the findings themselves, which may be many.

    `examples` are some findings of each rule, `needs` the profile's needs with the records that meet them, and
    `collections` the rows of `audit_profile` of the records that miss most.
    """

    name: str
    as_of: str
    verdict: str
    records: int
    affected: Mapping[str, int]
    coverage: pl.DataFrame
    rules: pl.DataFrame
    examples: pl.DataFrame
    years: pl.DataFrame
    trend: pl.DataFrame | None = None
    profile: Profile | None = None
    needs: pl.DataFrame | None = None
    collections: pl.DataFrame | None = None
    meeting: int = 0
    skipped: tuple[str, ...] = ()

    def overall(self) -> pl.DataFrame:
        """Return the coverage of all records together."""
        return self.coverage.filter(pl.col("slice") == coverage.ALL)


def trend(now: Audit, coverage_before: pl.DataFrame, rules_before: pl.DataFrame) -> pl.DataFrame:
    """Return the table `audit_trend`: shares of properties and numbers of findings, before and now."""
    shares = _change(
        "coverage",
        coverage_before.filter(pl.col("slice") == coverage.ALL).select(name="property", before="share"),
        now.overall().select("title", name="property", after="share"),
    )
    broken = _change(
        "findings",
        rules_before.filter("checked").select(name="rule", before=pl.col("findings").cast(pl.Float64)),
        now.rules.filter("checked").select("title", name="rule", after=pl.col("findings").cast(pl.Float64)),
    )
    return pl.concat([shares, broken])


def _change(kind: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    both = after.join(before, on="name", how="left", maintain_order="left")
    return both.select(
        pl.lit(kind).alias("kind"), "name", "title", "before", "after", change=pl.col("after") - pl.col("before")
    )
