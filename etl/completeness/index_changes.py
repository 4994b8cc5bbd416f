"""What moved while a run went on: records received against records listed now.

Pure. Frames of records have the columns of `RECORDS`: id, and creation and last change in epoch seconds. The lists are
requested by `count_changes`, single records by `confirm_deletions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import polars as pl

from etl.api.window import EVERYTHING, Window, moment
from etl.completeness.verdict import Listing, Move
from etl.schema.declarations import Json


class Fate(Enum):
    """What has become of a record that a list has no more: gone, changed so that the query has it no more, or else."""

    GONE = auto()
    CHANGED = auto()
    UNKNOWN = auto()


RECORDS: dict[str, pl.DataType] = {"id": pl.String(), "created": pl.Int64(), "updated": pl.Int64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What a list has that did not come, and what came that it does not have; `settled` is the number it counts."""

    missing: tuple[str, ...]
    gone: tuple[str, ...]
    settled: int


def compare(received: pl.DataFrame, listed: pl.DataFrame, *, as_of: int) -> Differences:
    """Compare the records of a slice with those listed now; what changed at or after `as_of` is movement."""
    before = listed.filter(pl.max_horizontal("created", "updated").fill_null(as_of) < as_of)
    return Differences(
        missing=tuple(before.join(received, on="id", how="anti")["id"].unique().sort()),
        gone=tuple(received.join(listed, on="id", how="anti")["id"].unique().sort()),
        settled=before["id"].n_unique(),
    )


def explained(found: Differences, fates: Mapping[str, Fate]) -> Listing:
    """Return what a listing leaves open, given the fates of the records that it does not have."""
    strange = sum(fates.get(name) is Fate.UNKNOWN for name in found.gone)
    return Listing(missing=found.missing, strange=strange)


def moves(fates: Mapping[str, Fate], key: str) -> list[Move]:
    """Return the moves of records whose fate is known."""
    kinds = {Fate.GONE: "withdrawn", Fate.CHANGED: "changed"}
    return [Move(id=name, kind=kinds[fate], slice_key=key) for name, fate in fates.items() if fate in kinds]


def left(received: pl.DataFrame, movers: pl.DataFrame, *, as_of: int) -> int:
    """Count the records that came as they were before `as_of` and have changed since."""
    settled = received.filter(pl.col("updated").fill_null(pl.col("created")) < as_of)
    return settled.join(movers, on="id", how="semi")["id"].n_unique()


def named(movers: pl.DataFrame, *, as_of: int, key: str) -> list[Move]:
    """Return the moves of records that changed at or after `as_of`."""
    kinds = movers.with_columns(pl.col("created").fill_null(as_of - 1) >= as_of).sort("id")
    return [
        Move(id=name, kind="created" if new else "changed", slice_key=key)
        for name, new in kinds.select("id", "created").iter_rows()
    ]


def within(records: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return the records created in a window; those without a time are in the one that is open to the past."""
    if window == EVERYTHING:
        return records
    created = pl.col("created").fill_null(-(1 << 62))
    start = pl.lit(value=True) if window.start is None else created >= window.start
    return records.filter(start if window.end is None else start & (created < window.end))


def moment_of(text: Json) -> int | None:
    """Read a record's time as epoch seconds, None if it is none."""
    try:
        return moment(text) if isinstance(text, str) else None
    except ValueError:
        return None
