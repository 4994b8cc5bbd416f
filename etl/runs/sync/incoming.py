"""The records fetched by a sync, staged as parts of their own, and the part with the newest version of each record.

They are staged in tables of other names, and are never published themselves.
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
"""Number of parts whose table is kept in memory, with at most 25,000 records each."""
KEYS = {
    "key": pl.String(),
    "created": pl.Datetime("us", "UTC"),
    "updated": pl.Datetime("us", "UTC"),
    "folder": pl.String(),
    "part": pl.String(),
}


def incoming_layout(published: Layout) -> Layout:
    """Return the layout of fetched records: rows in one format, no partitions, and tables that no dataset has."""
    return replace(published, sinks=(formats.load("parquet"),), partition_by=(), prefix=PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Fetched records; `keys` has one row per record: `key`, `created`, `updated`, and its `folder` and `part`."""

    files: Files
    layout: Layout
    parts: Mapping[str, PartReceipt]
    keys: pl.DataFrame

    def rows(self, table: Table) -> Rows:
        """Return a function that selects a table's rows for records given by `key` and `part`, in the order of keys.

        Recently read parts stay in memory, for the records of one part are all over the dataset.
        """
        resource = self.layout.resource
        name = resource.key.name if table.name == resource.main.name else resource.parent
        read = lru_cache(maxsize=_REMEMBERED)(lambda part: _table(self.files, self.layout, self.parts[part], table))

        def rows(wanted: pl.DataFrame) -> pl.DataFrame:
            frames = [pl.DataFrame(schema=frame_schema(resource, table))]
            for (part,), selected in wanted.group_by("part", maintain_order=True):
                keys = selected.select(pl.col("key").alias(name))
                frames.append(read(str(part)).join(keys, on=name, how="semi", maintain_order="left"))
            return pl.concat(frames).sort(name, maintain_order=True)

        return rows

    def lines(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Return records, given by `key` and `part`, as received."""
        main = self.layout.prefix + self.layout.resource.main.name
        frames = [pl.DataFrame(schema={"key": pl.String, ndjson.LINE: pl.Binary})]
        for (part,), selected in wanted.group_by("part", maintain_order=True):
            for file in self.parts[str(part)].tables[main]:
                if file.path.endswith(ndjson.SUFFIX):
                    with self.files.open(paths.staged(file.path)) as source:
                        whole = ndjson.with_keys(self.layout.resource, ndjson.lines(source))
                    frames.append(whole.join(selected.select("key"), on="key", how="semi"))
        return pl.concat(frames)

    def without(self, withdrawn: pl.DataFrame) -> "Incoming":
        """Return the fetched records without the withdrawn ones."""
        return replace(self, keys=self.keys.join(withdrawn, on="key", how="anti", maintain_order="left"))


def gather(files: Files, published: Layout, parts: Sequence[PartReceipt]) -> Incoming:
    """Read the fetched records of parts, for a dataset of that layout.

    Of a record in two parts the newer version stays, or else that of the later part.
    """
    own = incoming_layout(published)
    frames = [pl.DataFrame(schema={**KEYS, "turn": pl.Int64()})]
    for turn, part in enumerate(parts):
        wanted = list(dict.fromkeys([*identity_columns(own.resource), *published.partition_by]))
        main = _table(files, own, part, own.resource.main, wanted)
        identities = identity(own.resource, main).with_columns(
            folders(published, main), pl.lit(part.key).alias("part"), pl.lit(turn, pl.Int64).alias("turn")
        )
        frames.append(identities.select(frames[0].columns))
    ranked = pl.concat(frames).sort(["updated", "turn"], descending=True, nulls_last=True)
    keys = ranked.unique("key", keep="first", maintain_order=True).drop("turn").sort("key")
    return Incoming(files=files, layout=own, parts={part.key: part for part in parts}, keys=keys)


def _table(files: Files, own: Layout, part: PartReceipt, table: Table, wanted: Sequence[str] = ()) -> pl.DataFrame:
    schema = frame_schema(own.resource, table)
    names = list(wanted or schema)
    frames = [pl.DataFrame(schema={name: schema[name] for name in names})]
    for file in part.tables[own.prefix + table.name]:
        if not file.path.endswith(reader(own).suffix):
            continue
        with files.open(paths.staged(file.path)) as source:
            frames.append(reader(own).read(source, schema, names))
    return pl.concat(frames)
