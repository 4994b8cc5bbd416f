"""Make staged tables of staged pages: one table at a time, so that memory stays small.

Records are put in order (`order`); every table follows it, is cut by partition, and goes to the sinks. `consolidate`
handles whatever concerns several parts; other modules prove and publish.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.dataset.layout import Layout, sort_columns
from etl.dataset.manifest import Column, DataFile, TableFacts
from etl.records import ndjson as received
from etl.records.flatten import build, flatten, needed
from etl.records.ordering import PIECE, ROW, Group, Order, arrange, contested, rows_by_partition, split
from etl.records.parser import Issue, nested_schema
from etl.schema.declarations import Resource, Table, Type
from etl.staging import ndjson_files
from etl.staging.pages import Staged
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.formats import Sink

MOST_ROWS = 5_000_000
"""Maximum rows in a file; further rows go into numbered files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files of a group of records by table, and facts of the records; `orphans` have no key and no row."""

    received: int
    unique: int
    tables: Mapping[str, tuple[DataFile, ...]]
    orphans: tuple[Issue, ...] = ()
    keys: pl.DataFrame = field(default_factory=pl.DataFrame)


def write(files: Files, layout: Layout, name: str, keys: Sequence[str], rows: range | None = None) -> Written:
    """Stage the tables of the records in Arrow files, in files called `name`.

    `rows` is the range of rows to read, counted through all files; all by default.
    """
    resource = layout.resource
    schema = received.schema(resource) if layout.lines else nested_schema(resource)
    staged = Staged(files, keys, schema, rows)
    every = frames(resource, layout.wanted, staged)
    _, main = next(every)
    ranked = order(resource, main, staged, layout.partition_by)
    orphans, kept = _orphans(resource, main, staged), _keys(resource, main).filter(ranked.rank.is_not_null())

    def stage(table: Table, frame: pl.DataFrame) -> tuple[DataFile, ...]:
        return tuple(
            _files(files, layout, table, name, rows_by_partition(frame.select(ROW, *layout.columns(table)), ranked))
        )

    written = {layout.prefix + resource.main.name: stage(resource.main, main)}
    del main  # a table leaves the memory before the next one is made
    for table, frame in every:
        written[layout.prefix + table.name] = stage(table, frame)
        del frame
    if layout.lines:
        written[layout.prefix + resource.main.name] += tuple(_lines(files, layout, name, staged, ranked))
    return Written(received=len(ranked.rank), unique=ranked.size, tables=written, orphans=orphans, keys=kept)


def frames(resource: Resource, wanted: Sequence[Table], staged: Staged) -> Iterator[tuple[Table, pl.DataFrame]]:
    """Yield tables with their rows, those that are built from others last; `_row` numbers the staged records.

    Tables from the same attributes follow each other, so that these are read once.
    """
    built = [table for table in wanted if table.build]
    uses = [(name, columns) for table in built for name, columns in table.inputs.items()]
    kept: dict[str, pl.DataFrame] = {}
    plain = [t for t in resource.tables if not t.build and (t in wanted or t.name in dict(uses))]
    for sources, tables in itertools.groupby(plain, lambda table: needed(resource, table)):
        nested = staged.columns(sources)
        for table in tables:
            frame = flatten(resource, table, nested)
            if asked := [name for source, columns in uses if source == table.name for name in columns]:
                kept[table.name] = frame.select(ROW, *dict.fromkeys(asked))
            if table in wanted:
                yield table, frame
            del frame
        del nested
    yield from ((table, build(resource, table, kept)) for table in built)


def table_facts(layout: Layout, written: Iterable[Mapping[str, Sequence[DataFile]]]) -> dict[str, TableFacts]:
    """Join the files of all parts, table by table; a table without any has no files yet."""
    parts = list(written)
    return {
        layout.prefix + table.name: TableFacts.of_files(
            _described(layout, table),
            [file for part in parts for file in part.get(layout.prefix + table.name, ())],
            key="".join(sort_columns(layout.resource, table)),
            of=layout.prefix + layout.resource.main.name,
        )
        for table in layout.wanted
    }


def fill_empty(files: Files, layout: Layout, tables: Mapping[str, TableFacts]) -> dict[str, TableFacts]:
    """Stage a file without rows, in the partition of nulls, for each table without files; return all facts."""
    return {
        layout.prefix + table.name: _filled(files, layout, table, tables[layout.prefix + table.name])
        for table in layout.wanted
    }


def _filled(files: Files, layout: Layout, table: Table, facts: TableFacts) -> TableFacts:
    if facts.files:
        return facts
    group = Group(tuple((column, None) for column in layout.partition_by), 0, 0)
    pieces = [(group, pl.DataFrame(schema=layout.columns(table)))]
    empty = list(_files(files, layout, table, paths.EMPTY, pieces))
    if layout.lines and table is layout.resource.main:
        path = paths.data_file(layout.prefix + table.name, group.values, paths.EMPTY, received.SUFFIX)
        empty.append(ndjson_files.write_records(files, path, ()))
    return TableFacts.of_files(facts.columns, empty, key=facts.key, of=facts.of)


def order(resource: Resource, main: pl.DataFrame, staged: Staged, partition_by: Sequence[str] = ()) -> Order:
    """Give every record its rank; contested records are compared whole."""
    rows = contested(main, resource.key.name)
    return arrange(
        main,
        key=resource.key.name,
        partition_by=partition_by,
        updated="updated" if "updated" in main.columns else None,
        contents=dict(zip(rows, as_json(staged, rows), strict=True)),
    )


def as_json(staged: Staged, rows: Sequence[int]) -> list[str]:
    """Return staged records as JSON text."""
    plain = staged.records(rows).to_pylist() if rows else []
    return [json.dumps(record, sort_keys=True, default=str, ensure_ascii=False) for record in plain]


def write_file(files: Files, layout: Layout, table: Table, sink: Sink, piece: tuple[str, pl.DataFrame]) -> DataFile:
    """Stage one file, given its future path and its rows."""
    path, rows = piece
    with files.create(paths.staged(path)) as target:
        own = {**layout.metadata, "datacite-etl.table": layout.prefix + table.name}
        sink.write(split(rows, PIECE), target, metadata=own, sorted_by=sort_columns(layout.resource, table))
    return DataFile(path=path, rows=rows.height, bytes=target.size, sha256=target.sha256)


def _files(
    files: Files, layout: Layout, table: Table, name: str, pieces: Iterable[tuple[Group, pl.DataFrame]]
) -> Iterator[DataFile]:
    for group, rows in pieces:
        if rows.height or name == paths.EMPTY:
            for number, chunk in enumerate(split(rows, MOST_ROWS)):
                stem = f"{name}-{number}" if number else name
                for sink in layout.sinks:
                    path = paths.data_file(layout.prefix + table.name, group.values, stem, sink.suffix)
                    yield write_file(files, layout, table, sink, (path, chunk))


def _lines(files: Files, layout: Layout, name: str, staged: Staged, ranked: Order) -> Iterator[DataFile]:
    """Stage the records as received, in the order and the partitions of the main table."""
    for values, records in ndjson_files.in_order(staged.columns([received.LINE]).column(0), ranked):
        path = paths.data_file(layout.prefix + layout.resource.main.name, list(values.items()), name, received.SUFFIX)
        yield ndjson_files.write_records(files, path, records)


def _orphans(resource: Resource, main: pl.DataFrame, staged: Staged) -> tuple[Issue, ...]:
    texts = as_json(staged, main.filter(pl.col(resource.key.name).is_null())[ROW].to_list())
    return tuple(Issue(record_id="", path="id", reason="a record without a key", raw=text) for text in texts)


def _keys(resource: Resource, main: pl.DataFrame) -> pl.DataFrame:
    """Keep what is needed to find records that arrive in two parts."""
    updated = pl.col("updated") if "updated" in main.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    return main.select(pl.col(resource.key.name).alias("key"), updated.alias("updated"))


def _described(layout: Layout, table: Table) -> tuple[Column, ...]:
    """Return a table's columns with their declared types, those of partitions last, as hive readers expect."""
    main = {column.name: column.type for column in layout.resource.main.columns}
    declared = {column.name: column.type for column in table.columns}
    guessed = {name: Type.INT if dtype.is_integer() else Type.STRING for name, dtype in layout.columns(table).items()}
    types = {name: declared.get(name, kind) for name, kind in guessed.items()}
    types.update({name: main[name] for name in layout.partition_by})
    return tuple(Column(name=name, type=kind) for name, kind in types.items())
