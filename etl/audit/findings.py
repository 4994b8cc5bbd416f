"""Which values break which rule: rules about single records place by place, rules about several on all tables."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import polars as pl

from etl.audit.scan import Scan
from etl.audit.words import Rule, Tables

LONGEST = 300
"""Characters of a value that a finding shows."""
SCHEMA = {
    "doi": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "title": pl.String(),
    "value": pl.String(),
    "advice": pl.String(),
}


def testable_rules(scan: Scan, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules whose tables and columns were exported."""
    return tuple(rule for rule in rules if _readable(scan, rule))


def place_findings(scan: Scan, tables: Tables, rules: Sequence[Rule]) -> Iterator[tuple[Rule, pl.DataFrame]]:
    """Yield `doi` and `value` of the findings of each rule about single records, if it has any."""
    single = sorted((rule for rule in rules if rule.find is None), key=lambda rule: rule.table)
    for table, group in groupby(single, key=lambda rule: rule.table):
        own = list(group)
        rows = _rows(scan, tables, table, own).collect(engine="streaming").lazy()
        # Separate, because polars would merge both filters and test every row for what few rows have.
        among = pl.collect_all([rows if rule.among is None else rows.filter(rule.among) for rule in own])
        broken = pl.collect_all([_breaking(here.lazy(), rule) for here, rule in zip(among, own, strict=True)])
        yield from ((rule, frame) for rule, frame in zip(own, broken, strict=True) if frame.height)


def dataset_findings(tables: Tables, rules: Sequence[Rule]) -> Iterator[tuple[Rule, pl.DataFrame]]:
    """Yield `doi` and `value` of the findings of each rule about several records."""
    for rule in rules:
        if rule.find is not None:
            frame = _cut(rule.find(tables)).collect(engine="streaming")
            if frame.height:
                yield rule, frame


def findings_table(rule: Rule, rows: pl.LazyFrame) -> pl.DataFrame:
    """Return a rule's distinct findings as rows of the table `audit_findings`, in order."""
    constants = {"rule": rule.id, "severity": rule.severity.value, "title": rule.title, "advice": rule.advice}
    once = rows.unique().sort("doi", "value").with_columns(pl.lit(text).alias(name) for name, text in constants.items())
    return once.select(*SCHEMA).collect()


def _breaking(rows: pl.LazyFrame, rule: Rule) -> pl.LazyFrame:
    assert rule.bad is not None
    return _cut(rows.filter(rule.bad).select("doi", value=rule.shown().cast(pl.String)))


def _cut(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.with_columns(pl.col("value").fill_null("").str.slice(0, LONGEST))


def _rows(scan: Scan, tables: Tables, table: str, rules: Sequence[Rule]) -> pl.LazyFrame:
    """Return the columns that the rules about a table read, including those of the record."""
    wanted = list(dict.fromkeys(name for rule in rules for name in rule.needs()[table] if name != "doi"))
    own = [name for name in wanted if name in scan.columns(table)]
    lent = [name for name in wanted if name not in own]
    rows = tables[table].select("doi", *own)
    return rows.join(tables["dois"].select("doi", *lent), on="doi", how="left") if lent else rows


def _readable(scan: Scan, rule: Rule) -> bool:
    needs: Mapping[str, tuple[str, ...]] = rule.needs()
    return all(
        scan.columns(table) and set(columns) <= scan.columns(table) | scan.columns("dois")
        for table, columns in needs.items()
    )
