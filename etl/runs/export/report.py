"""The report of a run: what the manifest proves, for people (one self-contained HTML page) and for programs.

Pure: values in, bytes out. The drawing is in `charts`, the frame and the escaping in `webpage`.
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
        ("missing", "Records that could not be had", _missing(proof)),
        ("moved", "Records that moved", _moved(proof)),
        ("facets", "Counts of the API against the tables", _facets(proof.facets)),
        ("tables", "Tables", _tables(proof)),
        ("included", "Included records", _included(proof)),
        ("drift", "Attributes that no column maps", _drift(proof)),
        ("run", "The run", _run(proof)),
    ]
    return sectioned(f"{_asked(proof)}: {proof.verdict}", _head(proof, published=published), parts)


def _head(proof: Manifest, *, published: bool) -> Safe:
    verdict = proof.verdict.value
    said = "This is the dataset beside it." if published else _UNPUBLISHED
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in proof.reasons)
    banner = f"<p>{text(_MEANING[proof.verdict])} {text(said)}</p>" + (f"<ul>{reasons}</ul>" if reasons else "")
    heading = f"<h1>{text(_asked(proof))} {text(Badge(verdict))}</h1>"
    return Safe(f'<header>{heading}<div class="banner {verdict}">{banner}</div>{_tiles(proof)}</header>')


def _asked(proof: Manifest) -> str:
    """Name the resource and what of it was asked for."""
    filters = [f"{name}={value}" for name, value in proof.request.filters.items()]
    return " ".join([proof.resource, *filters, *filter(None, [proof.request.query])])


def _tiles(proof: Manifest) -> Safe:
    totals, seconds = proof.totals, _seconds(proof)
    came = proof.history[-1].received if proof.history else totals.received
    per_second = f"{came / seconds:,.0f} a second" if seconds else ""
    facts: list[tuple[str, Cell, str]] = [
        ("Records", totals.unique, f"the API counts {_number(totals.expected_after)}"),
        ("Received", came, per_second),
        ("Duplicates", totals.duplicates, "came more than once, kept once"),
        ("Rejects", totals.rejects, "values that fit no column, kept aside"),
        ("Requests", proof.requests, retried(proof.retries)),
        ("Downloaded", _size(proof.bytes_downloaded), f"in {_time(seconds)}" if seconds else ""),
    ]
    return tiles(facts)


def _slices(slices: Sequence[SliceFacts]) -> str:
    worst = sorted(slices, key=lambda one: (_RANK[one.verdict], -abs(_short(one)), one.key))
    rows: list[tuple[Cell, ...]] = [
        (
            one.key,
            one.expected_before,
            one.expected_after,
            one.received,
            one.unique,
            Badge(one.verdict.value),
            one.attempts,
        )
        for one in worst[:MOST_SLICES]
    ]
    head = ["slice", "expected before", "expected after", "received", "unique", "verdict", "attempts"]
    more = f"<p>{len(slices) - MOST_SLICES} more are in report.json.</p>" if len(slices) > MOST_SLICES else ""
    return table("Slices, the worst first", head, rows) + more


def _short(one: SliceFacts) -> int:
    return (one.expected_after or 0) - one.unique


def _years(proof: Manifest) -> str:
    """Count the main table's records by the years that its folders tell."""
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
    rows = [(one.id or "(unknown)", one.kind, one.slice_key or "", str(one.received)) for one in moved]
    return table("Created, changed or withdrawn during the run", ["id", "what", "slice", "came"], rows)


def _missing(proof: Manifest) -> str:
    absent = [(entry, "the API does not have it, or does not show it") for entry in proof.absent]
    rows = [*((entry, "counted and not delivered") for entry in proof.missing), *absent]
    return table("Named records", ["id", "why"], rows)


def _tables(proof: Manifest) -> str:
    rows: Iterator[tuple[Cell, ...]] = (
        (name, facts.rows, len(facts.columns), len(facts.files), sum(file.bytes for file in facts.files))
        for name, facts in proof.tables.items()
    )
    return table("Tables and their files", ["table", "rows", "columns", "files", "bytes"], rows)


def _included(proof: Manifest) -> str:
    rows = [(name, own.linked, own.received, own.missing) for name, own in proof.included.items()]
    return table("Records that came along", ["type", "linked", "received", "missing"], rows)


def _facets(checks: Sequence[FacetCheck]) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            check.name,
            Badge("agrees" if check.ok else "differs"),
            check.compared,
            "the longest only" if check.cut_off else "all",
            ", ".join(f"{name}: {api} in the API, {own} here" for name, (api, own) in check.differing.items()),
        )
        for check in checks
    ]
    return table("Facets", ["facet", "agreement", "values compared", "of the API's list", "differing"], rows)


def _drift(proof: Manifest) -> str:
    rows = [(entry.path, entry.count, entry.example) for entry in proof.schema_drift]
    return table("Attributes kept in the column extra", ["path", "records", "for example"], rows)


def _run(proof: Manifest) -> str:
    names = ["base_url", "run_id", "started", "finished", "requests", "retries", "bytes_downloaded", "watermark"]
    request = json.dumps(msgspec.to_builtins(proof.request), ensure_ascii=False, sort_keys=True)
    facts: list[tuple[Cell, ...]] = [("request", request), *((_words(name), getattr(proof, name)) for name in names)]
    repeated = Share(proof.retries / proof.requests if proof.requests else None)
    facts.append(("requests that were repeated", repeated))
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
    whole = round(seconds)
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole >= 3600 else f"{whole // 60} min {whole % 60} s"


def _seconds(proof: Manifest) -> float:
    """Return how long the run took."""
    return float(moment(proof.finished) - moment(proof.started))


_RANK = {State.INCOMPLETE: 0, State.DRIFTED: 1, State.SAMPLE: 2, State.COMPLETE: 3}
_MEANING = {
    State.COMPLETE: "Every record that the API counts is here, once.",
    State.DRIFTED: "Records moved while the run went on; every difference is explained by records that are named.",
    State.SAMPLE: "Only some records were asked for, so nothing is claimed.",
    State.INCOMPLETE: "Records that the API counts are not here.",
}
_UNPUBLISHED = "Nothing was published; the dataset before, if any, stays."
