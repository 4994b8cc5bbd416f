"""Consolidate the parts of a run: join them, settle records that arrived in two of them, and stage included records.

It can be repeated after a crash with the same outcome: receipts and notes of the parts are only read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from etl.completeness.verdict import IncludedTally
from etl.dataset.layout import Layout
from etl.dataset.manifest import DataFile, TableFacts
from etl.records import ndjson
from etl.records.duplicates import hashes, repeated
from etl.schema.declarations import Resource, Table
from etl.staging import included, ndjson_files, table_writer
from etl.staging.part import PartReceipt, merge_drift
from etl.storage import paths
from etl.storage.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidated:
    """The whole staged dataset: `unique` records, each of them once; `duplicates` counts the surplus arrivals.

    `contested` has the `key`, `updated` and `part` of records that arrived in more than one part.
    """

    tables: Mapping[str, TableFacts]
    included: Mapping[str, IncludedTally]
    drift: Mapping[str, tuple[int, str]]
    rejects: int
    duplicates: int
    unique: int
    contested: pl.DataFrame = field(compare=False)


def consolidate(
    files: Files, layout: Layout, parts: Sequence[PartReceipt], related: Mapping[str, Resource] | None = None
) -> Consolidated:
    """Join the parts into one dataset, with a file for every table and the tables of included resources."""
    contested = find_contested(files, [part.key for part in parts])
    losers = superseded_keys(contested)
    kept = [
        _without_records(files, layout, part, losers[part.key]) if part.key in losers else part.tables for part in parts
    ]
    tables = table_writer.fill_empty(files, layout, table_writer.table_facts(layout, kept))
    tallies = {}
    for own in included_layouts(layout, related or {}):
        written, tallies[own.resource.type] = included.consolidate(files, own)
        tables |= table_writer.fill_empty(files, own, table_writer.table_facts(own, [written.tables]))
    again = sum(map(len, losers.values()))
    return Consolidated(
        tables=tables,
        included=tallies,
        drift=merge_drift(part.drift for part in parts),
        rejects=sum(part.rejects for part in parts),
        duplicates=sum(part.duplicates for part in parts) + again,
        unique=sum(part.unique for part in parts) - again,
        contested=contested,
    )


def find_contested(files: Files, parts: Sequence[str]) -> pl.DataFrame:
    """Return the key, time of change and part of records that arrived in more than one part."""
    total = sum(keys.height for keys in _keys(files, parts))
    again = repeated(lambda: (keys["key"] for keys in _keys(files, parts)), total)
    seen = _keys(files, parts) if len(again) else ()
    frames = [keys.filter(hashes(keys["key"]).is_in(again.implode())) for keys in seen]
    return pl.concat([pl.DataFrame(schema=_KEYS), *frames]).filter(pl.col("key").is_duplicated())


def absent_ids(files: Files, parts: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the ids, given in lower case, that no record of the parts has."""
    left = dict.fromkeys(names)
    for keys in _keys(files, parts) if left else ():
        for key in keys["key"].str.to_lowercase():
            left.pop(key, None)
    return tuple(left)


def superseded_keys(contested: pl.DataFrame) -> dict[str, list[str]]:
    """Keep each record in one part (newest `updated`, then last part); return the keys to remove from the others."""
    ranked = contested.sort(["key", "updated", "part"], descending=[False, True, True], nulls_last=True)
    lost = ranked.filter(~pl.col("key").is_first_distinct()).sort("part", "key")
    return {str(part[0]): rows["key"].to_list() for part, rows in lost.group_by("part", maintain_order=True)}


_KEYS = {"key": pl.String(), "updated": pl.Datetime("us", "UTC"), "part": pl.String()}


def _keys(files: Files, parts: Sequence[str]) -> Iterator[pl.DataFrame]:
    for part in parts:
        with files.open(paths.note_file("keys", part)) as source:
            frame = pl.DataFrame(pa.ipc.open_file(source).read_all())
        yield frame.select("key", pl.col("updated").cast(_KEYS["updated"]), pl.lit(part).alias("part"))


def _without_records(
    files: Files, layout: Layout, part: PartReceipt, keys: Sequence[str]
) -> dict[str, tuple[DataFile, ...]]:
    """Remove records from a part's staged files, and files that become empty."""
    tables = {}
    for table in layout.wanted:
        name = layout.prefix + table.name
        kept = [_filtered(files, layout, table, file, keys) for file in part.tables.get(name, ())]
        tables[name] = tuple(file for file in kept if file is not None)
    return tables


def _filtered(files: Files, layout: Layout, table: Table, file: DataFile, keys: Sequence[str]) -> DataFile | None:
    column = layout.resource.key.name if table.name == layout.resource.main.name else layout.resource.parent
    schema = layout.columns(table)
    key = paths.staged(file.path)
    if not files.exists(key):
        return None
    if layout.lines and file.path.endswith(ndjson.SUFFIX):
        return ndjson_files.remove_records(files, layout.resource, file, keys)
    sink = next(sink for sink in layout.sinks if file.path.endswith(sink.suffix))
    with files.open(key) as source:
        frame = sink.read(source, schema, list(schema))
    kept = frame.filter(~pl.col(column).is_in(keys))
    if kept.is_empty():
        files.remove(key)
        return None
    return table_writer.write_file(files, layout, table, sink, (file.path, kept))


def included_layouts(layout: Layout, related: Mapping[str, Resource]) -> Iterator[Layout]:
    """Return the layouts of included resources: without partitions, and separate from requested tables of that name."""
    asked = {table.name for table in layout.wanted}
    for resource in {resource.name: resource for resource in related.values()}.values():
        clash = any(table.name in asked for table in resource.tables)
        yield Layout(
            resource=resource, sinks=layout.rows, metadata=layout.metadata, prefix="included_" if clash else ""
        )
