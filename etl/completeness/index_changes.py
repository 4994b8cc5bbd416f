"""What moved while a run went on: records received against records listed now, a slice at a time.

Pure. Frames of records have the columns of `RECORDS`: id, and creation and last change in epoch seconds. Who asks
for the list is `explaining`, who asks for single records `confirming`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto

import polars as pl

from etl.api.window import moment
from etl.completeness.verdict import Move, Tally
from etl.schema.declarations import Json

_LONG_AGO = 0
"""When a record was created that does not say so."""
_UNNAMED = 20
_UNNAMED_SHARE = 1_000
"""So many of a slice, or one in so many, may vanish before they came: an index that loses a part loses far more."""


class Fate(Enum):
    """What has become of a record that a list has no more: gone, changed so that the query has it no more, or else."""

    GONE = auto()
    CHANGED = auto()
    UNKNOWN = auto()


RECORDS: dict[str, pl.DataType] = {"id": pl.String(), "created": pl.Int64(), "updated": pl.Int64()}


def compare(
    tally: Tally, received: pl.DataFrame, listed: pl.DataFrame, *, since: int, vanished: Sequence[str] = ()
) -> tuple[Tally, list[Move]]:
    """Return a slice's tally with the total of the list, and what moved since a moment to make the difference.

    A record that is listed, did not come, and is older than the moment did not move: it is missing. Those that
    `vanished` had come in an earlier walk, and not in the one that counts.
    """
    received, listed = (frame.with_columns(pl.col("created").fill_null(_LONG_AGO)) for frame in (received, listed))
    came_later = listed.join(received, on="id", how="anti").sort("id")
    gone = received.join(listed, on="id", how="anti").sort("id")
    moves = [
        *_each(tally.key, "created", _created(came_later, since), after=True),
        *_each(tally.key, "changed", _changed(came_later, since), after=True),
        *_each(tally.key, "withdrawn", gone.filter(pl.col("created") < since), before=True, received=True),
        *_each(tally.key, "withdrawn", _created(gone, since), received=True),
    ]
    counted = replace(tally, expected_after=listed.height)
    before = pl.DataFrame({"id": vanished}, schema={"id": pl.String()})
    lost = before.join(listed, on="id", how="anti")["id"].unique().sort().to_list()
    return counted, moves + _before(counted, moves, received.join(gone, on="id", how="anti"), since, lost)


def _before(tally: Tally, moves: list[Move], stayed: pl.DataFrame, since: int, lost: Sequence[str]) -> list[Move]:
    """Explain what the total before lacks or has too many of, after the moves that are known.

    It lacks records that were created, or changed so that the query has them, and still came in time. Records that
    it has too many of were withdrawn before they came: unless they are among the `lost`, which had come before,
    nobody knows their names, so that only few are believed.
    """
    if tally.expected_before is None or tally.expected_after is None:
        return []
    lacking = tally.expected_after - tally.expected_before - sum(move.after - move.before for move in moves)
    if lacking < 0:
        named = lost[:-lacking]
        unnamed = -lacking - len(named)
        if unnamed > max(_UNNAMED, tally.expected_before // _UNNAMED_SHARE):
            return []
        return [_never_came(tally.key, name) for name in [*named, *[""] * unnamed]]
    in_time = [
        *_each(tally.key, "created", _created(stayed, since).sort("id"), after=True, received=True),
        *_each(tally.key, "changed", _changed(stayed, since).sort("id"), after=True, received=True),
    ]
    return in_time[:lacking]


def _never_came(key: str, name: str) -> Move:
    return Move(id=name, kind="withdrawn", slice_key=key, before=True, after=False, received=False)


def _created(records: pl.DataFrame, since: int) -> pl.DataFrame:
    return records.filter(pl.col("created") >= since)


def _changed(records: pl.DataFrame, since: int) -> pl.DataFrame:
    return records.filter(pl.col("created") < since, pl.col("updated") >= since)


def missing(received: pl.DataFrame, listed: pl.DataFrame, *, since: int) -> list[str]:
    """Name the records that are listed, did not come, and have not moved."""
    absent = listed.join(received, on="id", how="anti")
    still = pl.max_horizontal("created", "updated").fill_null(since) < since
    return sorted(absent.filter(still)["id"])


def withdrawn(found: Iterable[Move]) -> list[str]:
    """Name the records that came and are no longer listed."""
    return [move.id for move in found if move.kind == "withdrawn" and move.id]


def confirmed(found: Iterable[Move], fates: Mapping[str, Fate]) -> list[Move]:
    """Keep the moves that are known to have been: a record that is neither gone nor changed explains nothing."""
    kept: list[Move] = []
    for move in found:
        fate = fates.get(move.id, Fate.GONE) if move.kind == "withdrawn" else Fate.GONE
        if fate is not Fate.UNKNOWN:
            kept.append(replace(move, kind="changed") if fate is Fate.CHANGED else move)
    return kept


def moment_of(text: Json) -> int | None:
    """Read a record's time as epoch seconds, None if it is none."""
    try:
        return moment(text) if isinstance(text, str) else None
    except ValueError:
        return None


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
