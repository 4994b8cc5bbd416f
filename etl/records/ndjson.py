"""Records as received, one per line: the main table in `--format ndjson`.

A line is the API's resource object, `{"id", "type", "attributes", "relationships"}`, as in DataCite's data file
(api-notes 8.2): it contains everything that child tables hold. On its way it is a column of the staged page.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import BinaryIO, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import StoreError
from etl.records.flatten import ROW, flatten
from etl.records.parser import Parser, nested_schema
from etl.schema.declarations import Resource

LINE = "_line"
SUFFIX = ".ndjson"
_AT_ONCE = 1 << 20


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class Lines:
    """Reads columns of a main table from its raw records."""

    suffix = SUFFIX

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file of records, in their order."""
        main = table(self._resource, lines(source))
        return main.select(pl.col(name).cast(schema[name]) for name in columns)

    def read_pieces(
        self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read a file in one piece: it is not packed."""
        yield self.read(source, schema, columns)


def lines(source: BinaryIO) -> list[bytes]:
    """Read the records of a file."""
    return [line for line in bytes(source.read()).split(b"\n") if line]


def split(source: Readable, name: str, *, longest: int | None = None) -> Generator[bytes, None, bytes]:
    """Yield the lines of a stream that are not empty, and return what follows the last line feed.

    StoreError for a line of more than `longest` bytes.
    """
    rest, number = b"", 0
    while piece := source.read(_AT_ONCE):
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)
        number += len(whole)
        if longest and len(rest) > longest:
            message = f"{name}, line {number + 1}: longer than {longest >> 20} MB"
            raise StoreError(message, fix="check that it has one record per line")
    return rest


def table(resource: Resource, records: Sequence[bytes]) -> pl.DataFrame:
    """Return the rows of records in the main table."""
    return flatten(resource, resource.main, Parser(resource).parse(records).table).drop(ROW)


def ids(parser: Parser, records: Sequence[bytes]) -> pl.Series:
    """Return the lower-cased id of each record, null for one that cannot become a row."""
    nested = parser.parse(records).table
    if nested.num_rows == len(records):
        return pl.Series("id", pc.utf8_lower(nested.column("id")), dtype=pl.String)
    rows = (parser.parse([record]).table.column("id").to_pylist() for record in records)
    return pl.Series("id", [row[0].lower() if row else None for row in rows], dtype=pl.String)


def with_keys(resource: Resource, records: Sequence[bytes]) -> pl.DataFrame:
    """Return the keys and lines of records."""
    keys = table(resource, records)[resource.key.name]
    return pl.DataFrame({"key": keys, LINE: pl.Series(list(records), dtype=pl.Binary)})


def schema(resource: Resource) -> pa.Schema:
    """Return the schema of pages with the records next to their values."""
    return nested_schema(resource).append(pa.field(LINE, pa.large_binary()))


def with_lines(nested: pa.Table, records: Sequence[bytes], parser: Parser) -> pa.Table:
    """Add each record as one line next to its values; records without a row in the page are left out."""
    if nested.num_rows != len(records):
        records = [record for record in records if parser.parse([record]).table.num_rows]
    flat = [record.replace(b"\n", b" ").replace(b"\r", b" ") for record in records]
    return nested.append_column(LINE, pa.array(flat, pa.large_binary()))
