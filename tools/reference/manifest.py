"""The reference of the manifest, rendered from its types: a JSON Schema, and the same as a page.

`python -m tools.reference` writes both. The descriptions are those of the types' fields.
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
    return {"$schema": ADDRESS, "title": _TITLE, **_resolved(top, named)}


def text() -> str:
    """Return the schema as its file's text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Render the schema as Markdown."""
    lines = [
        "# The manifest",
        "",
        "Rendered from the code by `python -m tools.reference`; do not edit. The same as JSON Schema is",
        "[manifest.schema.json](manifest.schema.json); tests validate the manifests of every command against it.",
        "",
        "`DEST/_etl/manifest.json` is written last: if it exists, the dataset is complete on disk.",
        "`datacite-etl verify DEST` checks every file against it.",
        "",
        "| name | type | meaning |",
        "|---|---|---|",
        *(f"| `{path}` | {kind} | {meaning} |" for path, kind, meaning in _rows(schema(), "")),
    ]
    return "\n".join(lines) + "\n"


def _resolved(node: Json, named: dict[str, Schema]) -> Json:
    """Replace references by what they refer to; members next to a reference win over those of the type."""
    if isinstance(node, list):
        return [_resolved(entry, named) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = named[node["$ref"].removeprefix(_REFERENCE.format(name=""))]
        return _resolved({**target, **{name: value for name, value in node.items() if name != "$ref"}}, named)
    if "properties" in node:
        properties = {name: _resolved(value, named) for name, value in node["properties"].items()}
        node = {**node, "properties": properties}
    kept = {name: value for name, value in node.items() if name not in {"title", "default"}}
    return {name: value if name == "properties" else _resolved(value, named) for name, value in kept.items()}


def _rows(node: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    for name, member in node.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place, _kind(member), member.get("description", "").replace("|", "\\|")
        inner, mark = member, ""
        while isinstance(inner.get("items"), dict) or isinstance(inner.get("additionalProperties"), dict):
            mark += "[]" if inner["type"] == "array" else ".*"
            inner = inner["items"] if inner["type"] == "array" else inner["additionalProperties"]
        yield from _rows(inner, place + mark)


def _kind(member: Schema) -> str:
    if "enum" in member:
        return ", ".join(f"`{value}`" for value in member["enum"])
    if "anyOf" in member:
        return " or ".join(_kind(choice) for choice in member["anyOf"])
    return str(member["type"])
