"""Differences between two exports, field by field. Pure: rows of both sides in, changes out.

`compare` finds the records that both sides have; `row_changes` decides whether rows differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.records import row_changes

RECORDS = {"table": pl.String(), "key": pl.String(), "change": pl.String(), "client_id": pl.String()}
FIELDS = {
    "table": pl.String(),
    "key": pl.String(),
    "field": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
}
SUMMARY = {"table": pl.String(), "field": pl.String(), "records": pl.Int64(), "share": pl.Float64()}
CLIENTS = {
    "client_id": pl.String(),
    "added": pl.Int64(),
    "changed": pl.Int64(),
    "withdrawn": pl.Int64(),
}
SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    "diff_records": RECORDS,
    "diff_fields": FIELDS,
    "diff_summary": SUMMARY,
}
KINDS = ("added", "changed", "withdrawn")
_FIELD = {name: FIELDS[name] for name in ("key", "field", "before", "after")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two exports: its name, when it finished, its verdict, and its number of records."""

    name: str
    finished: str
    verdict: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The changes of the records of one main table; `fields` has `field` and `records`, the most changed first."""

    table: str
    before: int
    after: int
    counts: Mapping[str, int]
    fields: pl.DataFrame

    @property
    def unchanged(self) -> int:
        """The number of records that are the same on both sides."""
        return self.before - self.counts["changed"] - self.counts["withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The content of the page about two exports, with only the first few records.

    `groups` are the main tables, that of the resource first; `shown` has some rows of each kind of change, `examples`
    some changes of each field.
    """

    resource: str
    old: Side
    new: Side
    groups: tuple[Group, ...]
    shown: Mapping[str, pl.DataFrame]
    examples: pl.DataFrame
    clients: pl.DataFrame
    cautions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(group.counts[kind] for group in self.groups for kind in KINDS)

    def summary(self) -> pl.DataFrame:
        """Return the table `diff_summary`: the number of records that differ in each field."""
        parts = [
            group.fields.select(
                pl.lit(group.table).alias("table"),
                "field",
                pl.col("records").cast(pl.Int64),
                (pl.col("records") / max(group.before, 1)).alias("share"),
            )
            for group in self.groups
        ]
        return pl.concat([pl.DataFrame(schema=SUMMARY), *parts])


def main_differences(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the differences of main rows with the same keys: `key`, `field`, `before`, `after` as text."""
    differ = row_changes.changed_keys(before, after, key)
    if differ.is_empty():
        return pl.DataFrame(schema=_FIELD)
    left, right = (_texts(frame.filter(pl.col(key).is_in(differ.implode())), key) for frame in (before, after))
    return _compared(left, right, [name for name in before.columns if name != key])


def child_differences(
    table: str, before: pl.DataFrame, after: pl.DataFrame, key: str, positions: Sequence[str]
) -> pl.DataFrame:
    """Return the differences of a child table: a field is `table.column`, its value a JSON list over the record's rows.

    An added or removed row changes the lists of all columns; only columns whose values differ, nulls aside, are named.
    Differences only in nulls or positions are named if the record has no others.
    """
    differ = row_changes.changed_keys(before, after, key)
    if differ.is_empty():
        return pl.DataFrame(schema=_FIELD)
    left, right = (_lists(frame.filter(pl.col(key).is_in(differ.implode())), key) for frame in (before, after))
    keys = pl.concat([left.select("key"), right.select("key")]).unique()
    names = [name for name in before.columns if name != key]
    values = [name for name in names if name not in positions]
    changes = _compared(_filled(keys, left), _filled(keys, right), values, judged=_KNOWN)
    rest = keys.join(changes, on="key", how="anti")
    left_over = _compared(_filled(rest, left), _filled(rest, right), names)
    return pl.concat([changes, left_over]).with_columns(field=pl.lit(f"{table}.") + pl.col("field"))


def count_by_field(fields: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Sum the numbers of records that differ in each field."""
    none = pl.DataFrame(schema={"field": pl.String(), "records": pl.Int64()})
    return (
        pl.concat([none, *fields])
        .group_by("field")
        .agg(pl.col("records").sum())
        .sort(["records", "field"], descending=[True, False])
    )


def _filled(keys: pl.DataFrame, side: pl.DataFrame) -> pl.DataFrame:
    """Return a side with all keys; lists that it does not have are null, with no known values."""
    known = [pl.col(name).fill_null("[]") for name in side.columns if name.endswith(_KNOWN)]
    return keys.join(side, on="key", how="left").with_columns(known)


def _compared(before: pl.DataFrame, after: pl.DataFrame, names: Sequence[str], *, judged: str = "") -> pl.DataFrame:
    both = before.join(after, on="key", suffix=_AFTER)
    changes = [
        both.filter(pl.col(name + judged).ne_missing(pl.col(name + judged + _AFTER))).select(
            "key", pl.lit(name).alias("field"), pl.col(name).alias("before"), pl.col(name + _AFTER).alias("after")
        )
        for name in names
    ]
    return pl.concat([pl.DataFrame(schema=_FIELD), *changes])


def _texts(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    values = [_text(name, dtype) for name, dtype in frame.schema.items() if name != key]
    return frame.select(pl.col(key).alias("key"), *values)


def _lists(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """Collect each column's values of a record in a JSON list, in the order of its rows."""
    names = [name for name in frame.columns if name != key]
    known = [pl.col(name).drop_nulls().alias(name + _KNOWN) for name in names]
    grouped = _texts(frame, key).group_by("key", maintain_order=True).agg(*map(pl.col, names), *known)
    lists = [
        pl.struct(v=name).struct.json_encode().str.slice(5).str.head(-1).alias(name) for name in grouped.columns[1:]
    ]
    return grouped.select("key", *lists)


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    return pl.col(name).cast(pl.String)


_AFTER = " after"
_KNOWN = " known"
