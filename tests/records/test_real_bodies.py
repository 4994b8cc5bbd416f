"""Recorded bodies of the real API, type variations and all, served by the sandbox and exported: nothing gets lost."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import etl.resources
from etl.sandbox import Corpus, running
from etl.schema.declarations import Resource, Table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records(real: Path) -> list[dict[str, Any]]:
    """Every DOI once, from the recorded lists and singletons; of two recordings the later file's."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted([*(real / "current/dois_list").glob("*.json"), *(real / "current/dois_single").glob("*.json")]):
        data = json.loads(path.read_text()).get("data")
        for record in data if isinstance(data, list) else [data]:
            if isinstance(record, dict) and record.get("type") == "dois" and record.get("id"):
                found[record["id"].lower()] = record
    return list(found.values())


@pytest.fixture(scope="module")
def dataset(records: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of all of them."""
    from etl import cli

    to = tmp_path_factory.mktemp("real") / "o"
    with running(Corpus.from_records(records)) as box:
        assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(to), "--quiet"]) == 0
    return to


def test_every_recorded_doi_comes_out_once(records: list[dict[str, Any]], dataset: Path) -> None:
    """The main table has each recorded DOI in one row, and the proof says complete."""
    got = pl.read_parquet(dataset / "dois" / "**" / "*.parquet")["doi"].to_list()
    assert Counter(got) == Counter(record["id"].lower() for record in records)
    assert json.loads((dataset / "_etl/manifest.json").read_text())["verdict"] == "complete"
    assert len(got) > 3000


def entries(node: Any, path: str) -> Iterator[Any]:
    """Walk a declared path in plain Python: lists are entered, a lone object counts as a list of one."""
    head, _, rest = path.partition(".")
    found = node.get(head.removesuffix("[]")) if isinstance(node, Mapping) else None
    if rest and not head.endswith("[]"):
        yield from entries(found, rest)
        return
    every = found if isinstance(found, list) else [] if found in (None, {}) else [found]
    for one in every:
        if rest:
            yield from entries(one, rest)
        else:
            yield one


DOIS = etl.resources.load("dois")
CHILDREN = [table for table in DOIS.tables if table.path]


@pytest.mark.parametrize("table", CHILDREN, ids=[table.name for table in CHILDREN])
def test_child_rows_are_as_many_as_plain_python_counts(
    table: Table, records: list[dict[str, Any]], dataset: Path
) -> None:
    """Each child table has one row per entry of its list, DOI by DOI."""
    counted = Counter({r["id"].lower(): n for r in records if (n := len(list(entries(r, table.path))))})
    got = pl.read_parquet(dataset / table.name / "**" / "*.parquet")["doi"].to_list()
    assert Counter(got) == counted


def rejects(dataset: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in (dataset / "_etl/rejects").glob("*") for line in path.read_text().splitlines()]


def test_rejects_hold_only_what_cannot_fit(dataset: Path) -> None:
    """No whole record is rejected, and what is rejected is a value that the column's type cannot hold."""
    found = rejects(dataset) if (dataset / "_etl/rejects").exists() else []
    assert all(one["path"] and one["record_id"] for one in found)
    assert len(found) <= 5, [f"{one['path']}: {one['reason']}: {one['raw'][:80]}" for one in found]


def test_lists_of_clients_and_providers_come_out_whole(real: Path) -> None:
    """Each recorded client and provider is a row of its main table."""
    from etl.records.flatten import flatten
    from etl.records.parser import Parser

    for name in ("clients", "providers"):
        resource: Resource = etl.resources.load(name)
        for path in sorted((real / "current" / name).glob("*.json")):
            data = json.loads(path.read_text()).get("data") or []
            own = [one for one in data if isinstance(one, dict) and one.get("id")]
            table = Parser(resource).parse([json.dumps(one).encode() for one in own]).table
            ids = flatten(resource, resource.main, table)["id"].to_list()
            assert ids == [one["id"].lower() for one in own], path.name
