"""The report of a run: the manifest for people (one self-contained HTML page) and for programs (JSON).

Pure: values in, bytes out. `html` has charts, frame and escaping.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath
from urllib.parse import unquote

import msgspec

from etl.api.window import moment
from etl.completeness.verdict import FacetCheck, State
from etl.dataset import manifest_file
from etl.dataset.manifest import Manifest, SliceFacts
from etl.events import retried
from etl.html.page import Badge, Cell, Safe, Share, sectioned, table, text, tiles
from etl.runs.export import report_charts

MOST_SLICES = 500
"""Slices shown on the page, the worst first; the JSON has all of them."""


def render(proof: Manifest, *, published: bool) -> dict[str, bytes]:
    """Return the files of the report by name."""
    return {"report.json": _json(proof, published=published), "report.html": _html(proof, published=published)}


def _json(proof: Manifest, *, published: bool) -> bytes:
    plain = manifest_file.without_files(proof) | {"published": published}
    return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _html(proof: Manifest, *, published: bool) -> bytes:
    parts = [
        ("completeness", "Completeness", report_charts.completeness(proof.slices) + _slices(proof.slices)),
        ("years", "Records per year", _years(proof)),
        ("missing", "Missing records", _missing(proof)),
        ("moved", "Records that moved", _moved(proof)),
        ("facets", "Facets of the API and the tables", _facets(proof.facets)),
        ("tables", "Tables", _tables(proof)),
        ("included", "Included records", _included(proof)),
        ("drift", "Attributes without a column", _drift(proof)),
        ("run", "The run", _run(proof)),
    ]
    return sectioned(f"{_request(proof)}: {proof.verdict}", _head(proof, published=published), parts)


def _head(proof: Manifest, *, published: bool) -> Safe:
    verdict = proof.verdict.value
    fate = "The dataset is published." if published else _UNPUBLISHED
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in proof.reasons)
    banner = f"<p>{text(_MEANING[proof.verdict])} {text(fate)}</p>" + (f"<ul>{reasons}</ul>" if reasons else "")
    heading = f"<h1>{text(_request(proof))} {text(Badge(verdict))}</h1>"
    return Safe(f'<header>{heading}<div class="banner {verdict}">{banner}</div>{_tiles(proof)}</header>')


def _request(proof: Manifest) -> str:
    """Name the resource with filters and search."""
    filters = [f"{name}={value}" for name, value in proof.request.filters.items()]
    return " ".join([proof.resource, *filters, *filter(None, [proof.request.query])])


def _tiles(proof: Manifest) -> Safe:
    totals, seconds = proof.totals, _seconds(proof)
    received = proof.history[-1].received if proof.history else totals.received
    per_second = f"{received / seconds:,.0f} per second" if seconds else ""
    facts: list[tuple[str, Cell, str]] = [
        ("Records", totals.unique, f"the API counts {_number(totals.expected_after)}"),
        ("Received", received, per_second),
        ("Duplicates", totals.duplicates, "arrived more than once"),
        ("Rejects", totals.rejects, "values that fit no column"),
        ("Requests", proof.requests, retried(proof.retries)),
        ("Downloaded", _size(proof.bytes_downloaded), f"in {_time(seconds)}" if seconds else ""),
    ]
    return tiles(facts)


def _slices(slices: Sequence[SliceFacts]) -> str:
    worst = sorted(slices, key=lambda facts: (_RANK[facts.verdict], -abs(_short(facts)), facts.key))
    rows: list[tuple[Cell, ...]] = [
        (
            facts.key,
            facts.expected_before,
            facts.expected_after,
            facts.received,
            facts.unique,
            Badge(facts.verdict.value),
            facts.attempts,
        )
        for facts in worst[:MOST_SLICES]
    ]
    head = ["slice", "expected before", "expected after", "received", "unique", "verdict", "attempts"]
    more = f"<p>{len(slices) - MOST_SLICES} more are in report.json.</p>" if len(slices) > MOST_SLICES else ""
    return table("Slices, worst first", head, rows) + more


def _short(facts: SliceFacts) -> int:
    return (facts.expected_after or 0) - facts.unique


def _years(proof: Manifest) -> str:
    """Count the main table's records by the years in its partitions."""
    files = proof.tables[proof.main].files
    counted: dict[str, int] = {}
    for file in files:
        column, _, value = file.path.rpartition("/")[0].rpartition("/")[2].partition("=")
        if column.endswith("year") and value and PurePosixPath(file.path).suffix == PurePosixPath(files[0].path).suffix:
            year = unquote(value)
            counted[year] = counted.get(year, 0) + file.rows
    return report_charts.years({year: n for year, n in sorted(counted.items()) if year.isdecimal()})


def _moved(proof: Manifest) -> str:
    moved = proof.moved[:MOST_SLICES]
    rows = [(move.id, move.kind, move.slice_key or "") for move in moved]
    return table("Created, changed or withdrawn during the run", ["id", "change", "slice"], rows)


def _missing(proof: Manifest) -> str:
    absent = [(entry, "the API does not have it or does not show it") for entry in proof.absent]
    rows = [*((entry, "counted but not delivered") for entry in proof.missing), *absent]
    return table("Named records", ["id", "reason"], rows)


def _tables(proof: Manifest) -> str:
    rows: Iterator[tuple[Cell, ...]] = (
        (name, facts.rows, len(facts.columns), len(facts.files), sum(file.bytes for file in facts.files))
        for name, facts in proof.tables.items()
    )
    return table("Tables and their files", ["table", "rows", "columns", "files", "bytes"], rows)


def _included(proof: Manifest) -> str:
    rows = [(name, own.linked, own.received, own.missing) for name, own in proof.included.items()]
    return table("Included records", ["type", "linked", "received", "missing"], rows)


def _facets(checks: Sequence[FacetCheck]) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            check.name,
            Badge("agrees" if check.ok else "differs"),
            check.compared,
            "only the most frequent" if check.cut_off else "all",
            ", ".join(f"{name}: {api} in the API, {own} here" for name, (api, own) in check.differing.items()),
        )
        for check in checks
    ]
    return table("Facets", ["facet", "agreement", "values compared", "values listed by the API", "differences"], rows)


def _drift(proof: Manifest) -> str:
    rows = [(entry.path, entry.count, entry.example) for entry in proof.schema_drift]
    return table("Attributes kept in the column extra", ["path", "records", "example"], rows)


def _run(proof: Manifest) -> str:
    names = str.split("base_url run_id started finished as_of requests retries bytes_downloaded watermark")
    request = json.dumps(msgspec.to_builtins(proof.request), ensure_ascii=False, sort_keys=True)
    facts: list[tuple[Cell, ...]] = [("request", request), *((_words(name), getattr(proof, name)) for name in names)]
    retried_share = Share(proof.retries / proof.requests if proof.requests else None)
    facts.append(("share of retries", retried_share))
    facts += [(_words(name), number) for name, number in asdict(proof.totals).items()]
    return table("Facts of the run", ["fact", "value"], facts)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: int | None) -> str:
    return "no total" if value is None else f"{value:,}"


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def _time(seconds: float) -> str:
    number = round(seconds)
    if number >= 3600:
        return f"{number // 3600} h {number % 3600 // 60} min"
    return f"{number // 60} min {number % 60} s" if number >= 60 else f"{number} s"


def _seconds(proof: Manifest) -> float:
    """Return the duration of the run."""
    return float(moment(proof.finished) - moment(proof.started))


_RANK = {State.INCOMPLETE: 0, State.DRIFTED: 1, State.SAMPLE: 2, State.COMPLETE: 3}
_MEANING = {
    State.COMPLETE: "Every record that the API counts is here, exactly once.",
    State.DRIFTED: "Records moved during the run; every difference is explained by the records listed below.",
    State.SAMPLE: "Only some records were requested, so this proves nothing.",
    State.INCOMPLETE: "Some records that the API counts are missing.",
}
_UNPUBLISHED = "Nothing was published; the previous dataset, if any, stays."
