from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import Window
from etl.completeness.verdict import (
    ListingOutcome,
    Move,
    State,
    Tally,
    buckets,
    judge,
    publishable,
    reconcile,
    tally_included,
)
from etl.schema.declarations import Json


def tally(key="s", before=10, after=10, unique=10, received=None, **others):
    return Tally(
        key=key,
        window=Window(0, 1),
        expected_before=before,
        expected_after=after,
        received=unique if received is None else received,
        unique=unique,
        **others,
    )


def test_a_run_is_complete_when_every_count_agrees():
    """If all slices are whole and add up to the query, there is nothing to explain."""
    verdict = judge([tally("a"), tally("b", 5, 5, 5)], query_before=15, query_after=15)
    assert (verdict.state, verdict.unique, verdict.missing, verdict.reasons) == (State.COMPLETE, 15, 0, ())
    assert verdict.slices == {"a": State.COMPLETE, "b": State.COMPLETE}


def test_a_query_without_slices_is_complete_if_it_has_no_records():
    """An empty answer to an empty query is complete."""
    assert judge([], query_before=0, query_after=0).state is State.COMPLETE
    assert judge([], query_before=1, query_after=1).state is State.INCOMPLETE


def test_a_short_slice_makes_the_run_incomplete_and_is_named():
    """The reason says which slice is short and by how many."""
    verdict = judge([tally("a", unique=8), tally("b")], query_before=20, query_after=20)
    assert (verdict.state, verdict.missing) == (State.INCOMPLETE, 2)
    assert verdict.slices == {"a": State.INCOMPLETE, "b": State.COMPLETE}
    assert verdict.reasons[0] == "slice a: 2 short (8 of 10)"


def test_an_over_full_slice_is_not_complete_either():
    """More records than the API counts prove nothing."""
    verdict = judge([tally(unique=11)], query_before=10, query_after=10)
    assert (verdict.state, verdict.missing) == (State.INCOMPLETE, 0)
    assert "1 more than the API counts" in verdict.reasons[0]


def test_records_that_no_slice_holds_are_missed():
    """Slices that are whole but do not add up to the query leave something out."""
    verdict = judge([tally("a")], query_before=12, query_after=12)
    assert (verdict.state, verdict.missing) == (State.INCOMPLETE, 2)
    assert verdict.reasons == ("the query: 2 short (10 of 12)",)


def test_records_that_came_in_two_slices_are_counted_once():
    """Two whole slices with a record in common are short of the query by one."""
    verdict = judge([tally("a"), tally("b")], query_before=20, query_after=20, unique=19)
    assert (verdict.state, verdict.unique, verdict.missing) == (State.INCOMPLETE, 19, 1)


def test_a_total_that_the_api_does_not_give_proves_nothing():
    """Without a total nothing is complete."""
    assert judge([tally(before=None)], query_before=10, query_after=10).state is State.INCOMPLETE


def test_a_sample_claims_nothing():
    """A run with a limit is a sample, whatever it counted."""
    verdict = judge([tally(unique=3)], query_before=10, query_after=10, sample=True)
    assert (verdict.state, verdict.slices, verdict.missing) == (State.SAMPLE, {"s": State.SAMPLE}, 0)


def test_records_that_changed_lately_are_in_no_total_and_explain_none():
    """Whichever of them arrived, the rest is whole; only an index that always had as many has not drifted."""
    verdict = judge([tally(unique=13, recent=3)], query_before=10, query_after=10)
    assert (verdict.state, verdict.unique) == (State.DRIFTED, 13)
    still = judge([tally(unique=13, recent=3, walked=13)], query_before=10, query_after=10, listed=13)
    assert still.state is State.COMPLETE
    short = judge([tally(unique=12, recent=3)], query_before=10, query_after=10)
    assert (short.state, short.missing) == (State.INCOMPLETE, 1)


def test_records_that_changed_before_they_came_have_left_the_totals():
    """They arrived in their new versions."""
    one = tally(after=8, unique=10, recent=2)
    assert judge([one], query_before=10, query_after=8).state is State.DRIFTED


def test_records_that_changed_after_they_came_are_still_here():
    """The received records that remain are as many as the last total."""
    one = tally(after=10, unique=10)
    move = Move(id="x", kind="changed", slice_key="s")
    verdict = judge([one], query_before=10, query_after=9, left=(1, 1), moved=[move])
    assert (verdict.state, verdict.moved, verdict.reasons) == (State.DRIFTED, (move,), ())
    lost = judge([replace(one, unique=9, expected_after=9)], query_before=10, query_after=9, left=(1, 1), moved=[move])
    assert (lost.state, lost.missing) == (State.INCOMPLETE, 1)


def test_few_records_vanish_before_they_come_and_many_do_not():
    """An index that loses a part of itself is not mistaken for one that withdraws records."""
    for lost, state in ((20, State.DRIFTED), (21, State.INCOMPLETE)):
        one = tally(before=1000 + lost, after=1000, unique=1000)
        assert judge([one], query_before=1000 + lost, query_after=1000).state is state


def test_few_records_are_withdrawn_without_a_name_after_all_came():
    """Everything that was counted is here; a list that has become much shorter is not believed."""
    other = tally("b", before=100, unique=100, after=100)
    for withdrawn, state in ((20, State.DRIFTED), (21, State.INCOMPLETE)):
        for recent in (0, 2):
            still = tally("a", before=300, unique=300 + recent, recent=recent, after=300 - withdrawn)
            assert judge([still, other], query_before=400, query_after=400 - withdrawn).state is state


def test_every_withdrawal_from_a_query_of_one_slice_needs_a_name():
    """Its list is short, and shows whether the index lost a record or withdrew it."""
    still = tally(before=300, unique=300, after=299)
    assert judge([still], query_before=300, query_after=299).state is State.INCOMPLETE


def test_few_records_are_withdrawn_without_a_name_after_every_slice_was_proved():
    """The query is counted last, and a slice may have lost a record before it arrived."""
    slices = [tally("a", before=300, unique=300, after=299), tally("b", before=300, unique=299, after=299)]
    assert judge(slices, query_before=600, query_after=597).state is State.DRIFTED
    assert judge(slices, query_before=600, query_after=570).state is State.INCOMPLETE


def test_a_record_that_came_and_is_not_listed_any_more_needs_a_name_if_another_did_not_come():
    """It may hide a missing one."""
    still = tally(before=300, unique=299, after=298)
    assert judge([still], query_before=300, query_after=298).state is State.INCOMPLETE


def test_what_left_while_the_total_was_counted_may_be_in_it_or_not():
    """Every total between the fewest and the most possible is accepted, and no other."""
    for after, state in ((7, State.INCOMPLETE), (8, State.DRIFTED), (9, State.DRIFTED), (10, State.INCOMPLETE)):
        assert judge([tally()], query_before=10, query_after=after, left=(2, 1)).state is state


def test_a_listing_settles_what_counts_leave_open():
    """If all listed records are here, the slice has drifted; listed records that are not here are missing, by name."""
    gone = tally(after=9, left=1, listing=ListingOutcome())
    assert judge([gone], query_before=10, query_after=9, left=(1, 1)).state is State.DRIFTED
    strange = judge([replace(gone, listing=ListingOutcome(strange=1))], query_before=10, query_after=9)
    assert strange.reasons[0] == "slice s: 1 record no longer listed, but not known to be withdrawn"
    short = judge([replace(gone, listing=ListingOutcome(missing=("x",)))], query_before=10, query_after=10)
    assert (short.state, short.missing) == (State.INCOMPLETE, 1)


def test_records_that_the_index_listed_late_are_in_the_last_total():
    """A total that has grown is valid for a slice that was fetched again."""
    late = tally(before=10, after=11, unique=11)
    assert judge([late], query_before=10, query_after=11).state is State.DRIFTED
    assert judge([tally(before=10, after=11)], query_before=10, query_after=11).missing == 1


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), max_size=5),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_complete_means_that_all_counts_are_one(counts, before, after):
    """There is no other way to be complete, and records in the last totals that did not arrive are never drift."""
    tallies = [tally(str(n), *three) for n, three in enumerate(counts)]
    verdict = judge(tallies, query_before=before, query_after=after)
    agreed = all(len(set(three)) == 1 for three in counts) and sum(unique for _, _, unique in counts) == before == after
    assert (verdict.state is State.COMPLETE) == agreed
    if any(unique < last for _, last, unique in counts) or sum(unique for _, _, unique in counts) < after:
        assert verdict.state is State.INCOMPLETE


def test_an_incomplete_run_is_published_only_as_far_as_the_user_said():
    """Missing records are accepted if they are few and all named; any incompleteness is accepted if it is allowed."""
    short = judge([tally(unique=8)], query_before=10, query_after=10)
    assert not publishable(short)
    assert not publishable(short, max_missing=5, named=["x"])
    assert not publishable(short, max_missing=1, named=["x", "y"])
    assert publishable(short, max_missing=2, named=["x", "y"])
    assert publishable(short, allow_incomplete=True)
    assert publishable(judge([tally()], query_before=10, query_after=10))


def test_living_with_missing_records_does_not_cover_more():
    """`--max-missing` does not cover a slice with too many records."""
    mixed = judge([tally("a", unique=9), tally("b", unique=11)], query_before=20, query_after=20)
    assert not publishable(mixed, max_missing=9, named=["x"] * 9)


def test_included_records_are_compared_with_the_links_to_them():
    """Each linked id has its record or is named; case and unlinked records do not matter."""
    found = tally_included(["A", "b", "B", "z", "y"], ["a", "B", "extra"], name_at_most=1)
    assert (found.linked, found.received, found.missing, found.named) == (4, 3, 2, ("y",))


def test_a_facet_that_shows_all_its_buckets_must_agree_exactly():
    """A facet shorter than its size must agree in every count, and must be complete."""
    assert reconcile("years", [("2019", 3), ("2020", 4)], {"2019": 3, "2020": 4}, size=10).ok
    wrong = reconcile("years", [("2019", 3)], {"2019": 2, "2020": 1}, size=10, tolerance=5)
    assert (wrong.ok, wrong.cut_off) == (False, False)
    assert wrong.differing == {"2019": (3, 2), "2020": (0, 1)}


def test_a_facet_that_is_cut_off_says_nothing_of_what_it_leaves_out():
    """Ids after the last bucket have at most as many records; with more they would be a bucket."""
    buckets = [("a", 9), ("b", 5)]
    found = reconcile("clients", buckets, {"a": 9, "b": 5, "c": 5}, size=2)
    assert (found.ok, found.cut_off, found.compared) == (True, True, 2)
    assert reconcile("clients", buckets, {"a": 9, "b": 5, "c": 6}, size=2).differing == {"c": (0, 6)}
    assert reconcile("clients", buckets, {"a": 8, "b": 5}, size=2, tolerance=1).ok
    assert not reconcile("clients", buckets, {"a": 7, "b": 5}, size=2, tolerance=1).ok


def test_a_bucket_that_comes_twice_is_added_up():
    """The same id with another title, case or surrounding space is one id."""
    assert reconcile("affiliations", [("A", 1), ("a ", 2)], {"a": 3}, size=10).ok


def test_spellings_of_an_id_are_counted_together():
    """The API counts `en` and `EN` as one; so does the comparison, on both sides."""
    check = reconcile("languages", [("en", 3)], {"en": 1, "EN": 2}, size=10)
    assert check.ok


@pytest.mark.parametrize(
    ("facet", "dashed", "expected"),
    [
        (
            [{"id": "a_b", "title": "A b", "count": 2}, {"id": "c", "title": "C", "count": 1}],
            False,
            [("a_b", 2), ("c", 1)],
        ),
        ({"a-b": 2, "c": 1}, True, [("a-b", 2), ("c", 1)]),
        ([{"id": "a_b", "title": "A b", "count": 2}], True, [("a-b", 2)]),
        ({}, False, []),
        ([], False, []),
        (None, False, []),
    ],
)
def test_a_facet_is_read_in_any_of_its_shapes(facet: Json, dashed: bool, expected: list[tuple[str, int]]) -> None:
    """Lists of buckets and v1.0's objects of counts are equivalent; an absent facet has no buckets."""
    assert buckets(facet, dashed=dashed) == expected
