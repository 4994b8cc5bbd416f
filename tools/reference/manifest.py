"""The reference of the manifest, rendered from the code that writes it: a JSON Schema, and the same as a page.

`python -m tools.reference` writes both. What a value is comes from the types of `manifest` and `completeness`; here
stand the words, and the few parts that are written down without a type of their own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from etl.api.window import Window
from etl.completeness.verdict import FacetCheck, IncludedTally, Move, State, Tally
from etl.dataset import manifest
from etl.dataset.manifest import DataFile, Run
from etl.runs.sync.finish import HISTORY, KINDS
from etl.schema.declarations import Json, Type

Schema = dict[str, Json]
ADDRESS = "https://json-schema.org/draft/2020-12/schema"

_RUN = {
    "run_id": "Names the run that made the dataset, or brought it up to date last.",
    "started": "When it began, UTC.",
    "finished": "When it was done, UTC.",
    "base_url": "The API that was asked.",
    "seconds": "How long it took.",
    "requests": "How many requests it sent.",
    "retries": "How many of them were sent again.",
    "bytes_downloaded": "Bytes that travelled, compressed as they were.",
}
_TALLY = {
    "key": "Names the slice.",
    "window": "Which records by their date of creation: start <= created < end, in seconds since 1970; null is open.",
    "expected_before": "The API's total before the records were fetched; null where it tells none.",
    "expected_after": "The API's total afterwards.",
    "received": "Records that came; after a sync, those that it compared: the dataset's.",
    "unique": "Distinct records among them.",
    "attempts": "How often the slice was walked.",
}
_FILE = {
    "path": "Below the destination.",
    "rows": "Rows in it.",
    "bytes": "Its size.",
    "sha256": "Its SHA-256, in hex.",
}
_INCLUDED = {
    "linked": "Distinct records that were linked to.",
    "received": "How many of that type came along.",
    "missing": "How many of the linked did not.",
    "named": "The first of those.",
}
_FACET = {
    "name": "The facet.",
    "ok": "Whether the API's counts are those of the tables.",
    "cut_off": "Whether the API listed only the most frequent values.",
    "compared": "How many values were compared.",
    "differing": "Values whose counts differ: the API's, and that of the tables.",
}
_MOVE = {
    "id": "The record, empty if it is not known which.",
    "kind": "What happened to it: created, changed or withdrawn.",
    "slice_key": "The slice that counted it; null if none did.",
    "before": "Whether it was in the total before.",
    "after": "Whether it was in the total afterwards.",
    "received": "Whether it is among the records that came.",
}
_TOTALS = {
    "expected_before": "The API's total of the whole query before anything was fetched.",
    "expected_after": "The same at the end.",
    "received": "Records that came; after a sync, those that it compared: the dataset's.",
    "unique": "Distinct records: the rows of the main table.",
    "duplicates": "Records that came more than once and are kept once.",
    "rejects": "Values and records that fit no column, kept in `_etl/rejects`.",
}


def schema() -> Schema:
    """Return the JSON Schema of `_etl/manifest.json`; later versions may add names to it."""
    named = {**_about(), **_typed(Run, _RUN), **_evidence(), **_beside()}
    return {
        "$schema": ADDRESS,
        "title": "Manifest of a datacite-etl dataset",
        "description": "The proof that lies beside the tables, in _etl/manifest.json.",
        **_object(named, required=[name for name in named if name not in _beside()]),
    }


def text() -> str:
    """Return the schema as its file's text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Render the schema as Markdown."""
    lines = [
        "# The manifest",
        "",
        "Rendered from the code by `python -m tools.reference`; do not edit. The same as JSON Schema:",
        "[manifest.schema.json](manifest.schema.json), against which the tests hold the manifests of every command.",
        "",
        "`DEST/_etl/manifest.json` is written last: if it is there, the dataset is whole.",
        "`datacite-etl verify DEST` reads every file again and compares.",
        "",
        "| name | type | meaning |",
        "|---|---|---|",
        *(f"| `{path}` | {kind} | {said} |" for path, kind, said in _rows(schema(), "")),
    ]
    return "\n".join(lines) + "\n"


def _about() -> dict[str, Schema]:
    window = _object({"by": _text("The date it bounds."), **_typed(Window, dict.fromkeys(("start", "end"), ""))})
    return {
        "format_version": {"const": manifest.FORMAT_VERSION, "description": "Of the layout of dataset and manifest."},
        "resource": _text("What was exported."),
        "dialect": {"enum": ["v1", "v2"], "description": "The generation of the API."},
        "schema_version": _text("Of the resource's tables: it changes when their columns do."),
        "request": _object(
            {
                "resource": _text("What was asked for."),
                "of": _text("The record whose activities or media were meant; empty if none."),
                "filters": _map(_text(), "Filters by name."),
                "query": _text("The search; empty if none."),
                "include": _list(_text(), "Related records that came along."),
                "window": window | {"description": "The dates that were asked for; null is open."},
                "detail": {"type": "boolean", "description": "Whether the API's heavy view was asked for."},
                "tables": _list(_text(), "The tables that were asked for; all if empty."),
                "limit": {"type": "integer", "description": "Of how many records a sample was asked for."},
            },
            optional=["limit"],
            said="The question that the dataset answers.",
        ),
        "fingerprint": _text("A hash of the question and of the tables' version: what may be resumed or synced."),
        "partition_by": _list(_text(), "Columns that make folders."),
        "formats": _list(_text(), "Formats of the data files; each holds all rows."),
    }


def _evidence() -> dict[str, Schema]:
    count = {"type": "integer", "minimum": 0}
    verdict: Schema = {"enum": [state.value for state in State]}
    column = _object({"name": _text("Its name."), "type": {"enum": [kind.value for kind in Type], "description": ""}})
    table = {
        "rows": count | {"description": "Its rows."},
        "key": _text("The column that names the record."),
        "of": _text("The main table that has the record."),
        "columns": _list(column, "In the order of the files."),
        "files": _list(_object(_typed(DataFile, _FILE)), "Its files."),
    }
    drift = {"path": _text("The attribute."), "count": count, "example": _text("One of the records that have it.")}
    one = _typed(Tally, _TALLY) | {"verdict": verdict | {"description": "Of this slice."}}
    return {
        "verdict": verdict | {"description": "Whether everything that the API counts is here."},
        "reasons": _list(_text(), "Why it is no better."),
        "totals": _object(
            {name: {"type": ["integer", "null"], "description": said} for name, said in _TOTALS.items()},
            said="Of all slices together.",
        ),
        "slices": _list(_object(one), "What was fetched, checkpointed and proved as one."),
        "tables": _map(_object(table), "Tables by name."),
        "included": _map(_object(_typed(IncludedTally, _INCLUDED)), "Records that came along, by type."),
        "facets": _list(_object(_typed(FacetCheck, _FACET)), "The API's own counts against the tables."),
        "missing": _list(_text(), "Records that the API counts and could not deliver."),
        "absent": _list(_text(), "Records that were asked for by id and that the API does not have, or does not show."),
        "moved": _list(_object(_typed(Move, _MOVE)), "Records that explain why totals moved during the run."),
        "watermark": {"type": ["string", "null"], "description": "Until when the dataset holds everything, UTC."},
        "schema_drift": _list(_object(drift), "Attributes that no column maps, kept in the column `extra`."),
    }


def _beside() -> dict[str, Schema]:
    """Describe what only some commands write."""
    counts = {kind: {"type": "integer", "description": f"Records that were {kind}."} for kind in KINDS}
    change = {
        "run_id": _text("The sync."),
        "after": _text("The run that it follows."),
        "path": _text("Its feed: a row a record that was added, changed or withdrawn."),
        "received": {"type": "integer", "description": "Records that came this time."},
        "duplicates": {"type": "integer", "description": "Records that came more than once."},
        **counts,
    }
    source = {
        "name": _text("The file or folder."),
        "fingerprint": _text("A hash of its checksums, or of its parts' names where it has none."),
        "parts": {"type": "integer", "description": "How many parts it has."},
    }
    other = {
        "name": _text("Where it was."),
        "run_id": _text("The run that had made it, or brought it up to date last."),
        "raw": {"type": "boolean", "description": "Whether they were raw records (`--keep-raw`), or its NDJSON files."},
    }
    return {
        HISTORY: _list(_object(change), "Written by `sync`: the syncs since the last full export."),
        "metrics": _text("Written by `sync --metrics`: when counts of views and citations were refreshed, UTC."),
        "data_file": _object(source, said="Written by `ingest` of a data file: which it was."),
        "dataset": _object(other, said="Written by `ingest` of a dataset: the one that its records were kept in."),
    }


def _typed(kind: Any, said: Mapping[str, str]) -> dict[str, Schema]:
    """Describe the fields of a dataclass as they are written, in the words given."""
    hints = get_type_hints(kind)
    return {
        each.name: _of(hints[each.name]) | ({"description": said[each.name]} if said[each.name] else {})
        for each in fields(kind)
    }


def _of(hint: Any) -> Schema:
    """Return the schema of a type, of those that manifests are made of."""
    plain = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
    if hint in plain:
        return {"type": plain[hint]}
    if hint is Window:
        return _object(_typed(Window, {"start": "", "end": ""}))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return {"type": [plain[each] for each in arguments]}
    if origin is tuple:
        return _list(_of(arguments[0]))
    return _map(_of(arguments[1]))


def _text(said: str = "") -> Schema:
    return {"type": "string"} | ({"description": said} if said else {})


def _list(each: Schema, said: str = "") -> Schema:
    return {"type": "array", "items": each} | ({"description": said} if said else {})


def _map(each: Schema, said: str = "") -> Schema:
    return {"type": "object", "additionalProperties": each} | ({"description": said} if said else {})


def _object(
    named: Mapping[str, Schema], *, required: list[str] | None = None, optional: list[str] | None = None, said: str = ""
) -> Schema:
    needed = required if required is not None else [name for name in named if name not in (optional or ())]
    return {"type": "object", "properties": dict(named), "required": needed} | ({"description": said} if said else {})


def _rows(one: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    for name, each in one.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place, _kind(each), each.get("description", "").replace("|", "\\|")
        inner, mark = each, ""
        while inner.get("type") == "array" or isinstance(inner.get("additionalProperties"), dict):
            mark += "[]" if inner["type"] == "array" else ".*"
            inner = inner["items"] if inner["type"] == "array" else inner["additionalProperties"]
        yield from _rows(inner, place + mark)


def _kind(each: Schema) -> str:
    if "const" in each:
        return f"{each['const']}"
    if "enum" in each:
        return ", ".join(f"`{value}`" for value in each["enum"])
    kind = each["type"]
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
