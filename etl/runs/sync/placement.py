"""Place the records of a sync: they keep their place, or go to the one whose window they fall into.

Pure. New records of a full place begin a new part, so that a dataset that is synced every night keeps files small
enough to rewrite.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from etl.api.window import Window
from etl.completeness.slices import PART_RECORDS, key
from etl.dataset.reader import Place

FULL = 2 * PART_RECORDS
_BEGINNING = -(1 << 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Numbered places, and the numbers of each record's `old` and `new` place, null for none."""

    places: tuple[Place, ...]
    records: pl.DataFrame


def assign_places(keys: pl.DataFrame, held: pl.DataFrame, standing: Mapping[Place, int]) -> Placement:
    """Give every incoming record a place.

    `keys` are those of `Incoming`; `held` has `key` and `old`, the number of its place in the order of `standing`,
    which has the number of records of each place.
    """
    places = list(standing)
    homes = pl.DataFrame(
        {"old": range(len(places)), "home": [place.folder for place in places]},
        schema={"old": pl.Int64, "home": pl.String},
    )
    known = keys.join(held, on="key", how="left").join(homes, on="old", how="left")
    stays = pl.col("home").eq_missing(pl.col("folder"))
    frames = [known.filter(stays).with_columns(new="old")]
    for group, place in _placed(known.filter(~stays), standing):
        if place not in places:
            places.append(place)
        frames.append(group.with_columns(new=pl.lit(places.index(place), pl.Int64)))
    records = pl.concat(frames).select("key", "part", "old", "new").sort("key")
    return Placement(places=tuple(places), records=records)


def _placed(new: pl.DataFrame, standing: Mapping[Place, int]) -> Iterator[tuple[pl.DataFrame, Place]]:
    windows = sorted({(span, place.part) for place in standing if (span := window(place.part)) is not None}, key=_begin)
    fitted = new.with_columns(_fitting(new, windows).alias("fits"))
    for (folder, fits, part), records in fitted.group_by("folder", "fits", "part", maintain_order=True):
        there = [place.part for place in standing if place.folder == folder]
        home = Place(str(folder), str(fits if fits is not None else max(there, default=part)))
        rest = records.drop("fits")
        if standing.get(home, 0) + rest.height <= FULL:
            yield rest, home
        else:
            yield from _overflow(rest, home)


def _overflow(records: pl.DataFrame, home: Place) -> Iterator[tuple[pl.DataFrame, Place]]:
    """Begin new parts, each named by the time of its first record; records without times stay together."""
    timed = records.sort("created", "key", nulls_last=True)
    for start in range(0, timed.height, PART_RECORDS):
        piece = timed.slice(start, PART_RECORDS)
        first = piece["created"].dt.epoch("s")[0]
        yield piece, home if first is None else Place(home.folder, key(Window(first, None)))


def window(part: str) -> Window | None:
    """Return the window in the name of a part, None if it has another name."""
    match = _KEY.fullmatch(part)
    if not match:
        return None
    return Window(_moment(match[1], "0min"), _moment(match[2], "max"))


_KEY = re.compile(r"(0min|\d{8}T\d{6})-(max|\d{8}T\d{6})")


def _moment(text: str, opening: str) -> int | None:
    if text == opening:
        return None
    return int(datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp())


def _fitting(new: pl.DataFrame, windows: Sequence[tuple[Window, str]]) -> pl.Series:
    """Return the part whose window holds each record, the one that begins last if there are several; or null."""
    starts = pl.Series([_begin(entry) for entry in windows], dtype=pl.Int64)
    seconds = new["created"].dt.epoch("s").fill_null(_BEGINNING)
    at = starts.search_sorted(seconds, side="right").cast(pl.Int64) - 1
    names = [part for _, part in windows]
    ends = [span.end for span, _ in windows]
    fits = [
        names[number] if number >= 0 and (ends[number] is None or second < (ends[number] or 0)) else None
        for number, second in zip(at, seconds, strict=True)
    ]
    return pl.Series(fits, dtype=pl.String)


def _begin(entry: tuple[Window, str]) -> int:
    return _BEGINNING if entry[0].start is None else entry[0].start
