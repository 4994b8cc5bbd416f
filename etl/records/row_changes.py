"""Compare two states of some records' rows: which records changed, and in which columns; and the feed of changes.

Pure. Rows are compared by 64-bit hashes, together with their record and their position in it.
"""

from collections.abc import Iterable

import polars as pl

FEED = {"change": pl.String(), "columns": pl.List(pl.String())}
"""The columns of a feed beside the key: added, changed or withdrawn; for changed records, the columns of the main table
and the child tables that differ."""


def changed_keys(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.Series:
    """Return the keys whose rows differ in number, order or content."""
    old, new = _rows(before, key), _rows(after, key)
    lost = old.join(new, on=old.columns, how="anti")
    added = new.join(old, on=old.columns, how="anti")
    return pl.concat([lost["key"], added["key"]]).unique()


def changed_columns(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return `key` and `column` for every column in which two rows of the same key differ."""
    names = [name for name in before.columns if name != key]
    both = before.join(after.select(before.columns), on=key, suffix=_AFTER)
    changes = [
        both.filter(pl.col(name).ne_missing(pl.col(name + _AFTER))).select(
            pl.col(key).alias("key"), pl.lit(name).alias("column")
        )
        for name in names
    ]
    return pl.concat([pl.DataFrame(schema=NAMED), *changes])


NAMED = {"key": pl.String(), "column": pl.String()}


def feed(
    key: str, *, added: pl.Series, changed: Iterable[pl.DataFrame], withdrawn: pl.Series, order: Iterable[str]
) -> pl.DataFrame:
    """Return the feed, one row per record, sorted by key; `order` is the order of the names in `columns`.

    `changed` are frames of `key` and `column`; columns may be repeated.
    """
    rank = {name: number for number, name in enumerate(order)}
    names = pl.concat([pl.DataFrame(schema=NAMED), *changed]).unique()
    changed_columns = (
        names.with_columns(_rank=pl.col("column").replace_strict(rank, default=len(rank), return_dtype=pl.Int64))
        .sort("key", "_rank")
        .group_by("key", maintain_order=True)
        .agg(pl.col("column").alias("columns"))
    )
    none = pl.lit([], dtype=FEED["columns"]).alias("columns")
    parts = [
        pl.DataFrame({"key": added.cast(pl.String)}).select("key", pl.lit("added").alias("change"), none),
        changed_columns.select("key", pl.lit("changed").alias("change"), "columns"),
        pl.DataFrame({"key": withdrawn.cast(pl.String)}).select("key", pl.lit("withdrawn").alias("change"), none),
    ]
    return pl.concat(parts).sort("key").rename({"key": key})


_AFTER = " after"


def _rows(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return pl.DataFrame({"key": frame[key], "hash": frame.hash_rows()}).with_columns(
        number=pl.int_range(pl.len(), dtype=pl.UInt32).over("key")
    )
