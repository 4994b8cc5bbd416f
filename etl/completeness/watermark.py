"""The time up to which a dataset is complete, and where the next sync has to begin.

Pure. A watermark is a moment, written as ISO text into the manifest: every change before it is in the dataset.
"""

from collections.abc import Iterable
from math import floor

from etl.api.window import Window, iso, moment
from etl.completeness.verdict import State, Verdict

OVERLAP = 6 * 3600
"""Seconds before the watermark that a sync checks again by default. DataCite indexes from a queue that has fallen hours
behind on days with millions of updates (api-notes 3.1, 3.3); six hours rarely cost a hundred requests."""


def reached(as_of: int, verdict: Verdict, slices: Iterable[tuple[str, Window]]) -> str | None:
    """Return the watermark of a run as of a moment of the server's clock, None if there is none.

    `slices` are the keys of the verdict with their windows of `created`. Whatever is missing from an incomplete slice
    was updated after the start of its window, for nothing is updated before it is created.
    """
    if verdict.state is State.SAMPLE:
        return None
    windows = [window for key, window in slices if verdict.slices.get(key) is State.INCOMPLETE]
    if (verdict.state is State.INCOMPLETE and not windows) or any(window.start is None for window in windows):
        return None
    return iso(min([as_of, *(window.start for window in windows if window.start is not None)]))


def begin(watermark: str | None, overlap: int = OVERLAP, *, now: float | None = None) -> int | None:
    """Return the first second of `updated` that a sync checks, None for everything.

    A watermark later than `now` on the server's clock comes from a wrong clock: `now` replaces it.
    """
    if watermark is None:
        return None
    reliable = moment(watermark) if now is None else min(moment(watermark), floor(now))
    return reliable - overlap
