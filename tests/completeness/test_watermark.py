from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import Window, moment
from etl.completeness import watermark
from etl.completeness.verdict import Tally, judge

NOON = 1_700_000_000


def verdict(*short, sample=False):
    """Judge two slices of ten records, of which those named came short."""
    tallies = [
        Tally(key=key, window=window, expected_before=10, expected_after=10, received=10, unique=10 - (key in short))
        for key, window in WINDOWS
    ]
    return judge(tallies, query_before=20, query_after=20, sample=sample)


WINDOWS = [("old", Window(None, 1000)), ("new", Window(1000, None))]


def test_a_complete_run_holds_everything_until_shortly_before_it_began():
    """The watermark is the start of the run minus the lag."""
    assert moment(watermark.reached(NOON, verdict(), WINDOWS)) == NOON - watermark.LAG


def test_a_watermark_never_passes_a_slice_that_is_not_complete():
    """What a short slice lacks was updated after the slice's window begins; a window without a beginning has none."""
    assert moment(watermark.reached(NOON, verdict("new"), WINDOWS)) == 1000
    assert watermark.reached(NOON, verdict("old"), WINDOWS) is None


def test_a_sample_and_an_unexplained_total_promise_nothing():
    """Without knowing what is missing there is no watermark."""
    assert watermark.reached(NOON, verdict(sample=True), WINDOWS) is None
    lost = judge([], query_before=3, query_after=3)
    assert watermark.reached(NOON, lost, []) is None


@given(st.integers(0, 2_000_000_000), st.integers(0, 10**6))
def test_a_sync_begins_the_overlap_before_the_watermark(started, overlap):
    """The overlap is taken off to the second."""
    mark = watermark.reached(started, verdict(), WINDOWS)
    assert watermark.begin(mark, overlap) == started - watermark.LAG - overlap
    assert watermark.begin(None, overlap) is None
