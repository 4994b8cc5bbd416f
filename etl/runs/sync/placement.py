"""Where records go when a dataset is brought up to date: the place they have, or the one whose window they fall into.

Pure. New records of a place that is full begin a part of their own, so that a dataset that is brought up to date every
night keeps files of a size that can be rewritten.
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
class Seated:
    """Numbered places, and for each record the number of its `old` place and of its `new` one, null for none."""

    places: tuple[Place, ...]
    records: pl.DataFrame


def seat(keys: pl.DataFrame, held: pl.DataFrame, standing: Mapping[Place, int]) -> Seated:
    """Give every incoming record a place.

    `keys` are those of `Incoming`; `held` has `key` and `old`, the number of its place in the order of `standing`,
    which tells how many records each place has.
    """
    places = list(standing)
    homes = pl.DataFrame(
        {"old": range(len(places)), "home": [place.folder for place in places]},
        schema={"old": pl.Int64, "home": pl.String},
    )
    known = keys.join(held, on="key", how="left").join(homes, on="old", how="left")
    stays = pl.col("home").eq_missing(pl.col("folder"))
    found = [known.filter(stays).with_columns(new="old")]
    for some, place in _placed(known.filter(~stays), standing):
        if place not in places:
            places.append(place)
        found.append(some.with_columns(new=pl.lit(places.index(place), pl.Int64)))
    records = pl.concat(found).select("key", "part", "old", "new").sort("key")
    return Seated(places=tuple(places), records=records)


def _placed(new: pl.DataFrame, standing: Mapping[Place, int]) -> Iterator[tuple[pl.DataFrame, Place]]:
    windows = sorted(
        {(found, place.part) for place in standing if (found := window(place.part)) is not None}, key=_begin
    )
    fitted = new.with_columns(_fitting(new, windows).alias("fits"))
    for (folder, fits, part), some in fitted.group_by("folder", "fits", "part", maintain_order=True):
        there = [place.part for place in standing if place.folder == folder]
        home = Place(str(folder), str(fits if fits is not None else max(there, default=part)))
        rest = some.drop("fits")
        if standing.get(home, 0) + rest.height <= FULL:
            yield rest, home
        else:
            yield from _overflow(rest, home)


def _overflow(some: pl.DataFrame, home: Place) -> Iterator[tuple[pl.DataFrame, Place]]:
    """Begin new parts, each named after the time of its first record; without times there is nothing to name one by."""
    timed = some.sort("created", "key", nulls_last=True)
    for start in range(0, timed.height, PART_RECORDS):
        piece = timed.slice(start, PART_RECORDS)
        first = piece["created"].dt.epoch("s")[0]
        yield piece, home if first is None else Place(home.folder, key(Window(first, None)))


def window(part: str) -> Window | None:
    """Return the window that a part is named after, None if it is called otherwise."""
    found = _KEY.fullmatch(part)
    if not found:
        return None
    return Window(_moment(found[1], "0min"), _moment(found[2], "max"))


_KEY = re.compile(r"(0min|\d{8}T\d{6})-(max|\d{8}T\d{6})")


def _moment(text: str, opening: str) -> int | None:
    if text == opening:
        return None
    return int(datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp())


def _fitting(new: pl.DataFrame, windows: Sequence[tuple[Window, str]]) -> pl.Series:
    """Return the part whose window holds each record, the one that begins last if there are several; or null."""
    starts = pl.Series([_begin(one) for one in windows], dtype=pl.Int64)
    seconds = new["created"].dt.epoch("s").fill_null(_BEGINNING)
    at = starts.search_sorted(seconds, side="right").cast(pl.Int64) - 1
    names = [part for _, part in windows]
    ends = [one.end for one, _ in windows]
    fits = [
        names[number] if number >= 0 and (ends[number] is None or second < (ends[number] or 0)) else None
        for number, second in zip(at, seconds, strict=True)
    ]
    return pl.Series(fits, dtype=pl.String)


def _begin(entry: tuple[Window, str]) -> int:
    return _BEGINNING if entry[0].start is None else entry[0].start
