"""Tables in memory: records as polars frames, a whole query as frames, a dataset as lazy frames.

Larger results belong into files: export them.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TypeVar

import polars as pl

from etl.api import document
from etl.api.client import Client, connect
from etl.api.query import Query
from etl.dataset import store
from etl.dataset.manifest import TableFacts
from etl.errors import IncompleteError, StoreError
from etl.records import flatten
from etl.records.flatten import DTYPES, ROW
from etl.records.parser import Parser
from etl.schema.declarations import Resource
from etl.settings import Settings
from etl.storage import formats
from etl.storage.files import Files
from etl.storage.location import open_existing

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


class Tables(dict[str, Frame]):
    """Tables by name: a dict that is shown as a list with columns and, if known, rows."""

    def __repr__(self) -> str:
        """Return one line per table."""
        return "\n".join(f"{name}: {rows} rows, {', '.join(columns)}" for name, rows, columns in self._shapes())

    def __missing__(self, name: str) -> Frame:
        """Raise KeyError with the existing names."""
        raise KeyError(f"there is no table {name!r}; there are {', '.join(self)}")

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{rows}</td><td>{escape(', '.join(columns))}</td></tr>"
            for name, rows, columns in self._shapes()
        )
        return f"<table><thead><tr><th>table</th><th>rows</th><th>columns</th></tr></thead>{rows}</table>"

    def _shapes(self) -> Iterator[tuple[str, str, list[str]]]:
        for name, frame in self.items():
            rows = f"{frame.height:,}" if isinstance(frame, pl.DataFrame) else "?"
            yield name, rows, list(frame.collect_schema())


def tables(resource: Resource, records: Sequence[bytes], names: Sequence[str] = ()) -> Tables[pl.DataFrame]:
    """Parse and flatten raw records into the resource's tables, all or some, in the order of the records."""
    nested = Parser(resource).parse(records).table
    wanted = [table for table in resource.tables if not names or table.name in names]
    sources = {source for table in wanted for source in table.inputs}
    plain = [table for table in resource.tables if not table.build and (table in wanted or table.name in sources)]
    frames = {table.name: flatten.flatten(resource, table, nested) for table in plain}
    for table in wanted:
        if table.build:
            frames[table.name] = flatten.build(resource, table, frames)
    return Tables({table.name: frames[table.name].drop(ROW) for table in wanted})


async def fetch(query: Query, settings: Settings, limit: int | None = None) -> Tables[pl.DataFrame]:
    """Fetch every record of a query into polars frames by table name.

    Raises IncompleteError if fewer records arrive than the API counts (unless there is a `limit`), and the errors of
    the client.
    """
    async with connect(settings) as client:
        records = await _records(client, query, limit)
    return tables(query.resource, records[:limit], query.tables)


def scan(destination: str) -> Tables[pl.LazyFrame]:
    """Return the tables of a published dataset as lazy frames by name, partition columns included.

    Raises StoreError if there is no dataset, or its publication is unfinished.
    """
    files = open_existing(destination)
    manifest = store.readable_manifest(files)
    if not {"parquet", formats.DELTA} & set(manifest.formats):
        raise StoreError(f"{destination} has no Parquet files", fix="export it with --format parquet")
    return Tables({name: _scan(files, facts, manifest.partition_by) for name, facts in manifest.tables.items()})


def _scan(files: Files, facts: TableFacts, partition_by: Sequence[str]) -> pl.LazyFrame:
    paths = [f"{files.name}/{file.path}" for file in facts.files if file.path.endswith(".parquet")]
    types = {column.name: DTYPES[column.type] for column in facts.columns}
    return pl.scan_parquet(
        paths,
        hive_partitioning=True,
        hive_schema={name: types[name] for name in partition_by if name in types},  # 10.60000 is not a number
        storage_options=dict(files.options) or None,
    )


async def _records(client: Client, query: Query, limit: int | None) -> list[bytes]:
    records: dict[str | bytes | None, bytes] = {}
    own = bool(query.resource.identity)  # the server's ids are not unique, only whole records are
    total, shifted = 0, False
    async for page in client.pages(query, size=query.page_size, limit=limit):
        records |= {record if own else document.id_of(record): record for record in page.document.records}
        total, shifted = page.total, shifted or page.shifted
    if limit is None and len(records) != total:
        raise IncompleteError(f"{len(records):,} of {total:,} records arrived", fix="fetch again, or export to files")
    if limit is None and shifted:
        raise IncompleteError("records were withdrawn during the fetch", fix="fetch again, or export to files")
    return list(records.values())
