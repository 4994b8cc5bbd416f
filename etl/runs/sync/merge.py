"""Merge fetched records into a published dataset, place by place and table by table, and stage the result.

Files without changed rows are kept. The rows of a record are replaced as a whole. `reconcile` has decided which records
were fetched and which are withdrawn; `store` publishes the staged dataset.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from etl.dataset.layout import Layout
from etl.dataset.manifest import DataFile
from etl.dataset.reader import Place, Published, with_partition_columns
from etl.dataset.store import Store
from etl.records import ndjson, row_changes
from etl.records.ordering import split
from etl.runs.sync.incoming import Incoming, Rows
from etl.runs.sync.placement import Placement
from etl.schema.declarations import Table
from etl.staging import ndjson_files, table_writer
from etl.staging.table_writer import MOST_ROWS

_AT_ONCE = 2
"""Number of places that are merged concurrently: their rows are in memory, and polars alone leaves a core idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The records to merge; `withdrawn` has `key` and `old`, the number of the place that a record leaves."""

    store: Store
    published: Published
    incoming: Incoming
    seated: Placement
    withdrawn: pl.DataFrame

    @property
    def layout(self) -> Layout:
        """The layout of the dataset."""
        return self.published.layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The staged files by table, the differences (`key`, `column`), and the main rows of withdrawn records."""

    tables: Mapping[str, tuple[DataFile, ...]]
    changed: tuple[pl.DataFrame, ...] = ()
    withdrawn: tuple[pl.DataFrame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlaceChanges:
    """The touched records of one place: those that stay, leave or come, with the part in which each was fetched."""

    place: Place
    stay: pl.DataFrame
    leave: pl.DataFrame
    come: pl.DataFrame
    moved: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def untouched(self) -> bool:
        return not (self.stay.height or self.leave.height or self.come.height)


def merge(job: Merge) -> Merged:
    """Stage the merged tables; this can be repeated with the same outcome."""
    tables: dict[str, tuple[DataFile, ...]] = {}
    changed: list[pl.DataFrame] = []
    every = [_place_changes(job, number, place) for number, place in enumerate(job.seated.places)]
    withdrawn = tuple(_last_known(job, here) for here in every if here.leave.height)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="merge") as threads:
        for table in job.layout.wanted:
            merged = list(threads.map(partial(_table, job, table, job.incoming.rows(table)), every))
            tables[job.layout.prefix + table.name] = tuple(file for files, _ in merged for file in files)
            changed += [frame for _, differing in merged for frame in differing]
    return Merged(tables=tables, changed=tuple(changed), withdrawn=withdrawn)


def _place_changes(job: Merge, number: int, place: Place) -> _PlaceChanges:
    records = job.seated.records
    leaving = records.filter(pl.col("old") == number, pl.col("new") != number)
    withdrawn = job.withdrawn.filter(pl.col("old") == number).select("key")
    return _PlaceChanges(
        place=place,
        stay=records.filter(pl.col("old") == number, pl.col("new") == number).select("key", "part"),
        leave=pl.concat([leaving.select("key"), withdrawn]),
        come=records.filter(pl.col("new") == number, pl.col("old").ne_missing(number)).select("key", "part"),
        moved=leaving.select("key", "part"),
    )


def _last_known(job: Merge, here: _PlaceChanges) -> pl.DataFrame:
    """Return the main rows of the records that leave the dataset from this place."""
    main = job.layout.resource.main
    rows = job.published.frame(main, here.place)
    left = here.leave.join(here.moved, on="key", how="anti")
    withdrawn = rows.join(left, left_on=job.layout.resource.key.name, right_on="key", how="semi")
    return with_partition_columns(job.layout, withdrawn, here.place)


def _table(job: Merge, table: Table, fetched: Rows, here: _PlaceChanges) -> tuple[list[DataFile], list[pl.DataFrame]]:
    """Merge one table of one place; return its files and the differences."""
    every = job.published.tables[job.layout.prefix + table.name].get(here.place, ())
    if here.untouched:
        return _keep(job, every), []
    files, differences = _rows(job, table, fetched, here, [file for file in every if not _of_records(job, table, file)])
    if table.name == job.layout.resource.main.name and job.layout.lines:
        files += _lines(job, here, [file for file in every if _of_records(job, table, file)])
    return files, differences


def _of_records(job: Merge, table: Table, file: DataFile) -> bool:
    main = table.name == job.layout.resource.main.name
    return job.layout.lines and main and file.path.endswith(ndjson.SUFFIX)


def _lines(job: Merge, here: _PlaceChanges, files: Sequence[DataFile]) -> list[DataFile]:
    """Merge the records of one place as received."""
    old = job.published.lines(here.place)
    out = pl.concat([here.stay.select("key"), here.leave])
    new = job.incoming.lines(pl.concat([here.stay, here.come]))
    kept = old.join(out, on="key", how="anti")
    whole = pl.concat([kept, new]).sort("key")
    if whole.equals(old):
        return _keep(job, files)
    if not whole.height:
        return []
    folder = "/".join(filter(None, (job.layout.prefix + job.layout.resource.main.name, here.place.folder)))
    path = f"{folder}/{here.place.part}{ndjson.SUFFIX}"
    return [ndjson_files.write_records(job.store.files, path, whole[ndjson.LINE])]


def _rows(
    job: Merge, table: Table, fetched: Rows, here: _PlaceChanges, files: Sequence[DataFile]
) -> tuple[list[DataFile], list[pl.DataFrame]]:
    """Merge the rows of one table of one place."""
    key = job.layout.resource.key.name if table.name == job.layout.resource.main.name else job.layout.resource.parent
    names = list(job.layout.columns(table))
    old = job.published.frame(table, here.place).with_columns(pl.col(key).set_sorted())
    refetched = pl.concat([here.stay, here.moved])
    new = fetched(refetched).select(names)
    before = old.join(refetched, left_on=key, right_on="key", how="semi", maintain_order="left")
    differing = row_changes.changed_keys(before, new, key)
    out = pl.concat([pl.DataFrame({"key": differing}), here.leave]).unique()
    stayed = new.join(here.moved, left_on=key, right_on="key", how="anti", maintain_order="left")
    back = stayed.filter(pl.col(key).is_in(differing.implode()))
    come = fetched(here.come).select(names)
    kept = old.join(out, left_on=key, right_on="key", how="anti", maintain_order="left")
    differences = [_differences(job, table, before, new, differing)]
    if kept.height == old.height and not (back.height or come.height):
        return _keep(job, files), differences
    rows = pl.concat([kept, back, come]).sort(key, maintain_order=True)
    return list(write_place(job.store, job.layout, table, here.place, rows)), differences


def _differences(
    job: Merge, table: Table, before: pl.DataFrame, new: pl.DataFrame, differing: pl.Series
) -> pl.DataFrame:
    """Say what differs: the columns of the main table, or the name of a child table."""
    resource = job.layout.resource
    if table.name != resource.main.name:
        return pl.DataFrame({"key": differing}).select("key", pl.lit(table.name).alias("column"))
    key = resource.key.name
    return row_changes.changed_columns(before.filter(pl.col(key).is_in(differing.implode())), new, key)


def _keep(job: Merge, files: Sequence[DataFile]) -> list[DataFile]:
    for file in files:
        job.store.keep(file.path)
    return list(files)


def write_place(store: Store, layout: Layout, table: Table, place: Place, frame: pl.DataFrame) -> Iterator[DataFile]:
    """Stage the files of one table at one place, in every format; none if there are no rows."""
    folder = "/".join(filter(None, (layout.prefix + table.name, place.folder)))
    for number, rows in enumerate(split(frame, MOST_ROWS) if frame.height else ()):
        stem = f"{place.part}-{number}" if number else place.part
        for sink in layout.sinks:
            path = f"{folder}/{stem}{sink.suffix}"
            yield table_writer.write_file(store.files, layout, table, sink, (path, rows))
