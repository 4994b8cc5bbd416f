"""What moved during a run is told from what is missing."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.completeness import index_changes, verdict
from etl.completeness.verdict import State, Tally

SINCE = 1000


def records(*rows: tuple[str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=index_changes.RECORDS, orient="row")


def tally(before: int, after: int, unique: int) -> Tally:
    return Tally(key="s", expected_before=before, expected_after=after, received=unique, unique=unique)


def judged(before: int, received: pl.DataFrame, listed: pl.DataFrame) -> State:
    counted, moved = index_changes.compare(tally(before, 0, received.height), received, listed, since=SINCE)
    return verdict.judge([counted], query_before=before, query_after=listed.height, moved=moved).state


OLD = [("a", 1, 1), ("b", 2, 2), ("c", 3, 3)]


def test_a_record_created_behind_the_walk_is_drift():
    """It is listed, did not come, and is younger than the run."""
    assert judged(3, records(*OLD), records(*OLD, ("d", 1001, 1001))) is State.DRIFTED


def test_a_record_that_changed_into_the_query_is_drift():
    """It is listed, did not come, and was changed after the run began."""
    assert judged(3, records(*OLD), records(*OLD, ("d", 4, 1001))) is State.DRIFTED


def test_a_record_withdrawn_after_it_came_is_drift():
    """It came and is no longer listed."""
    assert judged(3, records(*OLD), records(*OLD[:2])) is State.DRIFTED


def test_a_record_withdrawn_before_it_came_is_drift_without_a_name():
    """What is listed came, but the plan counted one more."""
    counted, moved = index_changes.compare(tally(3, 2, 2), records(*OLD[:2]), records(*OLD[:2]), since=SINCE)
    assert [(move.id, move.kind) for move in moved] == [("", "withdrawn")]
    assert counted.expected_after == 2


def test_a_record_that_had_come_in_an_earlier_walk_is_named() -> None:
    """What came once and no more, and is not listed either, is what the total lacks now."""
    counted, moved = index_changes.compare(
        tally(4, 2, 2), records(*OLD[:2]), records(*OLD[:2]), since=SINCE, vanished=["c", "a"]
    )
    assert [(move.id, move.received) for move in moved] == [("c", False), ("", False)]
    assert verdict.judge([counted], query_before=4, query_after=2, moved=moved).state is State.DRIFTED
    kept = index_changes.confirmed(moved, {"c": index_changes.Fate.UNKNOWN})
    assert verdict.judge([counted], query_before=4, query_after=2, moved=kept).state is State.INCOMPLETE


def test_many_that_vanish_without_a_name_are_no_drift() -> None:
    """An index that loses a part of itself is not taken for one that withdraws records."""
    held = records(*((f"r{row}", 1, 1) for row in range(1000)))
    for lost, state in ((20, State.DRIFTED), (21, State.INCOMPLETE)):
        assert judged(1000 + lost, held, held) is state


def test_only_the_withdrawals_that_are_known_explain_anything() -> None:
    """One that is gone stays, one that changed is told as that, one that is still there unchanged falls out."""
    _, moved = index_changes.compare(tally(3, 0, 3), records(*OLD), records(), since=SINCE)
    fates = {"a": index_changes.Fate.GONE, "b": index_changes.Fate.CHANGED, "c": index_changes.Fate.UNKNOWN}
    assert index_changes.withdrawn(moved) == ["a", "b", "c"]
    assert [(move.id, move.kind) for move in index_changes.confirmed(moved, fates)] == [
        ("a", "withdrawn"),
        ("b", "changed"),
    ]


def test_an_old_record_that_did_not_come_is_missing():
    """What neither was created nor changed during the run is a loss, and named."""
    assert judged(3, records(*OLD[:2]), records(*OLD)) is State.INCOMPLETE
    assert index_changes.missing(records(*OLD[:2]), records(*OLD), since=SINCE) == ["c"]


def test_a_total_that_grew_without_a_record_to_show_for_it_is_incomplete():
    """More must have come, or changed, than nobody's record explains."""
    assert judged(2, records(*OLD), records(*OLD)) is State.INCOMPLETE


AGES = st.tuples(st.integers(0, 2000), st.integers(0, 2000)).map(lambda pair: (min(pair), max(pair)))


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.tuples(AGES, st.booleans(), st.booleans())))
def test_only_a_missing_old_record_is_ever_incomplete(known):
    """Whatever came and whatever is listed: records lost for no reason, and nothing else, make a run incomplete."""
    rows = [(name, *ages) for name, (ages, _, _) in known.items()]
    received = records(*(row for row, (_, came, _) in zip(rows, known.values(), strict=True) if came))
    listed = records(*(row for row, (_, _, there) in zip(rows, known.values(), strict=True) if there))
    before = sum(created < SINCE for _, created, _ in rows)
    lost = index_changes.missing(received, listed, since=SINCE)
    appeared = [row for row in listed.rows() if row[1] < SINCE <= row[2]]
    if lost:
        assert judged(before, received, listed) is State.INCOMPLETE
    elif not appeared:
        assert judged(before, received, listed) is not State.INCOMPLETE
