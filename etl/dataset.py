"""From staged pages to staged tables: a table at a time, so that memory stays small.

Records are put in one order (`order`), every table follows it and is cut by partition and handed to the sinks. What
a part leaves for the end of the run (keys, links, included records) is folded in `folding`; proving and publishing
are elsewhere.
"""

import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from etl import damage, places, received, sinks
from etl.declare import Resource, Table, Type
from etl.errors import UsageError
from etl.files import Files
from etl.flatten import build, flatten, frame_schema, needed
from etl.manifest import DataFile, TableFacts
from etl.order import PIECE, ROW, Group, Order, arrange, contested, place, split
from etl.pages import Staged
from etl.parse import Issue, nested_schema
from etl.query import Query
from etl.sinks import Reads, Sink

MOST_ROWS = 5_000_000
"""Rows in one file; the rest goes into a numbered neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the files of a run look; `metadata` goes into each of them and holds nothing that changes between runs.

    `tables` are the wanted ones besides the main table, all if empty. With `lines` the records are also written as they
    were received; without any sink beside that there is only the main table. `name` is what the resource's tables are
    prefixed with, to keep included records apart from asked-for ones of the same resource.
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
        """The formats of tables that no asked-for records are behind: a row a line instead of a record."""
        return (*self.sinks, sinks.load("ndjson")) if self.lines else self.sinks

    @property
    def wanted(self) -> tuple[Table, ...]:
        """The tables that become files, the main one first."""
        main, *others = self.resource.tables
        if self.lines and not self.sinks:
            return (main,)
        return (main, *(table for table in others if not self.tables or table.name in self.tables))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files of some records: by table, with what is known of the records; `orphans` have no key and no row."""

    received: int
    unique: int
    tables: Mapping[str, tuple[DataFile, ...]]
    orphans: tuple[Issue, ...] = ()
    keys: pl.DataFrame = field(default_factory=pl.DataFrame)


def metadata(query: Query) -> dict[str, str]:
    """Return what every file of a query's answer says about itself: the same in every run and for every server."""
    return {
        "datacite-etl.request": json.dumps(query.request(), sort_keys=True, ensure_ascii=False),
        "datacite-etl.fingerprint": query.fingerprint,
        "datacite-etl.schema_version": query.resource.schema_version,
    }


def check_partition(resource: Resource, partition_by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to partition by; UsageError for one that the main table does not have or that is no label."""
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


def write(files: Files, layout: Layout, name: str, keys: Sequence[str], rows: range | None = None) -> Written:
    """Stage the tables of the records in some Arrow files, in files called `name`.

    `rows` are those meant, counted through all files; all by default.
    """
    resource = layout.resource
    schema = received.schema(resource) if layout.lines else nested_schema(resource)
    staged = Staged(files, keys, schema, rows)
    every = frames(resource, layout.wanted, staged)
    _, main = next(every)
    ranked = order(resource, main, staged, layout.partition_by)
    orphans, kept = _orphans(resource, main, staged), _keys(resource, main).filter(ranked.rank.is_not_null())

    def stage(table: Table, frame: pl.DataFrame) -> tuple[DataFile, ...]:
        return tuple(_files(files, layout, table, name, place(frame.select(ROW, *columns(layout, table)), ranked)))

    written = {layout.prefix + resource.main.name: stage(resource.main, main)}
    del main  # a table leaves the memory before the next one is made
    for table, frame in every:
        written[layout.prefix + table.name] = stage(table, frame)
        del frame
    if layout.lines:
        written[layout.prefix + resource.main.name] += tuple(_lines(files, layout, name, staged, ranked))
    return Written(received=len(ranked.rank), unique=ranked.size, tables=written, orphans=orphans, keys=kept)


def frames(resource: Resource, wanted: Sequence[Table], staged: Staged) -> Iterator[tuple[Table, pl.DataFrame]]:
    """Yield tables with their rows, those that are built from others last; `_row` counts the staged records.

    Tables that are read from the same attributes follow each other: what they need is read once.
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


def columns(layout: Layout, table: Table) -> dict[str, pl.DataType]:
    """Return the columns that a table's files hold: those of partitions are told by their folders."""
    schema = frame_schema(layout.resource, table)
    return {name: dtype for name, dtype in schema.items() if name not in layout.partition_by}


def facts(layout: Layout, written: Iterable[Mapping[str, Sequence[DataFile]]]) -> dict[str, TableFacts]:
    """Put together the files of all parts, table by table; a table without any has no files yet."""
    parts = list(written)
    return {
        layout.prefix + table.name: TableFacts(
            columns=_described(layout, table),
            files=tuple(file for part in parts for file in part.get(layout.prefix + table.name, ())),
            key="".join(_sorted_by(layout.resource, table)),
            of=layout.prefix + layout.resource.main.name,
        )
        for table in layout.wanted
    }


def fill(files: Files, layout: Layout, tables: Mapping[str, TableFacts]) -> dict[str, TableFacts]:
    """Stage a file without rows for each table that has none, in the partition of nulls, and return all facts."""
    return {
        layout.prefix + table.name: _filled(files, layout, table, tables[layout.prefix + table.name])
        for table in layout.wanted
    }


def _filled(files: Files, layout: Layout, table: Table, found: TableFacts) -> TableFacts:
    if found.files:
        return found
    group = Group(tuple((column, None) for column in layout.partition_by), 0, 0)
    pieces = [(group, pl.DataFrame(schema=columns(layout, table)))]
    empty = list(_files(files, layout, table, places.EMPTY, pieces))
    if layout.lines and table is layout.resource.main:
        path = places.data_file(layout.prefix + table.name, group.values, places.EMPTY, received.SUFFIX)
        empty.append(received.put(files, path, ()))
    return replace(found, files=tuple(empty))


def order(resource: Resource, main: pl.DataFrame, staged: Staged, partition_by: Sequence[str] = ()) -> Order:
    """Give every record its place; contested ones are compared whole."""
    rows = contested(main, resource.key.name)
    return arrange(
        main,
        key=resource.key.name,
        partition_by=partition_by,
        updated="updated" if "updated" in main.columns else None,
        contents=dict(zip(rows, contents(staged, rows), strict=True)),
    )


def contents(staged: Staged, rows: Sequence[int]) -> list[str]:
    """Return some staged records as JSON text."""
    plain = staged.records(rows).to_pylist() if rows else []
    return [json.dumps(record, sort_keys=True, default=str, ensure_ascii=False) for record in plain]


def put(files: Files, layout: Layout, table: Table, sink: Sink, piece: tuple[str, pl.DataFrame]) -> DataFile:
    """Stage one file: (the path it will have, its rows)."""
    path, found = piece
    with files.create(places.staged(path)) as target:
        own = {**layout.metadata, "datacite-etl.table": layout.prefix + table.name}
        sink.write(split(found, PIECE), target, metadata=own, sorted_by=_sorted_by(layout.resource, table))
    return DataFile(path=path, rows=found.height, bytes=target.size, sha256=target.sha256)


def read(
    files: Files, sink: Reads, file: DataFile, schema: Mapping[str, pl.DataType], some: Sequence[str] = ()
) -> pl.DataFrame:
    """Read some columns of a file, all by default; StoreError, naming it, for one that is damaged.

    What is read whole is compared with its hash: it may be written again, as a part of another dataset.
    """
    with damage.told(files, [file]):
        if not some:
            return sink.read(io.BytesIO(damage.content(files, file)), schema, list(schema))
        with files.open(file.path) as source:
            return sink.read(source, schema, list(some))


def _files(
    files: Files, layout: Layout, table: Table, name: str, pieces: Iterable[tuple[Group, pl.DataFrame]]
) -> Iterator[DataFile]:
    for group, found in pieces:
        if found.height or name == places.EMPTY:
            for number, some in enumerate(split(found, MOST_ROWS)):
                stem = f"{name}-{number}" if number else name
                for sink in layout.sinks:
                    path = places.data_file(layout.prefix + table.name, group.values, stem, sink.suffix)
                    yield put(files, layout, table, sink, (path, some))


def _lines(files: Files, layout: Layout, name: str, staged: Staged, ranked: Order) -> Iterator[DataFile]:
    """Stage the records as they were received, in the order and the partitions of the main table."""
    for values, records in received.ordered(staged.columns([received.LINE]).column(0), ranked):
        path = places.data_file(layout.prefix + layout.resource.main.name, list(values.items()), name, received.SUFFIX)
        yield received.put(files, path, records)


def _sorted_by(resource: Resource, table: Table) -> tuple[str]:
    """Return the column that a table is sorted by and that names its record."""
    return (resource.key.name if table.name == resource.main.name else resource.parent,)


def _orphans(resource: Resource, main: pl.DataFrame, staged: Staged) -> tuple[Issue, ...]:
    texts = contents(staged, main.filter(pl.col(resource.key.name).is_null())[ROW].to_list())
    return tuple(Issue(record_id="", path="id", reason="a record without a key", raw=text) for text in texts)


def _keys(resource: Resource, main: pl.DataFrame) -> pl.DataFrame:
    """Keep what is needed to find a record that came in two parts."""
    updated = pl.col("updated") if "updated" in main.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    return main.select(pl.col(resource.key.name).alias("key"), updated.alias("updated"))


def _described(layout: Layout, table: Table) -> tuple[dict[str, str], ...]:
    """Name a table's columns with their types as declared, those of partitions last, as hive readers find them."""
    main = {column.name: column.type for column in layout.resource.main.columns}
    declared = {column.name: column.type for column in table.columns}
    guessed = {name: Type.INT if dtype.is_integer() else Type.STRING for name, dtype in columns(layout, table).items()}
    types = {name: declared.get(name, kind) for name, kind in guessed.items()}
    types.update({name: main[name] for name in layout.partition_by})
    return tuple({"name": name, "type": kind.value} for name, kind in types.items())
