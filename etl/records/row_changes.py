"""Which records changed, and in what: two states of some records' rows compared; and the feed that tells it.

Pure. Rows are compared by 64-bit hashes together with their record and their place in it.
"""

from collections.abc import Iterable

import polars as pl

FEED = {"change": pl.String(), "columns": pl.List(pl.String())}
"""What a feed says of a record beside its key: added, changed or withdrawn, and in the second case which columns of the
main table and which child tables differ."""


def differing(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.Series:
    """Return the keys whose rows are not the same on both sides, in number, order or content."""
    one, other = _rows(before, key), _rows(after, key)
    lost = one.join(other, on=one.columns, how="anti")
    come = other.join(one, on=one.columns, how="anti")
    return pl.concat([lost["key"], come["key"]]).unique()


def named(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return `key` and `column` for every column in which two rows of the same key differ."""
    names = [name for name in before.columns if name != key]
    both = before.join(after.select(before.columns), on=key, suffix=_AFTER)
    found = [
        both.filter(pl.col(name).ne_missing(pl.col(name + _AFTER))).select(
            pl.col(key).alias("key"), pl.lit(name).alias("column")
        )
        for name in names
    ]
    return pl.concat([pl.DataFrame(schema=NAMED), *found])


NAMED = {"key": pl.String(), "column": pl.String()}


def feed(
    key: str, *, added: pl.Series, changed: Iterable[pl.DataFrame], withdrawn: pl.Series, order: Iterable[str]
) -> pl.DataFrame:
    """Put together what happened, a row a record, sorted by key; `order` is that of the names in `columns`.

    `changed` are frames of `key` and `column`; a column may be named more than once.
    """
    rank = {name: number for number, name in enumerate(order)}
    names = pl.concat([pl.DataFrame(schema=NAMED), *changed]).unique()
    told = (
        names.with_columns(_rank=pl.col("column").replace_strict(rank, default=len(rank), return_dtype=pl.Int64))
        .sort("key", "_rank")
        .group_by("key", maintain_order=True)
        .agg(pl.col("column").alias("columns"))
    )
    none = pl.lit([], dtype=FEED["columns"]).alias("columns")
    parts = [
        pl.DataFrame({"key": added.cast(pl.String)}).select("key", pl.lit("added").alias("change"), none),
        told.select("key", pl.lit("changed").alias("change"), "columns"),
        pl.DataFrame({"key": withdrawn.cast(pl.String)}).select("key", pl.lit("withdrawn").alias("change"), none),
    ]
    return pl.concat(parts).sort("key").rename({"key": key})


_AFTER = " after"


def _rows(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return pl.DataFrame({"key": frame[key], "hash": frame.hash_rows()}).with_columns(
        number=pl.int_range(pl.len(), dtype=pl.UInt32).over("key")
    )
