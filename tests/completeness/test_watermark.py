from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import Window, moment
from etl.completeness import watermark
from etl.completeness.verdict import Tally, judge

NOON = 1_700_000_000


def verdict(*short, sample=False):
    """Judge two slices of ten records, of which the named ones are short."""
    tallies = [
        Tally(key=key, window=window, expected_before=10, expected_after=10, received=10, unique=10 - (key in short))
        for key, window in WINDOWS
    ]
    return judge(tallies, query_before=20, query_after=20, sample=sample)


WINDOWS = [("old", Window(None, 1000)), ("new", Window(1000, None))]


def test_a_complete_run_holds_everything_as_of_its_moment():
    """The watermark is the moment as of which the run is complete."""
    assert moment(watermark.reached(NOON, verdict(), WINDOWS)) == NOON


def test_a_watermark_never_passes_a_slice_that_is_not_complete():
    """Missing records were updated after the start of their slice's window; without a start there is no watermark."""
    assert moment(watermark.reached(NOON, verdict("new"), WINDOWS)) == 1000
    assert watermark.reached(NOON, verdict("old"), WINDOWS) is None


def test_a_sample_and_an_unexplained_total_promise_nothing():
    """Without knowing what is missing there is no watermark."""
    assert watermark.reached(NOON, verdict(sample=True), WINDOWS) is None
    lost = judge([], query_before=3, query_after=3)
    assert watermark.reached(NOON, lost, []) is None


@given(st.integers(0, 2_000_000_000), st.integers(0, 10**6), st.integers(-(10**6), 10**6))
def test_a_sync_begins_the_overlap_before_the_watermark_or_the_present(as_of, overlap, later):
    """The overlap is subtracted to the second; a watermark in the server's future comes from a wrong clock."""
    mark = watermark.reached(as_of, verdict(), WINDOWS)
    assert watermark.begin(mark, overlap) == as_of - overlap
    assert watermark.begin(mark, overlap, now=as_of + later + 0.5) == as_of + min(later, 0) - overlap
    assert watermark.begin(None, overlap) is None
