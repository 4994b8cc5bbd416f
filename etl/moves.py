"""What moved while a run went on: records received against records listed now, a slice at a time (SPEC section 5).

Pure. Frames of records have the columns of `RECORDS`: id, and creation and last change in epoch seconds. Who asks
for the list is `explaining`.
"""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from etl.completeness import Move, Tally

RECORDS: dict[str, pl.DataType] = {"id": pl.String(), "created": pl.Int64(), "updated": pl.Int64()}


def compare(tally: Tally, received: pl.DataFrame, listed: pl.DataFrame, *, since: int) -> tuple[Tally, list[Move]]:
    """Return a slice's tally with the total of the list, and what moved since a moment to make the difference.

    A record that is listed, did not come, and is older than the moment did not move: it is missing.
    """
    came_later = listed.join(received, on="id", how="anti").sort("id")
    gone = received.join(listed, on="id", how="anti").sort("id")
    moves = [
        *_each(tally.key, "created", _created(came_later, since), after=True),
        *_each(tally.key, "changed", _changed(came_later, since), after=True),
        *_each(tally.key, "withdrawn", gone.filter(pl.col("created") < since), before=True, received=True),
        *_each(tally.key, "withdrawn", _created(gone, since), received=True),
    ]
    counted = replace(tally, expected_after=listed.height)
    return counted, moves + _before(counted, moves, received.join(gone, on="id", how="anti"), since)


def _before(tally: Tally, moves: list[Move], stayed: pl.DataFrame, since: int) -> list[Move]:
    """Explain what the total before lacks or has too many of, after the moves that are known.

    It lacks records that were created, or changed so that the query has them, and still came in time. Records that
    it has too many of were withdrawn before they came: nobody knows their names.
    """
    if tally.expected_before is None or tally.expected_after is None:
        return []
    lacking = tally.expected_after - tally.expected_before - sum(move.after - move.before for move in moves)
    if lacking < 0:
        unnamed = Move(id="", kind="withdrawn", slice_key=tally.key, before=True, after=False, received=False)
        return [unnamed] * -lacking
    in_time = [
        *_each(tally.key, "created", _created(stayed, since).sort("id"), after=True, received=True),
        *_each(tally.key, "changed", _changed(stayed, since).sort("id"), after=True, received=True),
    ]
    return in_time[:lacking]


def _created(records: pl.DataFrame, since: int) -> pl.DataFrame:
    return records.filter(pl.col("created") >= since)


def _changed(records: pl.DataFrame, since: int) -> pl.DataFrame:
    return records.filter(pl.col("created") < since, pl.col("updated") >= since)


def missing(received: pl.DataFrame, listed: pl.DataFrame, *, since: int) -> list[str]:
    """Name the records that are listed, did not come, and have not moved."""
    absent = listed.join(received, on="id", how="anti")
    still = pl.max_horizontal("created", "updated").fill_null(since) < since
    return sorted(absent.filter(still)["id"])


def _each(key: str | None, kind: str, records: pl.DataFrame, **flags: bool) -> Iterable[Move]:
    where = {"before": False, "after": False, "received": False} | flags
    return (Move(id=name, kind=kind, slice_key=key, **where) for name in records["id"])


def beside(listed: pl.DataFrame, *, since: int) -> list[Move]:
    """Return the moves of records that are listed now where there was nothing when the run was planned."""
    created = _each(None, "created", _created(listed, since).sort("id"), after=True)
    return [*created, *_each(None, "changed", _changed(listed, since).sort("id"), after=True)]


def late(lacking: int, listed: list[Move]) -> list[Move]:
    """Explain the last total of the query after the slices': by what is listed newly, or what nobody can name."""
    if lacking >= 0:
        return listed[:lacking]
    return [Move(id="", kind="withdrawn", slice_key=None, before=True, after=False, received=True)] * -lacking
