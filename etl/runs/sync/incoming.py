"""The records that a sync has fetched, staged as parts of their own: which part has each record's newest reception.

They lie beside the staged dataset in tables of another name and are never published themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from etl.dataset.layout import Layout
from etl.dataset.reader import folders, identity, identity_columns, reader
from etl.records import ndjson
from etl.records.flatten import frame_schema
from etl.schema.declarations import Table
from etl.staging.part import PartReceipt
from etl.storage import formats, paths
from etl.storage.files import Files

Rows = Callable[[pl.DataFrame], pl.DataFrame]
PREFIX = "incoming_"
_REMEMBERED = 2
"""Parts of which a table is kept in memory, at most 25,000 records each."""
KEYS = {
    "key": pl.String(),
    "created": pl.Datetime("us", "UTC"),
    "updated": pl.Datetime("us", "UTC"),
    "folder": pl.String(),
    "part": pl.String(),
}


def layout(published: Layout) -> Layout:
    """Lay out what is fetched to be merged: rows in one format, no partitions, tables that no dataset has."""
    return replace(published, sinks=(formats.load("parquet"),), partition_by=(), prefix=PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Fetched records; `keys` has a row a record: `key`, `created`, `updated`, its `folder` and the `part` it is in."""

    files: Files
    layout: Layout
    parts: Mapping[str, PartReceipt]
    keys: pl.DataFrame

    def rows(self, table: Table) -> Rows:
        """Return what finds a table's rows of some records, given with `key` and `part`, in the order of keys.

        What was read last stays in memory, for the records of one part are all over the dataset.
        """
        resource = self.layout.resource
        name = resource.key.name if table.name == resource.main.name else resource.parent
        read = lru_cache(maxsize=_REMEMBERED)(lambda part: _table(self.files, self.layout, self.parts[part], table))

        def rows(wanted: pl.DataFrame) -> pl.DataFrame:
            found = [pl.DataFrame(schema=frame_schema(resource, table))]
            for (part,), some in wanted.group_by("part", maintain_order=True):
                keys = some.select(pl.col("key").alias(name))
                found.append(read(str(part)).join(keys, on=name, how="semi", maintain_order="left"))
            return pl.concat(found).sort(name, maintain_order=True)

        return rows

    def lines(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Return some records, given with `key` and `part`, as they were received."""
        main = self.layout.prefix + self.layout.resource.main.name
        found = [pl.DataFrame(schema={"key": pl.String, ndjson.LINE: pl.Binary})]
        for (part,), some in wanted.group_by("part", maintain_order=True):
            for file in self.parts[str(part)].tables[main]:
                if file.path.endswith(ndjson.SUFFIX):
                    with self.files.open(paths.staged(file.path)) as source:
                        whole = ndjson.keyed(self.layout.resource, ndjson.lines(source))
                    found.append(whole.join(some.select("key"), on="key", how="semi"))
        return pl.concat(found)

    def without(self, gone: pl.DataFrame) -> "Incoming":
        """Return what is left without some records."""
        return replace(self, keys=self.keys.join(gone, on="key", how="anti", maintain_order="left"))


def gather(files: Files, published: Layout, parts: Sequence[PartReceipt]) -> Incoming:
    """Read what some parts have brought, for a dataset of that layout.

    Of a record in two parts the newest stays, then that of the later part.
    """
    own = layout(published)
    found = [pl.DataFrame(schema={**KEYS, "turn": pl.Int64()})]
    for turn, part in enumerate(parts):
        wanted = list(dict.fromkeys([*identity_columns(own.resource), *published.partition_by]))
        main = _table(files, own, part, own.resource.main, wanted)
        told = identity(own.resource, main).with_columns(
            folders(published, main), pl.lit(part.key).alias("part"), pl.lit(turn, pl.Int64).alias("turn")
        )
        found.append(told.select(found[0].columns))
    ranked = pl.concat(found).sort(["updated", "turn"], descending=True, nulls_last=True)
    keys = ranked.unique("key", keep="first", maintain_order=True).drop("turn").sort("key")
    return Incoming(files=files, layout=own, parts={part.key: part for part in parts}, keys=keys)


def _table(files: Files, own: Layout, part: PartReceipt, table: Table, wanted: Sequence[str] = ()) -> pl.DataFrame:
    schema = frame_schema(own.resource, table)
    names = list(wanted or schema)
    found = [pl.DataFrame(schema={name: schema[name] for name in names})]
    for file in part.tables[own.prefix + table.name]:
        if not file.path.endswith(reader(own).suffix):
            continue
        with files.open(paths.staged(file.path)) as source:
            found.append(reader(own).read(source, schema, names))
    return pl.concat(found)
