"""What every declaration must have, whatever its resource: the reference pages and databases are made from it."""

import re
from collections import Counter

import pytest

from etl import resources
from etl.cli.resources import describe
from etl.records import flatten, parser
from etl.schema import declarations
from etl.schema.declarations import Listing, Resource, Scalar, Shape, Struct, Table, Type

SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.fixture(params=resources.names())
def resource(request: pytest.FixtureRequest) -> Resource:
    return resources.load(request.param)


def columns(resource: Resource, table: Table) -> list[str]:
    return list(flatten.frame_schema(resource, table))


def at(shape: Shape, path: str) -> Shape:
    """Follow a dotted path, `[]` for an entry of a list."""
    for step in path.replace("[]", ".[]").split("."):
        if step == "[]":
            assert isinstance(shape, Listing), path
            shape = shape.entry
        else:
            assert isinstance(shape, Struct), path
            shape = shape.fields[step]
    return shape


def test_table_names_are_unique_over_all_resources() -> None:
    """Tables of different resources may stand in one database."""
    names = Counter(table.name for name in resources.names() for table in resources.load(name).tables)
    assert [name for name, count in names.items() if count > 1] == []


def test_names_are_snake_case_and_unique(resource: Resource) -> None:
    """Tables and columns have names that need no quotes, none of them twice."""
    for table in resource.tables:
        names = columns(resource, table)
        assert [name for name in [table.name, *names] if not SNAKE.fullmatch(name)] == []
        assert len(set(names)) == len(names), table.name


def test_the_main_table_has_the_resource_s_name(resource: Resource) -> None:
    """The table with one row per record is called like its resource."""
    assert resource.main.name == resource.name.replace("/", "_").replace("-", "_")


def test_everything_is_described(resource: Resource) -> None:
    """Resources, tables, columns and filters have a description without stray blanks."""
    texts = [resource.description, *(entry.description for entry in resource.filters)]
    for table in resource.tables:
        texts += [table.description, *(column.description for column in table.columns)]
    assert [text for text in texts if len(text) < 5 or text != " ".join(text.split())] == []


def test_a_record_has_a_key_and_keeps_what_is_unknown(resource: Resource) -> None:
    """The main table begins with its key and ends with `extra`."""
    assert resource.main.columns[0] == resource.key
    assert resource.main.columns[-1].name == "extra"


def test_derived_columns_stand_after_what_they_are_read_from(resource: Resource) -> None:
    """A derived column's inputs are columns of its table that stand before it."""
    for table in resource.tables:
        for place, column in enumerate(table.columns):
            before = {earlier.name for earlier in table.columns[:place]}
            assert set(column.derived.inputs if column.derived else ()) <= before, (table.name, column.name)


def test_built_tables_name_their_inputs(resource: Resource) -> None:
    """A table that is built from others names tables that are flattened before it."""
    for place, table in enumerate(resource.tables):
        assert set(table.inputs) <= {earlier.name for earlier in resource.tables[:place]}
        assert bool(table.inputs) == bool(table.build)


def test_a_table_of_relations_begins_with_its_label(resource: Resource) -> None:
    """The first column of a table of several lists says which list a row is from."""
    for table in resource.tables:
        if table.relations:
            label, *others = table.columns
            assert label.key
            assert label.path is None
            assert all(column.path or column.derived for column in others)


def test_positions_say_what_identifies_the_rows_of_several_lists(resource: Resource) -> None:
    """Positions of a table of relations start over with each label, and the reference pages say so."""
    for table in resource.tables:
        descriptions = [
            column["description"]
            for one in describe(resource)["tables"]
            if one["name"] == table.name
            for column in one["columns"]
            if column["name"] in table.positions
        ]
        assert len(descriptions) == (0 if table is resource.main else len(table.positions))
        if table.relations:
            assert all(f"within each {table.columns[0].name};" in description for description in descriptions)


def test_facets_count_columns_that_exist(resource: Resource) -> None:
    """A facet is held against a column of a table of the resource, or against nothing."""
    names = [facet.name for facet in resource.facets]
    assert len(set(names)) == len(names)
    for facet in resource.facets:
        assert (facet.table is None) == (facet.column is None)
        assert facet.table is None or facet.column in columns(resource, resource.table(facet.table))


def test_includes_lead_to_resources(resource: Resource) -> None:
    """An include names a resource, and a path to the ids of its records."""
    shape = declarations.shape(resource)
    for include in resource.includes:
        assert include.resource in resources.names()
        for path in include.paths:
            target = at(shape, path)
            assert target == Scalar(Type.STRING) or (isinstance(target, Struct) and "id" in target.fields)


def test_windows_partition_and_wraps_exist(resource: Resource) -> None:
    """What a resource is cut by is one of its windows, what it is partitioned by a column, what it wraps an object."""
    assert resource.slice_on is None or resource.slice_on in resource.windows
    assert resource.partition is None or resource.partition in columns(resource, resource.main)
    for path, name in resource.wrap.items():
        target = at(declarations.shape(resource), path)
        assert isinstance(target, Struct)
        assert target.scalar == name


def test_unmapped_attributes_have_a_reason_and_no_column(resource: Resource) -> None:
    """What is left out on purpose says why, and is not mapped all the same."""
    assert all(resource.unmapped.values())
    for path in resource.unmapped:
        with pytest.raises((KeyError, AssertionError)):
            at(declarations.shape(resource), path)


def test_filters_are_named_once_and_have_forms_that_compile(resource: Resource) -> None:
    """No filter is declared twice, and the pattern of every form compiles."""
    names = [entry.name for entry in resource.filters]
    assert len(set(names)) == len(names)
    assert all(re.compile(entry.form.pattern) for entry in resource.filters if entry.form)


def test_no_records_make_all_tables_and_columns(resource: Resource) -> None:
    """An empty page has every table with every column in its type."""
    nested = parser.Parser(resource).parse([]).table
    frames = {}
    for table in resource.tables:
        made = flatten.build(resource, table, frames) if table.build else flatten.flatten(resource, table, nested)
        frames[table.name] = made
        assert made.is_empty()
        assert dict(made.drop(flatten.ROW).schema) == flatten.frame_schema(resource, table)


def test_a_list_with_windows_takes_a_search(resource: Resource) -> None:
    """Windows and slices are spelled in the query language, so a list that has them understands it."""
    assert resource.searched or not (resource.windows or resource.slice_on)


def test_which_lists_take_no_search() -> None:
    """Vocabularies, reports and lists that are only included read no query parameter (api-notes 6.9, 6.11, 7.8)."""
    deaf = {name for name in resources.names() if not resources.load(name).searched}
    assert deaf == {
        *("media", "objects", "reports", "resource-types"),
        *(f"v1/{name}" for name in ("agents", "contributions", "groups", "registration-agencies")),
        *(f"v1/{name}" for name in ("relation-types", "resource-types", "work-types")),
    }


def test_forms_of_filters_are_described_in_words(resource: Resource) -> None:
    """What a filter takes is said without a regular expression."""
    descriptions = [entry.form.description for entry in resource.filters if entry.form]
    assert [words for words in descriptions if set(words) & set("\\[](){}*+^$")] == []
