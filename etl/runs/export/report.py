"""The report of a run: what the manifest proves, for people (one self-contained HTML page) and for programs.

Pure: values in, bytes out. The drawing is in `charts`, the frame and the escaping in `webpage`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from etl.html.page import Badge, Cell, Safe, Share, sectioned, table, text, tiles
from etl.runs.export import report_charts
from etl.schema.declarations import Json

MOST_SLICES = 500
"""Slices shown on the page, the worst first; the JSON has all of them."""


def render(proof: Mapping[str, Json], *, published: bool) -> dict[str, bytes]:
    """Return the files of the report by name."""
    return {"report.json": _json(proof, published=published), "report.html": _html(proof, published=published)}


def _json(proof: Mapping[str, Json], *, published: bool) -> bytes:
    tables = {name: {"rows": facts["rows"], "files": len(facts["files"])} for name, facts in proof["tables"].items()}
    plain = {**proof, "tables": tables, "published": published}
    return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _html(proof: Mapping[str, Json], *, published: bool) -> bytes:
    parts = [
        ("completeness", "Completeness", report_charts.completeness(proof["slices"]) + _slices(proof["slices"])),
        ("years", "Records per year", _years(proof)),
        ("missing", "Records that could not be had", _missing(proof)),
        ("moved", "Records that moved", _moved(proof)),
        ("facets", "Counts of the API against the tables", _facets(proof["facets"])),
        ("tables", "Tables", _tables(proof)),
        ("included", "Included records", _included(proof)),
        ("drift", "Attributes that no column maps", _drift(proof)),
        ("run", "The run", _run(proof)),
    ]
    return sectioned(f"{_asked(proof)}: {proof['verdict']}", _head(proof, published=published), parts)


def _head(proof: Mapping[str, Json], *, published: bool) -> Safe:
    verdict = str(proof["verdict"])
    said = "This is the dataset beside it." if published else _UNPUBLISHED
    reasons = "".join(f"<li>{text(str(reason))}</li>" for reason in proof["reasons"])
    banner = f"<p>{text(_MEANING.get(verdict, ''))} {text(said)}</p>" + (f"<ul>{reasons}</ul>" if reasons else "")
    heading = f"<h1>{text(_asked(proof))} {text(Badge(verdict))}</h1>"
    bad = verdict if verdict in _MEANING else "incomplete"
    return Safe(f'<header>{heading}<div class="banner {bad}">{banner}</div>{_tiles(proof)}</header>')


def _asked(proof: Mapping[str, Json]) -> str:
    """Name the resource and what of it was asked for."""
    request = proof["request"]
    filters = [f"{name}={value}" for name, value in request.get("filters", {}).items()]
    return " ".join([proof["resource"], *filters, *filter(None, [request.get("query")])])


def _tiles(proof: Mapping[str, Json]) -> Safe:
    totals, seconds = proof["totals"], _seconds(proof)
    came = proof["changes"][-1]["received"] if proof.get("changes") else totals["received"]
    per_second = f"{came / seconds:,.0f} a second" if seconds else ""
    facts: list[tuple[str, Cell, str]] = [
        ("Records", totals["unique"], f"the API counts {_number(totals['expected_after'])}"),
        ("Received", came, per_second),
        ("Duplicates", totals["duplicates"], "came more than once, kept once"),
        ("Rejects", totals["rejects"], "values that fit no column, kept aside"),
        ("Requests", proof.get("requests", 0), f"{_number(proof.get('retries', 0))} of them again"),
        ("Downloaded", _size(proof.get("bytes_downloaded", 0)), f"in {_time(seconds)}" if seconds else ""),
    ]
    return tiles(facts)


def _slices(slices: Sequence[Mapping[str, Json]]) -> str:
    worst = sorted(slices, key=lambda one: (_RANK.get(one["verdict"], 9), -abs(_short(one)), one["key"]))
    rows: list[tuple[Cell, ...]] = [
        (
            one["key"],
            one["expected_before"],
            one["expected_after"],
            one["received"],
            one["unique"],
            Badge(one["verdict"]),
            one["attempts"],
        )
        for one in worst[:MOST_SLICES]
    ]
    head = ["slice", "expected before", "expected after", "received", "unique", "verdict", "attempts"]
    more = f"<p>{len(slices) - MOST_SLICES} more are in report.json.</p>" if len(slices) > MOST_SLICES else ""
    return table("Slices, the worst first", head, rows) + more


def _short(one: Mapping[str, Json]) -> int:
    return int(one["expected_after"] or 0) - int(one["unique"])


def _years(proof: Mapping[str, Json]) -> str:
    """Count the main table's records by the years that its folders tell."""
    own = [facts for name, facts in proof["tables"].items() if name == facts.get("of")]
    counted: dict[str, int] = {}
    for file in own[0]["files"] if own else ():
        column, _, value = file["path"].rpartition("/")[0].rpartition("/")[2].partition("=")
        if column.endswith("year") and value and file["path"].endswith(_suffix(own[0])):
            year = unquote(value)
            counted[year] = counted.get(year, 0) + file["rows"]
    return report_charts.years({year: n for year, n in sorted(counted.items()) if year.isdecimal()})


def _moved(proof: Mapping[str, Json]) -> str:
    moved = proof.get("moved", ())[:MOST_SLICES]
    rows = [(one["id"] or "(unknown)", one["kind"], one["slice_key"] or "", str(one["received"])) for one in moved]
    return table("Created, changed or withdrawn during the run", ["id", "what", "slice", "came"], rows)


def _suffix(facts: Mapping[str, Json]) -> str:
    return str(facts["files"][0]["path"]).rpartition(".")[2]


def _missing(proof: Mapping[str, Json]) -> str:
    absent = [(entry, "the API does not have it, or does not show it") for entry in proof.get("absent", ())]
    rows = [*((entry, "counted and not delivered") for entry in proof["missing"]), *absent]
    return table("Named records", ["id", "why"], rows)


def _tables(proof: Mapping[str, Json]) -> str:
    rows: Iterator[tuple[Cell, ...]] = (
        (name, facts["rows"], len(facts["columns"]), len(facts["files"]), sum(file["bytes"] for file in facts["files"]))
        for name, facts in proof["tables"].items()
    )
    return table("Tables and their files", ["table", "rows", "columns", "files", "bytes"], rows)


def _included(proof: Mapping[str, Json]) -> str:
    rows = [(name, own["linked"], own["received"], own["missing"]) for name, own in proof["included"].items()]
    return table("Records that came along", ["type", "linked", "received", "missing"], rows)


def _facets(checks: Sequence[Mapping[str, Json]]) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            check["name"],
            Badge("agrees" if check["ok"] else "differs"),
            check["compared"],
            "the longest only" if check.get("cut_off") else "all",
            ", ".join(f"{name}: {api} in the API, {own} here" for name, (api, own) in check["differing"].items()),
        )
        for check in checks
    ]
    return table("Facets", ["facet", "agreement", "values compared", "of the API's list", "differing"], rows)


def _drift(proof: Mapping[str, Json]) -> str:
    rows = [(entry["path"], entry["count"], entry["example"]) for entry in proof["schema_drift"]]
    return table("Attributes kept in the column extra", ["path", "records", "for example"], rows)


def _run(proof: Mapping[str, Json]) -> str:
    names = ["base_url", "run_id", "started", "finished", "requests", "retries", "bytes_downloaded", "watermark"]
    request = json.dumps(proof["request"], ensure_ascii=False, sort_keys=True)
    facts: list[tuple[Cell, ...]] = [("request", request), *((_words(name), proof.get(name)) for name in names)]
    requests = proof.get("requests") or 0
    facts.append(("requests that were repeated", Share((proof.get("retries") or 0) / requests if requests else None)))
    facts += [(_words(name), number) for name, number in proof["totals"].items()]
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


def _seconds(proof: Mapping[str, Json]) -> float:
    """Return how long the run took; 0 where the times are no times."""
    try:
        start, end = (datetime.fromisoformat(str(proof[name])).replace(tzinfo=UTC) for name in ("started", "finished"))
    except (KeyError, ValueError):
        return 0.0
    return (end - start).total_seconds()


_RANK = {"incomplete": 0, "drifted": 1, "sample": 2, "complete": 3}
_MEANING = {
    "complete": "Every record that the API counts is here, once.",
    "drifted": "Records moved while the run went on; every difference is explained by records that are named.",
    "sample": "Only some records were asked for, so nothing is claimed.",
    "incomplete": "Records that the API counts are not here.",
}
_UNPUBLISHED = "Nothing was published; the dataset before, if any, stays."
