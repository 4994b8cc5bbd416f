"""Records that moved during a run are distinguished from missing ones."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import EVERYTHING, Window
from etl.completeness import index_changes
from etl.completeness.index_changes import Fate, compare
from etl.completeness.verdict import ListingOutcome

AS_OF = 1000
OLD = [("a", 1, 1), ("b", 2, 2), ("c", 3, 3)]


def records(*rows: tuple[str, int | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=index_changes.RECORDS, orient="row")


@pytest.mark.parametrize("young", [("d", 1001, 1001), ("d", 4, 1001), ("d", 1000, 1000)])
def test_what_changed_at_or_after_the_moment_is_not_missing(young: tuple[str, int, int]) -> None:
    """It may have been listed late, or become findable with an old date of creation."""
    found = compare(records(*OLD), records(*OLD, young), as_of=AS_OF)
    assert (found.missing, found.unlisted, found.settled) == ((), (), 3)


def test_a_record_that_is_listed_and_did_not_come_is_missing_if_it_is_old() -> None:
    """It is named, and counted among what should be here."""
    found = compare(records(*OLD[:2]), records(*OLD, ("d", 1, 999)), as_of=AS_OF)
    assert (found.missing, found.settled) == (("c", "d"), 4)


def test_what_came_and_is_no_longer_listed_is_told_by_its_fate() -> None:
    """Withdrawn and changed records are named; one that still exists unchanged leaves the comparison open."""
    found = compare(records(*OLD), records(), as_of=AS_OF)
    fates = {"a": Fate.GONE, "b": Fate.CHANGED, "c": Fate.UNKNOWN}
    assert found.unlisted == ("a", "b", "c")
    assert index_changes.settle(found, fates) == ListingOutcome(strange=1)
    assert [(move.id, move.kind) for move in index_changes.moves_by_fate(fates, "s")] == [
        ("a", "withdrawn"),
        ("b", "changed"),
    ]


def test_records_that_came_as_they_were_and_changed_since_have_left_the_totals() -> None:
    """A record that arrived in its new version has not changed since."""
    received = records(("a", 1, 1), ("b", 2, 1005), ("c", 3, 3))
    movers = records(("a", 1, 1010), ("b", 2, 1005), ("d", 1001, 1001))
    assert index_changes.count_changed(received, movers, as_of=AS_OF) == 1
    moves = index_changes.moves_by_time(movers, as_of=AS_OF, key="s")
    assert [(move.id, move.kind) for move in moves] == [("a", "changed"), ("b", "changed"), ("d", "created")]


def test_records_belong_to_the_window_of_their_creation() -> None:
    """A record without a creation time belongs to the window that is open to the past."""
    rows = records(("a", None, 1), ("b", 5, 5), ("c", 9, 9))
    early, late = (index_changes.within(rows, window)["id"].to_list() for window in Window(None, None).cut([9]))
    assert (early, late) == (["a", "b"], ["c"])
    assert index_changes.within(rows, EVERYTHING).height == 3


AGES = st.tuples(st.integers(0, 2000), st.integers(0, 2000)).map(lambda pair: (min(pair), max(pair)))


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.tuples(AGES, st.booleans(), st.booleans())))
def test_missing_are_just_the_old_records_that_are_listed_and_did_not_come(known) -> None:
    """This holds whatever else arrived or is listed."""
    rows = [((name, *ages), came, there) for name, (ages, came, there) in known.items()]
    received = records(*(row for row, came, _ in rows if came))
    listed = records(*(row for row, _, there in rows if there))
    found = compare(received, listed, as_of=AS_OF)
    assert set(found.missing) == {row[0] for row, came, there in rows if there and not came and row[2] < AS_OF}
    assert set(found.unlisted) == {row[0] for row, came, there in rows if came and not there}
