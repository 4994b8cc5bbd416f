"""The layout of a dataset's files: formats, partitions, tables and their columns."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.api.query import Query
from etl.dataset import checksums
from etl.dataset.manifest import DataFile
from etl.errors import UsageError
from etl.records.flatten import frame_schema
from etl.schema.declarations import Resource, Table, Type
from etl.storage import formats
from etl.storage.files import Files
from etl.storage.formats import Reads, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of a run's files; `metadata` goes into each of them and must not change between runs.

    `tables` are the wanted ones besides the main table, all if empty. With `lines` the records are also written as
    received; without any other sink there is only the main table. `prefix` precedes the names of the tables, to
    separate included records from requested ones of the same resource.
    """

    resource: Resource
    sinks: tuple[Sink, ...]
    partition_by: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    prefix: str = ""
    lines: bool = False

    @property
    def rows(self) -> tuple[Sink, ...]:
        """The formats of tables that do not hold the requested records: one row per line instead of one record."""
        return (*self.sinks, formats.load("ndjson")) if self.lines else self.sinks

    @property
    def wanted(self) -> tuple[Table, ...]:
        """The tables to write, the main one first."""
        main, *others = self.resource.tables
        if self.lines and not self.sinks:
            return (main,)
        return (main, *(table for table in others if not self.tables or table.name in self.tables))

    def columns(self, table: Table) -> dict[str, pl.DataType]:
        """Return the columns that a table's files hold; the partition columns are in the folder names."""
        schema = frame_schema(self.resource, table)
        return {name: dtype for name, dtype in schema.items() if name not in self.partition_by}


def metadata(query: Query) -> dict[str, str]:
    """Return the metadata of every file of a query: the same in every run and for every server."""
    return {
        "datacite-etl.request": json.dumps(query.request(), sort_keys=True, ensure_ascii=False),
        "datacite-etl.fingerprint": query.fingerprint,
        "datacite-etl.schema_version": query.resource.schema_version,
    }


def check_partition(resource: Resource, partition_by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to partition by; UsageError for one that the main table lacks or that is not a label."""
    columns = {column.name: column for column in resource.main.columns}
    fit = [
        name
        for name, column in columns.items()
        if column.type not in {Type.FLOAT, Type.TIMESTAMP, Type.JSON} and not column.key
    ]
    for name in partition_by:
        if name not in fit:
            raise UsageError(
                f"{resource.main.name} cannot be partitioned by {name!r}", fix=f"valid are: {', '.join(fit)}"
            )
    return tuple(dict.fromkeys(partition_by))


def read_file(
    files: Files, sink: Reads, file: DataFile, schema: Mapping[str, pl.DataType], names: Sequence[str] = ()
) -> pl.DataFrame:
    """Read columns of a file, all by default; StoreError, naming it, if it is damaged.

    A file that is read whole is compared with its hash: its rows may be written again, into another dataset.
    """
    with checksums.damage_explained(files, [file]):
        if not names:
            return sink.read(io.BytesIO(checksums.read_checked(files, file)), schema, list(schema))
        with files.open(file.path) as source:
            return sink.read(source, schema, list(names))


def sort_columns(resource: Resource, table: Table) -> tuple[str]:
    """Return the column with the key of the record, by which a table is sorted."""
    return (resource.key.name if table.name == resource.main.name else resource.parent,)
