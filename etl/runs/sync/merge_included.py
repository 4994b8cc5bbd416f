"""Merge the tables of included records after a sync: new versions replace old ones, unlinked records are removed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from etl.completeness.verdict import IncludedTally, tally_included
from etl.dataset.layout import Layout, read_file
from etl.dataset.manifest import DataFile, Manifest, TableFacts
from etl.dataset.reader import reader
from etl.records.ordering import split
from etl.runs.context import Run
from etl.runs.sync.incoming import PREFIX
from etl.schema import withdrawn
from etl.schema.declarations import Include, Table
from etl.staging import consolidate, included, table_writer
from etl.storage import formats, paths
from etl.storage.files import Files

NAME = "included"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedKeys:
    """The keys of the fetched and withdrawn records together, and of the withdrawn ones."""

    every: pl.Series
    withdrawn: pl.Series


def merge(
    run: Run, before: Manifest, merged: Mapping[str, Sequence[DataFile]], touched: ChangedKeys
) -> tuple[dict[str, TableFacts], dict[str, IncludedTally]]:
    """Stage the tables of every included resource.

    `merged` are the staged files of the requested tables, which hold the links. If they hold none, all records stay.
    """
    tables: dict[str, TableFacts] = {}
    tallies: dict[str, IncludedTally] = {}
    for own in consolidate.included_layouts(run.layout, run.related):
        names = [name for name, resource in run.related.items() if resource.name == own.resource.name]
        includes = [include for include in run.query.resource.includes if include.name in names]
        linked = _linked(run.files, run.layout, merged, includes)
        files, keys = _merged(run.files, own, before, _rules(own, run.layout.resource.parent, linked, touched))
        tables |= table_writer.fill_empty(run.files, own, table_writer.table_facts(own, [files]))
        tallies[own.resource.type] = tally_included(keys if linked is None else linked, keys)
    return tables, tallies


def copy_tables(source: Files, theirs: Layout, manifest: Manifest, files: Files, own: Layout) -> dict[str, TableFacts]:
    """Stage tables with their rows in another dataset, whose layout is `theirs`.

    StoreError for a damaged file.
    """
    stem = withdrawn.NAME if own.resource.main.name == withdrawn.NAME else NAME
    written = {
        own.prefix + table.name: list(_put(files, own, table, read_table(source, theirs, old, manifest), stem))
        for table, old in zip(own.wanted, theirs.wanted, strict=True)
    }
    return table_writer.fill_empty(files, own, table_writer.table_facts(own, [written]))


def read_table(files: Files, own: Layout, table: Table, manifest: Manifest) -> pl.DataFrame:
    """Read a table that a manifest lists; StoreError for a damaged file."""
    return _read(files, own, table, _files_of(manifest, own.prefix + table.name))


def _files_of(manifest: Manifest, table: str) -> Sequence[DataFile]:
    return manifest.tables[table].files if table in manifest.tables else ()


def _rules(own: Layout, owner: str, linked: set[str] | None, touched: ChangedKeys) -> tuple[pl.Expr, pl.Expr]:
    """Return which of the old main rows stay if they were not included again, and which of the new ones.

    A media record names its DOI, but lists of DOIs do not name their media (api-notes 4.9): it leaves with its owner.
    """
    if any(column.name == owner for column in own.resource.main.columns):
        return tuple(~pl.col(owner).is_in(keys.implode()) for keys in (touched.every, touched.withdrawn))  # type: ignore[return-value]
    if linked is None:
        return pl.lit(value=True), pl.lit(value=True)
    wanted = pl.col(own.resource.key.name).is_in(sorted(linked))
    return wanted, wanted


def _merged(
    files: Files, own: Layout, before: Manifest, rules: tuple[pl.Expr, pl.Expr]
) -> tuple[dict[str, list[DataFile]], list[str]]:
    """Merge the old and new rows of one resource, table by table; return the files and the keys."""
    stays, comes = rules
    fetched = replace(own, sinks=(formats.load("parquet"),), prefix=PREFIX + own.prefix)
    came, _ = included.consolidate(files, fetched)
    new = pl.DataFrame({"key": came.keys["key"]}, schema={"key": pl.String})
    kept = new
    written: dict[str, list[DataFile]] = {}
    for table in own.wanted:
        main = table.name == own.resource.main.name
        key = own.resource.key.name if main else own.resource.parent
        old = _read(files, own, table, _files_of(before, own.prefix + table.name))
        staged = [replace(file, path=paths.staged(file.path)) for file in came.tables[fetched.prefix + table.name]]
        fresh = _read(files, fetched, table, staged)
        if main:
            left = old.filter(stays).join(new, left_on=key, right_on="key", how="anti")
            kept, new = left.select(pl.col(key).alias("key")), fresh.filter(comes).select(pl.col(key).alias("key"))
        every = pl.concat([_of(old, kept, key), _of(fresh, new, key)]).sort(key, maintain_order=True)
        written[own.prefix + table.name] = list(_put(files, own, table, every))
    return written, [*kept["key"], *new["key"]]


def _of(frame: pl.DataFrame, wanted: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.join(wanted, left_on=key, right_on="key", how="semi", maintain_order="left")


def _read(files: Files, layout: Layout, table: Table, listed: Sequence[DataFile]) -> pl.DataFrame:
    schema = layout.columns(table)
    sink = reader(layout)
    frames = [read_file(files, sink, file, schema) for file in listed if file.path.endswith(sink.suffix)]
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def _put(files: Files, own: Layout, table: Table, every: pl.DataFrame, stem: str = NAME) -> Iterator[DataFile]:
    for number, rows in enumerate(split(every, table_writer.MOST_ROWS) if every.height else ()):
        name = f"{stem}-{number}" if number else stem
        for sink in own.sinks:
            path = paths.data_file(own.prefix + table.name, (), name, sink.suffix)
            yield table_writer.write_file(files, own, table, sink, (path, rows))


def _linked(
    files: Files, layout: Layout, merged: Mapping[str, Sequence[DataFile]], includes: Sequence[Include]
) -> set[str] | None:
    """Collect the ids to which the dataset's records link, None if its tables do not hold them."""
    linked: set[str] = set()
    for include in includes:
        source = _source(layout, include)
        if source is None:
            return None
        table, column, label = source
        for ids in _columns(files, layout, table, merged[layout.prefix + table.name], (column, label)):
            linked.update(ids)
    return linked


_Source = tuple[Table, str, "tuple[str, str] | None"]


def _source(layout: Layout, include: Include) -> _Source | None:
    """Find the column with the ids of an include, and the label that its rows must have in another column."""
    for column in layout.resource.main.columns:
        if column.path == f"{include.path}.id" and column.name not in layout.partition_by:
            return layout.resource.main, column.name, None
    for table in layout.wanted:
        for label, path in (table.relations or {}).items():
            if path == include.path:
                target = next(column.name for column in table.columns if column.path == "id")
                return table, target, (table.columns[0].name, label)
    return None


def _columns(
    files: Files,
    layout: Layout,
    table: Table,
    listed: Sequence[DataFile],
    wanted: tuple[str, tuple[str, str] | None],
) -> Iterator[list[str]]:
    column, label = wanted
    sink, schema = reader(layout), layout.columns(table)
    names = [column, *([label[0]] if label else [])]
    for file in listed:
        if file.path.endswith(sink.suffix):
            with files.open(paths.staged(file.path)) as source:
                frame = sink.read(source, schema, names)
            selected = frame.filter(pl.col(label[0]) == label[1]) if label else frame
            yield selected[column].drop_nulls().str.to_lowercase().unique().to_list()
