"""The charts of a run's report: completeness over the time that the slices cover, records per year."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from etl.dataset.manifest import SliceFacts
from etl.html.charts import columns, figure
from etl.html.page import Safe, table

_MOST = 40
"""Groups of slices that a chart has room for."""
_TOTAL = "total in the API"


def completeness(slices: Sequence[SliceFacts]) -> Safe:
    """Draw what came against what the API counts, slices in the order of time, neighbours put together."""
    known = [one for one in slices if one.expected_after is not None]
    if len(known) < 2:  # one column beside another says less than the table below
        return Safe("")
    ordered = sorted(known, key=_start)
    size = -(-len(ordered) // _MOST)
    groups = [ordered[first : first + size] for first in range(0, len(ordered), size)]
    labels = [_label(group[0]) for group in groups]
    expected = [sum(one.expected_after or 0 for one in group) for group in groups]
    unique = [sum(one.unique for one in group) for group in groups]
    short = [max(0, more - came) for more, came in zip(expected, unique, strict=True)]
    series = [(_TOTAL, expected), ("records here", unique)]
    svg = columns("slices-chart", "Completeness of the slices", labels, series, x="slices from", y="records")
    rows = list(zip(labels, expected, unique, short, strict=True))
    numbers = table("Completeness of the slices", ["slices from", _TOTAL, "records here", "short"], rows)
    together = f" Each column stands for {size} slices." if size > 1 else ""
    missing = sum(short)
    said = f"{missing:,} records short." if missing else "No slice is short."
    return figure("slices-figure", svg, f"Records by the time that slices begin. {said}{together}", numbers)


def years(counted: Mapping[str, int]) -> Safe:
    """Draw records per year of the partition; nothing if there are none."""
    if not counted:
        return Safe("")
    span = range(int(next(iter(counted))), int(list(counted)[-1]) + 1)
    labels = [str(year) for year in span][-_MOST:]
    numbers = [counted.get(year, 0) for year in labels]
    svg = columns("years-chart", "Records per year", labels, [("records", numbers)], x="year", y="records")
    rows = table("Records per year", ["year", "records"], list(counted.items()))
    return figure("years-figure", svg, "Records by the year of their partition.", rows)


def _start(one: SliceFacts) -> float:
    return float("-inf") if one.window.start is None else float(one.window.start)


def _label(one: SliceFacts) -> str:
    start = _start(one)
    return "the start" if start == float("-inf") else datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d")
