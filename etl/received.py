"""Records as they were received, a line each: what `--format ndjson` makes of the main table.

A line is the API's resource object, `{"id", "type", "attributes", "relationships"}`, as in DataCite's data file (API.md
section 6): everything that child tables hold is inside it. On the way it is a column of the staged page.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl import places
from etl.declare import Resource
from etl.files import Files
from etl.flatten import ROW, flatten
from etl.manifest import DataFile
from etl.order import RANK, Order
from etl.parse import Parser, nested_schema

LINE = "_line"
SUFFIX = ".ndjson"
_AT_ONCE = 1_000


class Lines:
    """Reads the columns of a main table from its records."""

    suffix = SUFFIX

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file of records, in their order."""
        main = table(self._resource, lines(source))
        return main.select(pl.col(name).cast(schema[name]) for name in columns)


def lines(source: BinaryIO) -> list[bytes]:
    """Read the records of a file."""
    return [line for line in bytes(source.read()).split(b"\n") if line]


def table(resource: Resource, records: Sequence[bytes]) -> pl.DataFrame:
    """Return the rows that records have in the main table."""
    return flatten(resource, resource.main, Parser(resource).parse(records).table).drop(ROW)


def ids(parser: Parser, records: Sequence[bytes]) -> pl.Series:
    """Return the lower-cased id of each record, null for one that is no row."""
    found = parser.parse(records).table
    if found.num_rows == len(records):
        return pl.Series("id", pc.utf8_lower(found.column("id")), dtype=pl.String)
    rows = (parser.parse([record]).table.column("id").to_pylist() for record in records)
    return pl.Series("id", [row[0].lower() if row else None for row in rows], dtype=pl.String)


def keyed(resource: Resource, records: Sequence[bytes]) -> pl.DataFrame:
    """Return records with their keys: `key` and the line."""
    keys = table(resource, records)[resource.key.name]
    return pl.DataFrame({"key": keys, LINE: pl.Series(list(records), dtype=pl.Binary)})


def schema(resource: Resource) -> pa.Schema:
    """Return the schema of pages that have the records beside their values."""
    return nested_schema(resource).append(pa.field(LINE, pa.large_binary()))


def beside(nested: pa.Table, records: Sequence[bytes], parser: Parser) -> pa.Table:
    """Put each record, in one line, beside its values; records that are no row of the page are left out."""
    if nested.num_rows != len(records):
        records = [record for record in records if parser.parse([record]).table.num_rows]
    flat = [record.replace(b"\n", b" ").replace(b"\r", b" ") for record in records]
    return nested.append_column(LINE, pa.array(flat, pa.large_binary()))


def ordered(column: pa.ChunkedArray, order: Order) -> Iterator[tuple[Mapping[str, str | None], Iterator[bytes]]]:
    """Yield the values of each partition and its records in their order."""
    ranked = pl.DataFrame({RANK: order.rank}).with_row_index("at").drop_nulls(RANK).sort(RANK)["at"]
    whole = column.combine_chunks()
    for group in order.groups:
        yield dict(group.values), _taken(whole, ranked[group.start : group.stop])


def _taken(whole: pa.LargeBinaryArray, rows: pl.Series) -> Iterator[bytes]:
    for some in rows.to_frame().iter_slices(_AT_ONCE):
        yield from whole.take(some.to_series().to_arrow()).to_pylist()


def put(files: Files, path: str, records: Iterable[bytes]) -> DataFile:
    """Stage a file of records under the path it will have."""
    rows = 0
    with files.create(places.staged(path)) as target:
        for record in records:
            target.write(record + b"\n")
            rows += 1
    return DataFile(path=path, rows=rows, bytes=target.size, sha256=target.sha256)


def without(files: Files, resource: Resource, file: DataFile, keys: Sequence[str]) -> DataFile | None:
    """Take records out of a staged file; None if it keeps nothing and is gone."""
    key = places.staged(file.path)
    if not files.exists(key):
        return None
    with files.open(key) as source:
        kept = keyed(resource, lines(source)).filter(~pl.col("key").is_in(keys))[LINE].to_list()
    if not kept:
        files.remove(key)
        return None
    return put(files, file.path, kept)
