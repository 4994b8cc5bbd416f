"""The records held here, to compare with the server: counts by window first, then ids where the counts differ.

Windows of creation time tile the query. `reconcile` makes the requests; this module counts and compares the keys of the
published dataset and of the fetched records.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
import pyarrow.compute as pc

from etl.api.query import Query
from etl.completeness.index_changes import RECORDS
from etl.completeness.slices import Plan, Slice, key
from etl.dataset.reader import Published
from etl.runs.sync.incoming import Incoming
from etl.schema.declarations import Resource, Table
from etl.staging import pages
from etl.storage import paths
from etl.storage.files import Files

_BEGINNING = -(1 << 62)
_KEY = {"key": pl.String(), "old": pl.Int64()}


def no_records() -> pl.DataFrame:
    """Return an empty frame of records: `key`, and `old`, the number of the record's place, null if unpublished."""
    return pl.DataFrame(schema=_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The records held at one time: published and fetched ones, without those that are `withdrawn` (`key`, `old`)."""

    published: Published
    incoming: Incoming
    withdrawn: pl.DataFrame

    def counts(self, tiles: Sequence[Slice], bound: "Bound | None" = None) -> list[int]:
        """Count the records of each window, with a bound only those before its moment."""
        totals = [0] * len(tiles)
        for frame in self._now(tiles):
            for tile, count in _bounded(frame, bound)["tile"].value_counts().rows():
                totals[tile] += count
        return totals

    def seconds(
        self, tiles: Sequence[Slice], wanted: Sequence[int], bound: "Bound | None" = None
    ) -> dict[int, pl.Series]:
        """Return the known creation times of the records of some windows, sorted, with a bound as `counts` does."""
        frames = [pl.DataFrame(schema={"tile": pl.Int64(), "second": pl.Int64()})]
        for frame in self._now(tiles):
            counted = _bounded(frame, bound)
            selected = counted.filter(pl.col("tile").is_in(list(wanted)), pl.col("created").is_not_null())
            frames.append(selected.select("tile", pl.col("created").dt.epoch("s").alias("second")))
        return {at: selected["second"] for at, selected in by_window(pl.concat(frames).sort("second"), wanted)}

    def within(self, tiles: Sequence[Slice], wanted: Sequence[int]) -> pl.DataFrame:
        """Return the `key`, `old` and `tile` of the records of some windows."""
        frames = [pl.DataFrame(schema={**_KEY, "tile": pl.Int64()})]
        places_of = enumerate(frame for _, frame in self.published.records())
        for number, frame in (*places_of, (None, self.incoming.keys)):
            left = _with_window(frame.join(self.withdrawn, on="key", how="anti"), tiles)
            selected = left.filter(pl.col("tile").is_in(list(wanted)))
            frames.append(selected.select("key", pl.lit(number, pl.Int64).alias("old"), "tile"))
        return pl.concat(frames).group_by("key").agg(pl.col("old").max(), pl.col("tile").first()).sort("key")

    def recent_and_unlisted(self, bound: "Bound") -> pl.DataFrame:
        """Return the `key` and `old` of records that changed since the bound's moment and are not in `moved`."""
        frames = [no_records()]
        places_of = enumerate(frame for _, frame in self.published.records())
        for number, frame in (*places_of, (None, self.incoming.keys)):
            left = frame.join(self.withdrawn, on="key", how="anti")
            recent = left.filter(pl.col(bound.column).dt.epoch("s") >= bound.as_of)
            unlisted = recent.join(bound.moved, left_on="key", right_on="id", how="anti")
            frames.append(unlisted.select("key", pl.lit(number, pl.Int64).alias("old")))
        return pl.concat(frames).group_by("key").agg(pl.col("old").max()).sort("key")

    def times(self, tiles: Sequence[Slice], at: int) -> pl.DataFrame:
        """Return the records of one window with the columns of `RECORDS`."""
        frames = [pl.DataFrame(schema=RECORDS)]
        for frame in self._now(tiles):
            left = frame.filter(pl.col("tile") == at)
            seconds = [pl.col(name).dt.epoch("s").alias(name) for name in ("created", "updated")]
            frames.append(left.select(pl.col("key").alias("id"), *seconds).cast(RECORDS))  # type: ignore[arg-type]
        return pl.concat(frames)

    def _now(self, tiles: Sequence[Slice]) -> Iterator[pl.DataFrame]:
        """Yield each record once, with the number of its window as `tile`."""
        fetched = self.incoming.keys.select("key")
        frames = (frame.join(fetched, on="key", how="anti") for _, frame in self.published.records())
        for frame in itertools.chain(frames, [self.incoming.keys]):
            yield _with_window(frame.join(self.withdrawn, on="key", how="anti"), tiles)

    def fetched_before(self) -> pl.DataFrame:
        """Return the `key` and `old` of the fetched records that the published dataset has."""
        return self._published(how="semi")

    def not_fetched(self) -> pl.DataFrame:
        """Return the `key` and `old` of the published records that were not fetched."""
        return self._published(how="anti")

    def _published(self, *, how: str) -> pl.DataFrame:
        fetched = self.incoming.keys.select("key")
        frames = [no_records()]
        for number, (_, frame) in enumerate(self.published.records()):
            selected = frame.join(fetched, on="key", how=how)  # type: ignore[arg-type]
            frames.append(selected.select("key", pl.lit(number, pl.Int64).alias("old")))
        return pl.concat(frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The records that the server counts: with `column` before `as_of`, except those (`id`) that `moved` since."""

    column: str
    as_of: int
    moved: pl.DataFrame


def _bounded(frame: pl.DataFrame, bound: Bound | None) -> pl.DataFrame:
    if bound is None:
        return frame
    settled = frame.filter(pl.col(bound.column).dt.epoch("s") < bound.as_of)
    return settled.join(bound.moved, left_on="key", right_on="id", how="anti")


def all_windows(planned: Plan) -> tuple[Slice, ...]:
    """Return all windows of a plan in chronological order, including empty ones."""
    empty = (Slice(key=key(window), window=window, expected=0) for window in planned.empty)
    return tuple(sorted((*planned.slices, *empty), key=_begin))


def ids_query(query: Query) -> Query:
    """Return the query for only the ids of the same records."""
    resource = query.resource
    main = Table(name=resource.main.name, description=resource.main.description, columns=(resource.key,))
    fields = {f"fields[{resource.type}]": resource.key.name}
    bare: Resource = replace(resource, tables=(main,), includes=(), params={**resource.params, **fields})
    return replace(query, resource=bare, include=(), tables=(), detail=False)


def staged_ids(files: Files, piece: Slice) -> pl.DataFrame:
    """Return the staged ids of a slice, in lower case, as `key`."""
    staged = pages.staged_pages(files, paths.slice_folder(piece.key))
    series = [pl.Series(pc.utf8_lower(pages.read_columns(files, page.key, ["id"]).column(0))) for page in staged]
    every = pl.concat([pl.Series(dtype=pl.String), *series]).unique().drop_nulls()
    return pl.DataFrame({"key": every}, schema={"key": pl.String})


def _with_window(frame: pl.DataFrame, windows: Sequence[Slice]) -> pl.DataFrame:
    """Add the number of each record's window; records without a time belong to the one open to the past."""
    starts = pl.Series([_begin(piece) for piece in windows], dtype=pl.Int64)
    seconds = frame["created"].dt.epoch("s").fill_null(_BEGINNING)
    at = starts.search_sorted(seconds, side="right").cast(pl.Int64) - 1
    return frame.with_columns(at.alias("tile")).filter(pl.col("tile") >= 0)


def _begin(piece: Slice) -> int:
    return _BEGINNING if piece.window.start is None else piece.window.start


def by_window(frame: pl.DataFrame, wanted: Sequence[int]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the records of each wanted window, in order."""
    frames = frame.partition_by("tile", as_dict=True)
    for tile in wanted:
        yield tile, frames.get((tile,), frame.clear())
