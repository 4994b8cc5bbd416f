"""Read a published dataset: its files by place, and the records of each place.

A place is one part in one partition, the same in all tables: the records of a place have their rows in the files of
that place and nowhere else. This only reads; `merge` decides what happens to a place.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

import polars as pl

from etl.dataset import checksums
from etl.dataset.layout import Layout, read_file
from etl.dataset.manifest import DataFile, Manifest
from etl.records import ndjson
from etl.records.flatten import frame_schema
from etl.schema import withdrawn
from etl.schema.declarations import Resource, Table
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.formats import Reads


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A folder below that of each table (empty without partitions), and the name of a part in it."""

    folder: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The files of a dataset, by table and place, and their layout."""

    files: Files
    layout: Layout
    tables: Mapping[str, Mapping[Place, tuple[DataFile, ...]]]

    @property
    def places(self) -> list[Place]:
        """All places with records, in order."""
        return sorted(self.tables[self.layout.prefix + self.layout.resource.main.name])

    def frame(self, table: Table, place: Place, wanted: Sequence[str] = ()) -> pl.DataFrame:
        """Read columns of a table at a place, by default all in its files."""
        schema = self.layout.columns(table)
        names = list(wanted or schema)
        sink = reader(self.layout)
        here = self.tables[self.layout.prefix + table.name].get(place, ())
        frames = [read_file(self.files, sink, file, schema, wanted) for file in here if file.path.endswith(sink.suffix)]
        return pl.concat([pl.DataFrame(schema={name: schema[name] for name in names}), *frames])

    def lines(self, place: Place) -> pl.DataFrame:
        """Read the records of a place as received, with their keys."""
        frames = [pl.DataFrame(schema={"key": pl.String, ndjson.LINE: pl.Binary})]
        for file in self.tables[self.layout.prefix + self.layout.resource.main.name].get(place, ()):
            if file.path.endswith(ndjson.SUFFIX):
                records = ndjson.lines(io.BytesIO(checksums.read_checked(self.files, file)))
                frames.append(ndjson.with_keys(self.layout.resource, records))
        return pl.concat(frames)

    def records(self) -> Iterator[tuple[Place, pl.DataFrame]]:
        """Yield each place with the `key`, `created` and `updated` of its records."""
        for place in self.places:
            yield place, identity(self.layout.resource, self._main(place))

    def _main(self, place: Place) -> pl.DataFrame:
        main = self.layout.resource.main
        held = self.layout.columns(main)
        return self.frame(main, place, [name for name in identity_columns(self.layout.resource) if name in held])


def open_published(files: Files, layout: Layout, manifest: Manifest) -> Published:
    """Sort the files that a manifest lists by place, without files that have no rows."""
    listed = {name: facts.files for name, facts in manifest.tables.items()}
    main = {_file_place(file) for file in listed[layout.prefix + layout.resource.main.name]}
    names = [layout.prefix + table.name for table in layout.wanted]
    return Published(files=files, layout=layout, tables={name: _by_place(listed.get(name, ()), main) for name in names})


def identity_columns(resource: Resource) -> list[str]:
    """Name the columns of the main table that identify a record and say when it was created and changed."""
    held = {column.name for column in resource.main.columns}
    times = [name for name in (resource.slice_on, "updated") if name is not None]
    return list(dict.fromkeys([resource.key.name, *(name for name in times if name in held)]))


def identity(resource: Resource, main: pl.DataFrame) -> pl.DataFrame:
    """Return `key`, `created` (the column that slices the resource) and `updated` of main rows; null if unknown."""

    def time(name: str | None) -> pl.Expr:
        known = pl.col(name) if name in main.columns else pl.lit(None)
        return known.cast(pl.Datetime("us", "UTC"))

    return main.select(
        pl.col(resource.key.name).alias("key"),
        time(resource.slice_on).alias("created"),
        time("updated").alias("updated"),
    )


def reader(layout: Layout) -> Reads:
    """Choose the format from which to read a dataset: Parquet if there is one, for it is typed and columnar."""
    if not layout.sinks:
        return ndjson.Lines(layout.resource)
    return next((sink for sink in layout.sinks if sink.suffix == ".parquet"), layout.sinks[0])


def tombstone_layout(layout: Layout) -> Layout:
    """Return the layout of the table of withdrawn records: one file, in the dataset's formats."""
    return replace(
        layout,
        resource=withdrawn.resource(layout.resource),
        sinks=layout.rows,
        lines=False,
        partition_by=(),
        tables=(),
        prefix="",
    )


def folders(layout: Layout, main: pl.DataFrame) -> pl.Series:
    """Return the partition folder of each main row."""
    texts = main.select(frame_cast(layout, name) for name in layout.partition_by)
    known: dict[tuple[str | None, ...], str] = {}
    for values in texts.unique().iter_rows():
        pairs = list(zip(layout.partition_by, values, strict=True))
        known[values] = paths.data_file("", pairs, "", "").strip("/")
    if not layout.partition_by:
        return pl.Series("folder", [""] * main.height, dtype=pl.String)
    return pl.Series("folder", [known[values] for values in texts.iter_rows()], dtype=pl.String)


def frame_cast(layout: Layout, name: str) -> pl.Expr:
    """Write a partition column as in the names of its folders."""
    return pl.col(name).cast(frame_schema(layout.resource, layout.resource.main)[name]).cast(pl.String)


def _by_place(files: Sequence[DataFile], main: set[Place]) -> dict[Place, tuple[DataFile, ...]]:
    places_of: dict[Place, list[DataFile]] = defaultdict(list)
    for file in files:
        if file.rows:
            places_of[_record_place(_file_place(file), main)].append(file)
    return {place: tuple(files) for place, files in places_of.items()}


def _file_place(file: DataFile) -> Place:
    path = PurePosixPath(file.path)
    folder = str(path.parent).partition("/")[2]
    return Place(folder, paths.stem(file.path))


def _record_place(seat: Place, main: set[Place]) -> Place:
    """Return the place of a file; further files of a long place have a number."""
    numbered = re.fullmatch(r"(.+)-\d+", seat.part)
    first = Place(seat.folder, numbered[1]) if numbered else seat
    return first if first in main else seat


def with_partition_columns(layout: Layout, main: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Add the columns whose values are only in the names of the place's folders."""
    schema = frame_schema(layout.resource, layout.resource.main)
    spellings = dict(part.split("=", 1) for part in place.folder.split("/") if part)
    texts = {name: None if text == paths.NULL else unquote(text) for name, text in spellings.items()}
    values = [_typed(texts[name], schema[name]).alias(name) for name in layout.partition_by]
    return main.with_columns(values).select(*schema)


def _typed(text: str | None, dtype: pl.DataType) -> pl.Expr:
    """Return a partition's value."""
    if dtype == pl.Boolean:
        return pl.lit(None if text is None else text == "true", dtype)
    return pl.lit(text, pl.String).cast(dtype)
