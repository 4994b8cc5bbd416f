"""The order of rows: one row per key, sorted by partition and key, in whatever order the records arrived.

Pure. The order is computed once, from the main table; all other tables follow it by the number of the record.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

ROW = "_row"
RANK = "_rank"
PIECE = 50_000
"""Rows gathered and written together; a row group in formats that have them."""


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one partition: its values as text, and the ranks of the records."""

    values: tuple[tuple[str, str | None], ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Order:
    """`rank` is the place of each record, or null for a duplicate or a record without a key."""

    rank: pl.Series
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """The number of records that have a place."""
        return self.groups[-1].stop if self.groups else 0


def contested(main: pl.DataFrame, key: str) -> list[int]:
    """Return the records that share their key with others."""
    keys = main[key]
    return (
        []
        if keys.n_unique() == len(keys)
        else main.filter(pl.col(key).is_duplicated(), pl.col(key).is_not_null())[ROW].to_list()
    )


def arrange(
    main: pl.DataFrame,
    *,
    key: str,
    partition_by: Sequence[str] = (),
    updated: str | None = None,
    contents: Mapping[int, str] | None = None,
) -> Order:
    """Give every record its place; of several records with one key, the newest `updated` stays.

    `contents` decides between contested records of the same time, so that their order of arrival does not matter.
    """
    rows = main.select(*dict.fromkeys([ROW, key, *([updated] if updated else []), *partition_by])).filter(
        pl.col(key).is_not_null()
    )
    if contents:
        rows = _newest(rows, key, updated, contents)
    rows = rows.sort([*partition_by, key])
    places = rows.select(ROW).with_row_index(RANK)
    records = pl.DataFrame({ROW: pl.int_range(main.height, dtype=pl.UInt32, eager=True)})
    rank = records.join(places, on=ROW, how="left", maintain_order="left")[RANK]
    return Order(rank, tuple(_groups(rows, partition_by)))


def rows_by_partition(frame: pl.DataFrame, order: Order) -> Iterator[tuple[Group, pl.DataFrame]]:
    """Yield a table's rows by partition, in the order of their records; within a record, order is kept."""
    ranked = pl.DataFrame({RANK: order.rank.gather(frame[ROW])}).with_row_index("_at")
    placed = ranked.drop_nulls(RANK).sort(RANK, maintain_order=True)
    rows = frame.select(pl.all().exclude(ROW).gather(placed["_at"]))
    starts = pl.Series([group.start for group in order.groups], dtype=pl.UInt32)
    edges = [*placed[RANK].search_sorted(starts).to_list(), rows.height]
    for group, (start, stop) in zip(order.groups, itertools.pairwise(edges), strict=True):
        yield group, rows.slice(start, stop - start)


def split(rows: pl.DataFrame, most: int) -> Iterator[pl.DataFrame]:
    """Yield rows in pieces of at most `most`; one empty piece if there are none."""
    return (rows.slice(start, most) for start in range(0, max(rows.height, 1), most))


def _newest(rows: pl.DataFrame, key: str, updated: str | None, contents: Mapping[int, str]) -> pl.DataFrame:
    known = pl.DataFrame({ROW: list(contents), "_content": list(contents.values())}, schema_overrides={ROW: pl.UInt32})
    by = [*([updated] if updated else []), "_content"]
    joined = rows.join(known, on=ROW, how="left").sort(by, descending=True, nulls_last=True)
    return joined.unique(key, keep="first", maintain_order=True).drop("_content")


def _groups(rows: pl.DataFrame, partition_by: Sequence[str]) -> Iterator[Group]:
    if not partition_by or rows.is_empty():
        if rows.height:
            yield Group((), 0, rows.height)
        return
    start = 0
    values = rows.select(pl.col(name).cast(pl.String) for name in partition_by)
    for *partition, count in values.group_by(partition_by, maintain_order=True).len().iter_rows():
        yield Group(tuple(zip(partition_by, partition, strict=True)), start, start + count)
        start += count
