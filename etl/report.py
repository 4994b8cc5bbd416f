"""The report of a run: what the manifest proves, for people (one self-contained HTML page) and for programs.

Pure: values in, bytes out. Everything that came from outside is escaped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template

from etl.declare import Json

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
    sections = [
        _claims(proof, published=published),
        _section("Totals", ["", "records"], [(name.replace("_", " "), n) for name, n in proof["totals"].items()]),
        _slices(proof["slices"]),
        _section("Tables", ["table", "rows", "files", "bytes"], map(_table, proof["tables"].items())),
        _section(
            "Included records", ["type", "linked", "received", "missing"], map(_included, proof["included"].items())
        ),
        _section("Facets", ["facet", "agrees", "compared", "differing"], map(_facet, proof["facets"])),
        _section("Records that could not be had", ["id"], [(entry,) for entry in proof["missing"]]),
        _section(
            "Records that moved", ["id", "what", "slice", "came"], map(_moved, proof.get("moved", ())[:MOST_SLICES])
        ),
        _section(
            "Attributes that no column maps", ["path", "records", "for example"], map(_drift, proof["schema_drift"])
        ),
        _section("The run", ["", ""], _run(proof)),
    ]
    title = f"{proof['resource']}: {proof['verdict']}"
    page = _PAGE.substitute(title=escape(title), style=_STYLE, body="\n".join(filter(None, sections)))
    return page.encode("utf-8", "backslashreplace")


def _claims(proof: Mapping[str, Json], *, published: bool) -> str:
    verdict = escape(str(proof["verdict"]))
    said = (
        "This is the dataset beside it." if published else "Nothing was published; the dataset before, if any, stays."
    )
    reasons = "".join(f"<li>{escape(str(reason))}</li>" for reason in proof["reasons"])
    return (
        f'<h1>{escape(str(proof["resource"]))} <strong class="{verdict}">{verdict}</strong></h1>'
        f"<p>{_MEANING.get(str(proof['verdict']), '')} {said}</p>" + (f"<ul>{reasons}</ul>" if reasons else "")
    )


def _slices(slices: Sequence[Mapping[str, Json]]) -> str:
    worst = sorted(slices, key=lambda one: (_RANK.get(one["verdict"], 9), -abs(_short(one)), one["key"]))
    rows = [
        (one["key"], one["expected_before"], one["expected_after"], one["received"], one["unique"], *_judged(one))
        for one in worst[:MOST_SLICES]
    ]
    head = ["slice", "expected before", "expected after", "received", "unique", "verdict", "attempts"]
    more = f"<p>{len(slices) - MOST_SLICES} more are in report.json.</p>" if len(slices) > MOST_SLICES else ""
    return _section("Slices, the worst first", head, rows) + more


def _judged(one: Mapping[str, Json]) -> tuple[Json, Json]:
    return one["verdict"], one["attempts"]


def _short(one: Mapping[str, Json]) -> int:
    return int(one["expected_after"] or 0) - int(one["unique"])


def _moved(move: Mapping[str, Json]) -> tuple[Json, ...]:
    return move["id"] or "(unknown)", move["kind"], move["slice_key"], move["received"]


def _table(entry: tuple[str, Mapping[str, Json]]) -> tuple[Json, ...]:
    name, facts = entry
    return name, facts["rows"], len(facts["files"]), sum(file["bytes"] for file in facts["files"])


def _included(entry: tuple[str, Mapping[str, Json]]) -> tuple[Json, ...]:
    name, tally = entry
    return name, tally["linked"], tally["received"], tally["missing"]


def _facet(check: Mapping[str, Json]) -> tuple[Json, ...]:
    differing = ", ".join(f"{name}: {api} in the API, {own} here" for name, (api, own) in check["differing"].items())
    return check["name"], "yes" if check["ok"] else "no", check["compared"], differing


def _drift(entry: Mapping[str, Json]) -> tuple[Json, ...]:
    return entry["path"], entry["count"], entry["example"]


def _run(proof: Mapping[str, Json]) -> list[tuple[Json, ...]]:
    names = ["base_url", "run_id", "started", "finished", "requests", "retries", "bytes_downloaded", "watermark"]
    request = json.dumps(proof["request"], ensure_ascii=False, sort_keys=True)
    return [("request", request), *((name.replace("_", " "), proof.get(name)) for name in names)]


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[Json]]) -> str:
    """Return a headed table, nothing if it would be empty."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    if not body:
        return ""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    caption = f"<caption>{escape(title)}</caption>"
    return f"<section><table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></section>"


def _cell(value: Json) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number">{value:,}</td>'
    text = "–" if value is None else str(value)
    return f'<td class="{text}">{text}</td>' if text in _RANK else f"<td>{escape(text)}</td>"


_RANK = {"incomplete": 0, "drifted": 1, "sample": 2, "complete": 3}
_MEANING = {
    "complete": "Every record that the API counts is here, once.",
    "drifted": "Records moved while the run went on; every difference is explained by records that are named.",
    "sample": "Only some records were asked for, so nothing is claimed.",
    "incomplete": "Records that the API counts are not here.",
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --paper: #fff;
  --bad: #b3261e; --good: #17692f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #3a424b; --paper: #15191d; --bad: #ff8a80; --good: #7fd49a; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 68rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; font-size: .9rem; }
caption { text-align: left; font-weight: 600; font-size: 1.1rem; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.incomplete { color: var(--bad); font-weight: 600; }
.complete { color: var(--good); }
@media print { body { max-width: none; margin: 0; } tr { break-inside: avoid; } }
"""
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
</body>
</html>
""")
