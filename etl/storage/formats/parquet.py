"""Parquet files: zstd, statistics, sorted row groups, the request in the footer; no Delta log, no partitioning."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

AT_ONCE = 50_000
"""Rows in memory when a file is read piece by piece."""


@dataclass(frozen=True, slots=True)
class Parquet:
    """Apache Parquet, for everything that can read it."""

    suffix: str = ".parquet"

    def write(
        self,
        pieces: Iterable[pl.DataFrame],
        target: BinaryIO,
        *,
        metadata: Mapping[str, str],
        sorted_by: tuple[str, ...],
    ) -> None:
        """Write sorted rows as one file, one row group per piece; the same pieces give the same bytes."""
        tables = map(_arrow, pieces)
        first = next(tables)
        order = [pq.SortingColumn(first.column_names.index(name)) for name in sorted_by]
        options = {"compression": "zstd", "compression_level": 3, "sorting_columns": order}
        # Arrow's own schema would make readers read text as views, which not all of them know.
        with pq.ParquetWriter(target, first.schema, store_schema=False, **options) as writer:
            for piece in itertools.chain([first], tables):
                writer.write_table(piece, row_group_size=max(piece.num_rows, 1))
            writer.add_key_value_metadata(dict(metadata))

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file that `write` wrote, as they were."""
        table: pa.Table = pq.ParquetFile(source).read(columns=columns)
        return _typed(pl.DataFrame(table), schema, columns)

    def read_pieces(
        self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read a file piece by piece: equal rows pack so well that a small one may hold hundreds of millions."""
        with pq.ParquetFile(source) as file:
            yield _typed(pl.DataFrame(file.schema_arrow.empty_table()), schema, columns)
            for batch in file.iter_batches(AT_ONCE, columns=columns):
                yield _typed(pl.DataFrame(batch), schema, columns)


def _typed(rows: pl.DataFrame, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(schema[name]) for name in columns)


def _arrow(piece: pl.DataFrame) -> pa.Table:
    """Pass the rows to the writer without a copy: text stays a view into the larger buffers of polars.

    The writer ends a data page at the edge of a chunk: one chunk a row group keeps bytes the same however the rows were
    put together.
    """
    return piece.to_arrow(compat_level=pl.CompatLevel.newest()).combine_chunks()


SINK = Parquet()
