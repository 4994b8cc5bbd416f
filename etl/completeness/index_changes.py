"""Changes of the index during a run: compare the records received with those listed now.

Pure. Frames of records have the columns of `RECORDS`: id, and creation and last change in epoch seconds.
`count_changes` requests the lists, `confirm_deletions` single records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import polars as pl

from etl.api.window import EVERYTHING, Window, moment
from etl.completeness.verdict import ListingOutcome, Move
from etl.schema.declarations import Json


class Fate(Enum):
    """What happened to a record that is no longer listed; CHANGED means that the query no longer matches it."""

    GONE = auto()
    CHANGED = auto()
    UNKNOWN = auto()


RECORDS: dict[str, pl.DataType] = {"id": pl.String(), "created": pl.Int64(), "updated": pl.Int64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Listed records that did not arrive, and received ones that are no longer listed.

    `settled` counts the listed records that changed before the moment of the proof.
    """

    missing: tuple[str, ...]
    unlisted: tuple[str, ...]
    settled: int


def compare(received: pl.DataFrame, listed: pl.DataFrame, *, as_of: int) -> Differences:
    """Compare the records of a slice with those listed now; changes at or after `as_of` are movement."""
    before = listed.filter(pl.max_horizontal("created", "updated").fill_null(as_of) < as_of)
    return Differences(
        missing=tuple(before.join(received, on="id", how="anti")["id"].unique().sort()),
        unlisted=tuple(received.join(listed, on="id", how="anti")["id"].unique().sort()),
        settled=before["id"].n_unique(),
    )


def settle(differences: Differences, fates: Mapping[str, Fate]) -> ListingOutcome:
    """Return what a listing leaves unexplained, given the fates of the unlisted records."""
    strange = sum(fates.get(name) is Fate.UNKNOWN for name in differences.unlisted)
    return ListingOutcome(missing=differences.missing, strange=strange)


def moves_by_fate(fates: Mapping[str, Fate], key: str) -> list[Move]:
    """Return the moves of records whose fate is known."""
    kinds = {Fate.GONE: "withdrawn", Fate.CHANGED: "changed"}
    return [Move(id=name, kind=kinds[fate], slice_key=key) for name, fate in fates.items() if fate in kinds]


def count_changed(received: pl.DataFrame, movers: pl.DataFrame, *, as_of: int) -> int:
    """Count the records that were received as of before `as_of` and have changed since."""
    settled = received.filter(pl.col("updated").fill_null(pl.col("created")) < as_of)
    return settled.join(movers, on="id", how="semi")["id"].n_unique()


def moves_by_time(movers: pl.DataFrame, *, as_of: int, key: str) -> list[Move]:
    """Return the moves of records that changed at or after `as_of`."""
    kinds = movers.with_columns(pl.col("created").fill_null(as_of - 1) >= as_of).sort("id")
    return [
        Move(id=name, kind="created" if new else "changed", slice_key=key)
        for name, new in kinds.select("id", "created").iter_rows()
    ]


def within(records: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return the records created in a window; those without a creation time belong to the one open to the past."""
    if window == EVERYTHING:
        return records
    created = pl.col("created").fill_null(-(1 << 62))
    start = pl.lit(value=True) if window.start is None else created >= window.start
    return records.filter(start if window.end is None else start & (created < window.end))


def moment_of(text: Json) -> int | None:
    """Read a record's time as epoch seconds, None if it is missing or invalid."""
    try:
        return moment(text) if isinstance(text, str) else None
    except ValueError:
        return None
