"""Recorded bodies of API v1, and bodies derived from its code, come out whole: nothing lost, nothing unknown."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from etl import resources
from etl.api import document, retired
from etl.completeness.verdict import buckets
from etl.errors import RefusedError
from etl.records.parser import Parser
from etl.runs.in_memory import tables
from etl.schema.declarations import Resource

pytestmark = pytest.mark.slow

BODIES = Path(__file__).parents[3] / "shared" / "real"
FILES = sorted(path for root in ("legacy", "legacy-derived") for path in (BODIES / root).rglob("*.json"))
BY_TYPE: Mapping[str, Resource] = {
    kind: resource
    for resource in (resources.load(name) for name in resources.names() if name.startswith("v1/"))
    for kind in resource.types
}
LISTED = [path for path in FILES if path.parent.name != "_errors"]
TITLES = [path.relative_to(BODIES).as_posix() for path in LISTED]
# The derived list has two kinds of one name, `Is-supplement-to` and `is-supplement-to`: upstream kept both.
TWICE = {"legacy-derived/relation-types/list-0.json": 1}


def test_the_bodies_are_there() -> None:
    """Without the recorded bodies nothing below is tested."""
    if not BODIES.is_dir():
        pytest.skip("the recorded bodies of the API are not beside this repository")
    assert len(LISTED) > 280


@pytest.mark.parametrize("path", LISTED, ids=TITLES)
def test_every_record_of_a_body_becomes_a_row(path: Path) -> None:
    """The list's own records and all side-loads are rows with keys of their own, without drift or misfits."""
    plain = json.loads(path.read_bytes())
    data = plain["data"] if isinstance(plain["data"], list) else [plain["data"]]
    own = BY_TYPE[path.parent.name.removesuffix("_single")]
    found = document.separate_included(document.read_document(path.read_bytes()), own.types)
    expected = Counter(one["type"] for one in [*data, *plain.get("included", [])])
    twice = TWICE.get(path.relative_to(BODIES).as_posix(), 0)
    groups = [(own, found.records)]
    others = {resource.name: resource for resource in BY_TYPE.values()}
    groups += [(other, document.records_of_type(found.included, *other.types)) for other in others.values()]
    got: Counter[str] = Counter()
    for resource, records in groups:
        parsed = Parser(resource).parse(records)
        assert (parsed.drift, parsed.issues) == ({}, ())
        got[resource.name] += parsed.table.num_rows
        keys = {key.lower() for key in parsed.table.column("id").to_pylist()}
        assert len(keys) == len(records) - (twice if records is found.records else 0)
    assert sum(got.values()) == sum(expected.values())
    for kind, count in expected.items():
        assert got[BY_TYPE[kind].name] >= count


@pytest.mark.parametrize("path", LISTED, ids=TITLES)
def test_lists_inside_records_have_a_row_an_entry(path: Path) -> None:
    """Authors, results, media and the like are as many rows as plain Python counts entries."""
    plain = json.loads(path.read_bytes())
    own = BY_TYPE[path.parent.name.removesuffix("_single")]
    records = [one for one in _listed(plain["data"]) if one["type"] in own.types]
    frames = tables(own, [json.dumps(one).encode() for one in records])
    for table in own.tables[1:]:
        name = table.path.removeprefix("attributes.")
        assert len(frames[table.name]) == sum(len(_listed(one["attributes"].get(name))) for one in records), table.name


@pytest.mark.parametrize("path", LISTED, ids=TITLES)
def test_a_linked_record_is_named_wherever_the_server_told_it(path: Path) -> None:
    """Servers sent publisher, source and kind as attributes or only as relationships: both fill the column."""
    plain = json.loads(path.read_bytes())
    own = BY_TYPE[path.parent.name.removesuffix("_single")]
    records = [one for one in _listed(plain["data"]) if one["type"] in own.types]
    main = tables(own, [json.dumps(one).encode() for one in records])[own.main.name]
    for name in {name for one in records for name in one.get("relationships") or {}}:
        links = [(one["relationships"].get(name) or {}).get("data") or {} for one in records]
        expected = [
            one["attributes"].get(f"{name}-id") or link.get("id") for one, link in zip(records, links, strict=True)
        ]
        got = main[f"{name.replace('-', '_')}_id"].str.to_lowercase().to_list()
        assert got == [each and each.lower() for each in expected], name


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value in (None, {}) else [value]


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "_errors"], ids=lambda path: path.stem)
def test_error_bodies_become_a_refusal_that_names_the_fix(path: Path) -> None:
    """Both wordings of the 404, of the old server and the current one, lead to the current resource."""
    error = document.error_of(404, path.read_bytes(), "https://api.datacite.org/works")
    advice = retired.explain(error, resources.load("v1/works"))
    assert isinstance(advice, RefusedError)
    assert "dois" in str(advice)


@pytest.mark.parametrize("path", LISTED, ids=TITLES)
def test_facets_are_read_in_either_shape(path: Path) -> None:
    """Each facet of `meta` is read into as many ids and counts as it has, whichever shape it came in."""
    meta = json.loads(path.read_bytes()).get("meta") or {}
    facets = {name: value for name, value in meta.items() if isinstance(value, list | dict)}
    for value in facets.values():
        found = buckets(value)
        assert len(found) == len(value)
        assert sum(count for _, count in found) == sum(
            value.values() if isinstance(value, dict) else (one["count"] for one in value)
        )


NAMED = {
    "agents": "title description count scheduled",
    "contributions": "subj-id obj-id given family credit-name orcid github author doi url title container-title "
    "contributor-role-id source-id publisher-id work-type-id published issued updated",
    "contributors": "given family literal orcid github updated",
    "events": "state message-type message-action source-token prefix subj-id obj-id subj obj source-id "
    "relation-type-id registration-agency-id total occurred updated",
    "groups": "title updated",
    "members": "title description member-type region country year logo-url email website phone updated",
    "pages": "author title container-title description license image-url tags issued updated",
    "publishers": "title other-names prefixes member-id registration-agency-id updated",
    "registration-agencies": "title updated",
    "relations": "subj-id obj-id doi author title container-title source-id relation-type-id publisher-id "
    "registration-agency-id work-type-id total published issued updated",
    "relation-types": "title inverse-title updated",
    "resource-types": "title updated",
    "sources": "title description state group-id work-count relation-count result-count by-day by-month updated",
    "works": "doi url author title container-title description resource-type-subtype publisher-id member-id "
    "registration-agency-id resource-type-id work-type-id version license schema-version results published deposited "
    "updated media xml",
    "work-types": "title container updated",
}


@pytest.mark.parametrize("name", NAMED)
def test_every_attribute_of_the_serializers_has_a_column(name: str) -> None:
    """What api-notes 7.8 names is read by some column of some table, or there is a reason why not."""
    resource = resources.load(f"v1/{name}")
    paths = {
        ".".join(filter(None, (table.path, path)))
        for table in resource.tables
        for column in table.columns
        for path in column.paths
    }
    read = {path.split(".")[1] for path in [*paths, *resource.unmapped] if path.startswith("attributes.")}
    assert set(NAMED[name].split()) - read == set()
