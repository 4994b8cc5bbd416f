"""The charts of a run's report: completeness of the slices over time, and records per year."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from etl.dataset.manifest import SliceFacts
from etl.events import counted
from etl.html.charts import columns, figure
from etl.html.page import Safe, table

_MOST = 40
"""Number of groups of slices that a chart has room for."""
_TOTAL = "total in the API"


def completeness(slices: Sequence[SliceFacts]) -> Safe:
    """Draw the exported records against the API's totals, by slice in order of time; neighbours are grouped."""
    known = [facts for facts in slices if facts.expected_after is not None]
    if len(known) < 2:  # two columns say less than the table below
        return Safe("")
    ordered = sorted(known, key=_start)
    size = -(-len(ordered) // _MOST)
    groups = [ordered[first : first + size] for first in range(0, len(ordered), size)]
    labels = [_label(group[0]) for group in groups]
    expected = [sum(facts.expected_after or 0 for facts in group) for group in groups]
    unique = [sum(facts.unique for facts in group) for group in groups]
    short = [max(0, total - exported) for total, exported in zip(expected, unique, strict=True)]
    series = [(_TOTAL, expected), ("exported records", unique)]
    svg = columns("slices-chart", "Completeness of the slices", labels, series, x="start of the slices", y="records")
    rows = list(zip(labels, expected, unique, short, strict=True))
    numbers = table("Completeness of the slices", ["start", _TOTAL, "exported records", "missing"], rows)
    together = f" Each column stands for {size} slices." if size > 1 else ""
    missing = sum(short)
    verdict = f"{counted(missing, 'record')} missing." if missing else "No slice has missing records."
    return figure("slices-figure", svg, f"Records by the start of their slices. {verdict}{together}", numbers)


def years(records: Mapping[str, int]) -> Safe:
    """Draw records per year of the partition; nothing without such a partition."""
    if not records:
        return Safe("")
    span = range(int(next(iter(records))), int(list(records)[-1]) + 1)
    labels = [str(year) for year in span][-_MOST:]
    numbers = [records.get(year, 0) for year in labels]
    svg = columns("years-chart", "Records per year", labels, [("records", numbers)], x="year", y="records")
    rows = table("Records per year", ["year", "records"], list(records.items()))
    return figure("years-figure", svg, "Records by the year of their partition.", rows)


def _start(facts: SliceFacts) -> float:
    return float("-inf") if facts.window.start is None else float(facts.window.start)


def _label(facts: SliceFacts) -> str:
    start = _start(facts)
    return "the start" if start == float("-inf") else datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d")
