"""Staged files of records as received: write them in order, and remove records from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl
import pyarrow as pa

from etl.dataset.manifest import DataFile
from etl.records.ndjson import LINE, lines, with_keys
from etl.records.ordering import RANK, Order
from etl.schema.declarations import Resource
from etl.storage import paths
from etl.storage.files import Files


def in_order(column: pa.ChunkedArray, order: Order) -> Iterator[tuple[Mapping[str, str | None], Iterator[bytes]]]:
    """Yield the values of each partition and its records, in order."""
    ranked = pl.DataFrame({RANK: order.rank}).with_row_index("at").drop_nulls(RANK).sort(RANK)["at"]
    whole = column.combine_chunks()
    for group in order.groups:
        yield dict(group.values), _taken(whole, ranked[group.start : group.stop])


def _taken(whole: pa.LargeBinaryArray, rows: pl.Series) -> Iterator[bytes]:
    for positions in rows.to_frame().iter_slices(_AT_ONCE):
        yield from whole.take(positions.to_series().to_arrow()).to_pylist()


_AT_ONCE = 1_000


def write_records(files: Files, path: str, records: Iterable[bytes]) -> DataFile:
    """Stage a file of records under its future path."""
    rows = 0
    with files.create(paths.staged(path)) as target:
        for record in records:
            target.write(record + b"\n")
            rows += 1
    return DataFile(path=path, rows=rows, bytes=target.size, sha256=target.sha256)


def remove_records(files: Files, resource: Resource, file: DataFile, keys: Sequence[str]) -> DataFile | None:
    """Remove records from a staged file; None if that leaves nothing and the file is removed."""
    key = paths.staged(file.path)
    if not files.exists(key):
        return None
    with files.open(key) as source:
        kept = with_keys(resource, lines(source)).filter(~pl.col("key").is_in(keys))[LINE].to_list()
    if not kept:
        files.remove(key)
        return None
    return write_records(files, file.path, kept)
