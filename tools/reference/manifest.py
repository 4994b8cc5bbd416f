"""The reference of the manifest, rendered from the types that read and write it: a JSON Schema, and the same as a page.

`python -m tools.reference` writes both. The words are those of the types' fields; here is only how they are laid out.
"""

import json
from collections.abc import Iterator

import msgspec

from etl.dataset.manifest import Manifest
from etl.schema.declarations import Json

Schema = dict[str, Json]
ADDRESS = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "#/$defs/{name}"
_TITLE = "Manifest of a datacite-etl dataset"


def schema() -> Schema:
    """Return the JSON Schema of `_etl/manifest.json`; later versions may add names to it."""
    [top], named = msgspec.json.schema_components([Manifest], ref_template=_REFERENCE)
    whole = _whole(top, named)
    return {"$schema": ADDRESS, "title": _TITLE, **whole}


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


def _whole(one: Json, named: dict[str, Schema]) -> Json:
    """Put what a schema refers to in its place; what is said where it stands wins over what is said of the type."""
    if isinstance(one, list):
        return [_whole(each, named) for each in one]
    if not isinstance(one, dict):
        return one
    if "$ref" in one:
        target = named[one["$ref"].removeprefix(_REFERENCE.format(name=""))]
        return _whole({**target, **{name: each for name, each in one.items() if name != "$ref"}}, named)
    if "properties" in one:
        one = {**one, "properties": {name: _whole(each, named) for name, each in one["properties"].items()}}
    kept = {name: each for name, each in one.items() if name not in {"title", "default"}}
    return {name: each if name == "properties" else _whole(each, named) for name, each in kept.items()}


def _rows(one: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    for name, each in one.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place, _kind(each), each.get("description", "").replace("|", "\\|")
        inner, mark = each, ""
        while isinstance(inner.get("items"), dict) or isinstance(inner.get("additionalProperties"), dict):
            mark += "[]" if inner["type"] == "array" else ".*"
            inner = inner["items"] if inner["type"] == "array" else inner["additionalProperties"]
        yield from _rows(inner, place + mark)


def _kind(each: Schema) -> str:
    if "enum" in each:
        return ", ".join(f"`{value}`" for value in each["enum"])
    if "anyOf" in each:
        return " or ".join(_kind(one) for one in each["anyOf"])
    return str(each["type"])
