from datetime import UTC, datetime

import polars as pl

from etl.api.window import EVERYTHING, Window, year_start
from etl.completeness.slices import key
from etl.dataset.reader import Place
from etl.runs.sync import placement
from etl.runs.sync.incoming import KEYS

OLD, NEW = key(Window(None, year_start(2020))), key(Window(year_start(2020), None))


def records(*found):
    """Return incoming records, given as (key, year of creation, folder)."""
    rows = [
        (name, None if year is None else datetime(year, 6, 1, tzinfo=UTC), None, folder, "p")
        for name, year, folder in found
    ]
    return pl.DataFrame(rows, schema=KEYS, orient="row")


def seated(keys, held, standing):
    """Place records and return (old, new) places by key."""
    known = pl.DataFrame(held, schema={"key": pl.String, "old": pl.Int64}, orient="row")
    found = placement.assign_places(keys, known, standing)
    place = {None: None, **dict(enumerate(found.places))}
    return {row["key"]: (place[row["old"]], place[row["new"]]) for row in found.records.iter_rows(named=True)}


def test_a_known_record_keeps_its_place():
    """A record stays in its part, whatever the windows suggest."""
    home = Place("y=1", OLD)
    assert seated(records(("a", 2024, "y=1")), [("a", 0)], {home: 1}) == {"a": (home, home)}


def test_a_record_whose_partition_changed_moves():
    """It moves to the other folder, into the part whose window it falls into."""
    standing = {Place("y=1", OLD): 1, Place("y=2", NEW): 1, Place("y=2", OLD): 1}
    moved = seated(records(("a", 2024, "y=2")), [("a", 0)], standing)
    assert moved == {"a": (Place("y=1", OLD), Place("y=2", NEW))}


def test_a_new_record_goes_where_its_window_is():
    """This includes new folders; without a matching window it joins the last part of its folder."""
    standing = {Place("y=1", OLD): 1, Place("y=1", NEW): 1}
    found = seated(records(("a", 2019, "y=1"), ("b", 2020, "y=9")), [], standing)
    assert found == {"a": (None, Place("y=1", OLD)), "b": (None, Place("y=9", NEW))}
    assert seated(records(("a", 2019, "")), [], {Place("", "0007"): 1}) == {"a": (None, Place("", "0007"))}
    assert seated(records(("a", None, "")), [], {}) == {"a": (None, Place("", "p"))}


def test_new_records_of_a_full_place_begin_a_part_of_their_own():
    """So files that are rewritten every night do not grow forever; later records find the part by its window."""
    whole = Place("", key(EVERYTHING))
    full = {whole: placement.FULL}
    begun = Place("", key(Window(int(datetime(2024, 6, 1, tzinfo=UTC).timestamp()), None)))
    assert seated(records(("a", 2024, "")), [], full) == {"a": (None, begun)}
    assert seated(records(("b", 2025, "")), [], {**full, begun: 1}) == {"b": (None, begun)}


def test_a_part_is_named_after_its_window():
    """The window is read back from the name; other names have none."""
    for window in (EVERYTHING, Window(None, 1), Window(year_start(2020), year_start(2021))):
        assert placement.window(key(window)) == window
    assert placement.window("part_0001") is None
