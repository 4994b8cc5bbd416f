"""Nested pages become the declared tables: one row per entry, in order, with keys and positions."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import resources
from etl.api.document import read_document
from etl.records.flatten import build, flatten, frame_schema, needed
from etl.records.parser import Parser, nested_schema
from etl.schema.arrow_types import split_path
from etl.schema.declarations import Json, Resource, Table
from tests.records.test_parser import PAGES
from tests.support.widgets import WIDGETS, column


def nested(*records: Mapping[str, Json]) -> pa.Table:
    return Parser(WIDGETS).parse([json.dumps(record).encode() for record in records]).table


def widget(number: int, **attributes: Json) -> dict[str, Json]:
    return {"id": f"W/{number}", "attributes": attributes}


def frame(name: str, page: pa.Table, resource: Resource = WIDGETS) -> pl.DataFrame:
    """Flatten from the columns that the table says it needs, and no others."""
    table = resource.table(name)
    if table.build:
        return build(resource, table, {source: frame(source, page, resource) for source in table.inputs})
    return flatten(resource, table, page.select(needed(resource, table)))


FULL = {
    "id": "W/1",
    "type": "widgets",
    "attributes": {
        "title": "One",
        "year": 1987,
        "created": "2020-01-02T03:04:05.678Z",
        "day": "2020-02-29",
        "length": "12.50",
        "shape": {"a": 1},
        "maker": {"name": "M", "code": "c"},
        "novelty": 7,
        "parts": [
            {"name": "Ax", "size": 3, "inner": {"depth": 2}, "labels": [{"text": "l0"}, {"text": "l1"}]},
            None,
            {"name": "By", "labels": [{}, None]},
        ],
        "tags": ["t", None],
        "counts": [{"id": "N1"}],
    },
    "relationships": {
        "owner": {"data": {"id": "O1", "type": "owners"}},
        "kin": {"data": [{"id": "K1", "type": "widgets"}, {"id": "K2", "type": "widgets"}]},
    },
}


def test_a_record_is_a_row_of_the_main_table() -> None:
    """Typed values, the key in lower case, derived columns from those before them, and what nobody declared."""
    row = frame("widgets", nested(FULL)).row(0, named=True)
    assert row == {
        "_row": 0,
        "id": "w/1",
        "title": "One",
        "year": 1987,
        "weight": None,
        "active": None,
        "created": datetime(2020, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "day": date(2020, 2, 29),
        "shape": '{"a":1}',
        "length": 12.5,
        "maker": "M",
        "maker_code": "c",
        "made_by": None,
        "decade": 1980,
        "century": 1900,
        "extra": '{"attributes.novelty":7}',
    }


def test_of_several_places_the_first_with_a_value_counts() -> None:
    """A column that looks in two places takes the first one's value, else the second's, in records and in entries."""
    main = replace(WIDGETS.main, columns=(WIDGETS.key, column("called", path="attributes.title|attributes.maker.name")))
    child = replace(WIDGETS.table("widget_parts"), columns=(column("called", path="name|plan"),))
    resource = replace(WIDGETS, tables=(main, child))
    records = [
        widget(1, title="t", maker={"name": "m"}, parts=[{"name": "n", "plan": "p"}]),
        widget(2, maker={"name": "m"}, parts=[{"plan": "p"}, {}]),
        widget(3, title=None, maker=None),
    ]
    page = Parser(resource).parse([json.dumps(record).encode() for record in records]).table
    assert frame("widgets", page, resource)["called"].to_list() == ["t", "m", None]
    assert frame("widget_parts", page, resource)["called"].to_list() == ["n", "p", None]


def test_each_entry_of_a_list_is_a_row() -> None:
    """Null and empty entries count, positions start at 0, and columns may lie deeper in the entry."""
    assert frame("widget_parts", nested(widget(0), FULL)).rows() == [
        (1, "w/1", 0, "ax", 3, None, 2, "a"),
        (1, "w/1", 1, None, None, None, None, None),
        (1, "w/1", 2, "by", None, None, None, "b"),
    ]
    assert frame("widget_tags", nested(widget(0), FULL)).rows() == [(1, "w/1", 0, "t"), (1, "w/1", 1, None)]


def test_children_of_children_carry_all_positions() -> None:
    """A row of a list within a list knows its place in both."""
    rows = frame("widget_part_labels", nested(FULL, widget(2, parts=[{"labels": [{"text": "z"}]}]))).rows()
    assert rows == [
        (0, "w/1", 0, 0, "l0"),
        (0, "w/1", 0, 1, "l1"),
        (0, "w/1", 2, 0, None),
        (0, "w/1", 2, 1, None),
        (1, "w/2", 0, 0, "z"),
    ]


def test_a_union_takes_its_lists_and_objects_in_their_declared_order() -> None:
    """By record, then by label, then by position; an object without a value gives no row, an empty entry does."""
    second = {
        "id": "w/2",
        "attributes": {"counts": [{}]},
        "relationships": {"owner": {"data": {}}, "kin": {"data": []}},
    }
    third = {"id": "w/3", "relationships": {"owner": {"data": None}, "kin": {"data": {"id": "K9"}}}}
    assert frame("widget_links", nested(FULL, second, third)).rows() == [
        (0, "w/1", 0, "owner", "o1", "owners"),
        (0, "w/1", 0, "kin", "k1", "widgets"),
        (0, "w/1", 1, "kin", "k2", "widgets"),
        (0, "w/1", 0, "counts", "n1", None),
        (1, "w/2", 0, "counts", None, None),
        (2, "w/3", 0, "kin", "k9", None),
    ]


def test_a_built_table_comes_from_the_frames_of_its_inputs() -> None:
    """The rule of the declaration gets the finished frames and its result has the declared columns."""
    assert frame("widget_edges", nested(FULL)).rows() == [(0, "w/1", "ax"), (0, "w/1", None), (0, "w/1", "by")]


@pytest.mark.parametrize("name", [table.name for table in WIDGETS.tables])
def test_the_columns_are_the_same_whatever_a_page_holds(name: str) -> None:
    """Without records, with bare ones and with full ones: names, order and types are those of the frame's schema."""
    expected = {"_row": pl.UInt32(), **frame_schema(WIDGETS, WIDGETS.table(name))}
    for page in (nested(), nested({"id": "a"}), nested(FULL), nested_schema(WIDGETS).empty_table()):
        assert list(frame(name, page).schema.items()) == list(expected.items())


def rows(page: pa.Table) -> dict[str, list[tuple[Json, ...]]]:
    return {table.name: frame(table.name, page).rows() for table in WIDGETS.tables}


@pytest.mark.slow
@given(PAGES, st.integers(0, 5), st.integers(0, 5))
def test_a_part_of_a_page_gives_a_part_of_the_rows(records: list[bytes], first: int, length: int) -> None:
    """Slices of a nested table, which share its buffers, flatten to the rows of their records alone."""
    page = Parser(WIDGETS).parse(records).table
    for name, found in rows(page.slice(first, length)).items():
        expected = [(row[0] - first, *row[1:]) for row in rows(page)[name] if first <= row[0] < first + length]
        assert found == expected


@pytest.mark.slow
@given(PAGES, PAGES)
def test_pages_may_be_flattened_together(one: list[bytes], other: list[bytes]) -> None:
    """Two pages in one table give the rows of the first and then of the second, counted on."""
    first, second = Parser(WIDGETS).parse(one).table, Parser(WIDGETS).parse(other).table
    together = rows(pa.concat_tables([first, second]))
    for name in together:
        counted_on = [(row[0] + first.num_rows, *row[1:]) for row in rows(second)[name]]
        assert together[name] == rows(first)[name] + counted_on


def entries(node: Json, path: tuple[str, ...]) -> Iterator[Json]:
    """Walk a record in plain Python; a value in place of a list is a list of one, `{}` of none."""
    if not path:
        yield node
    elif path[0] == "[]":
        for entry in node if isinstance(node, list) else [] if node in (None, {}) else [node]:
            yield from entries(entry, path[1:])
    elif isinstance(node, list):
        yield from entries(node[0] if node else None, path)
    else:
        yield from entries(node.get(path[0]) if isinstance(node, dict) else None, path[1:])


def count(record: Json, table: Table) -> int:
    return sum(1 for _ in entries(record, (*split_path(table.path), "[]")))


@given(PAGES)
def test_children_are_as_many_as_plain_python_counts(records: list[bytes]) -> None:
    """For any JSON in any place, each list gives as many rows as it has entries."""
    kept = [
        one
        for one in map(json.loads, records)
        if isinstance(one, dict) and one.get("id") not in (None, "", {"__content__": None}, {"__content__": ""})
    ]
    page = Parser(WIDGETS).parse(records).table
    for table in (table for table in WIDGETS.tables if table.path):
        found = Counter(frame(table.name, page)["_row"])
        assert [found[row] for row in range(page.num_rows)] == [count(record, table) for record in kept]


@pytest.mark.slow
@pytest.mark.parametrize("name", resources.names())
def test_recorded_children_are_as_many_as_plain_python_counts(real: Path, name: str) -> None:
    """Over all real bodies, every child table has one row per entry of its list, record by record."""
    resource, parser = resources.load(name), Parser(resources.load(name))
    pages = [
        path for folder in (f"{name}_list", name, f"{name}_single") for path in (real / "current" / folder).glob("*")
    ]
    if not pages:
        pytest.skip(f"no bodies of {name} were recorded")
    records = [record for path in sorted(pages) for record in read_document(path.read_bytes()).records]
    page = parser.parse(records).table
    assert page.num_rows == len(records)
    for table in (table for table in resource.tables if table.path):
        found = Counter(frame(table.name, page, resource)["_row"])
        assert [found[row] for row in range(len(records))] == [count(json.loads(record), table) for record in records]
