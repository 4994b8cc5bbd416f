"""Turn a page's nested Arrow table into the polars frame of one declared table, with Arrow's list kernels.

The nested columns are those of `parser.nested_schema`. Other modules deal with duplicates, order and files. Tables
that are made of other tables use `build`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl.schema import declarations
from etl.schema.arrow_types import EACH, Path, as_array, split_path
from etl.schema.declarations import Column, Derived, Resource, Struct, Table, Type

ROW = "_row"
DTYPES: Mapping[Type, pl.DataType] = {
    Type.STRING: pl.String(),
    Type.INT: pl.Int64(),
    Type.FLOAT: pl.Float64(),
    Type.BOOL: pl.Boolean(),
    Type.TIMESTAMP: pl.Datetime("us", "UTC"),
    Type.DATE: pl.Date(),
    Type.JSON: pl.String(),
}


def frame_schema(resource: Resource, table: Table) -> dict[str, pl.DataType]:
    """Return the columns and dtypes of a finished table, in order."""
    declared = {column.name: DTYPES[column.type] for column in table.columns}
    if table is resource.main:
        return declared
    positions = dict.fromkeys(table.positions, pl.Int64())
    return {resource.parent: DTYPES[resource.key.type], **positions, **declared}


def needed(resource: Resource, table: Table) -> list[str]:
    """List the nested columns that a table needs; for a built table, those of its inputs."""
    if table.build:
        names = [name for source in table.inputs for name in needed(resource, resource.table(source))]
        return list(dict.fromkeys(names))
    fields = declarations.shape(resource).fields
    paths = [resource.key.path, table.path, *(table.relations or {}).values()]
    if table is resource.main:
        paths += [path for column in table.columns for path in _sources(column)]
    tops = [
        split_path(path)[: 2 if isinstance(fields.get(split_path(path)[0]), Struct) else 1] for path in paths if path
    ]
    return list(dict.fromkeys(".".join(top) for top in tops))


def flatten(resource: Resource, table: Table, nested: pa.Table) -> pl.DataFrame:
    """Return the table's rows in record order: `_row`, then its columns.

    `_row` is the ordinal (UInt32) of the record in `nested`, which may be many pages: fewer, larger calls cost less.
    """
    page = _Page(nested)
    if table is resource.main:
        arrays = _main(table, page)
    else:
        arrays = _union(table, page) if table.relations else _rows(table, page.entries((*split_path(table.path), EACH)))
        keys = _lower(page.entries(split_path(resource.key.path or "")).values, resource.key)
        arrays[resource.parent] = keys.take(arrays[ROW])
    return _frame(arrays, table, {ROW: pl.UInt32(), **frame_schema(resource, table)})


def build(resource: Resource, table: Table, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return a built table from the flattened frames of its inputs, with the same dtypes as any other."""
    assert table.build
    built = table.build({name: frames[name].select(ROW, *columns) for name, columns in table.inputs.items()})
    schema = frame_schema(resource, table)
    return built.select(pl.col(name).cast(dtype) for name, dtype in {ROW: pl.UInt32(), **schema}.items())


@dataclass(frozen=True, slots=True)
class _Entries:
    """Values of a page, each with its record and its positions in the lists around it."""

    values: pa.Array
    rows: pa.Array
    positions: tuple[pa.Array, ...] = ()

    def down(self, path: Path) -> "_Entries":
        """Follow a path into fields, and into the entries of lists."""
        here = self
        for step in path:
            here = here.entries() if step == EACH else here.field(step)
        return here

    def field(self, name: str) -> "_Entries":
        """Go to a field of objects; a null object has a null field."""
        return _Entries(pc.struct_field(self.values, name), self.rows, self.positions)

    def entries(self) -> "_Entries":
        """Go to the entries of lists; a null list has none, and a null entry counts."""
        parents = pc.list_parent_indices(self.values)
        lengths = pc.fill_null(pc.list_value_length(self.values), 0)
        starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
        position = pc.subtract(pa.arange(0, len(parents)), starts.take(parents))
        outer = (around.take(parents) for around in self.positions)
        return _Entries(pc.list_flatten(self.values), self.rows.take(parents), (*outer, position))


@dataclass(frozen=True, slots=True)
class _Page:
    """A nested table, read by declared paths."""

    nested: pa.Table

    def entries(self, path: Path) -> _Entries:
        depth = 1 if path[0] in self.nested.column_names else 2
        column = self.nested.column(".".join(path[:depth]))
        return _Entries(as_array(column), self.rows()).down(path[depth:])

    def rows(self) -> pa.Array:
        return pa.arange(0, self.nested.num_rows)


def _main(table: Table, page: _Page) -> dict[str, pa.Array]:
    arrays = {
        column.name: _value([page.entries(split_path(path)) for path in sources], column)
        for column in table.columns
        if (sources := _sources(column))
    }
    return {ROW: page.rows(), **arrays}


def _sources(column: Column) -> tuple[str, ...]:
    """Return the paths of a main table's column; one without path or rule is the nested column `extra`."""
    return column.paths if column.path or column.derived else (column.name,)


def _rows(table: Table, entries: _Entries) -> dict[str, pa.Array]:
    """Return the columns with a path, the record's ordinal, and the positions."""
    arrays = {
        column.name: _value([entries.down(split_path(path)) for path in column.paths], column)
        for column in table.columns
        if column.paths
    }
    # A single object is not in a list: its position is 0.
    positions = entries.positions or (pa.repeat(pa.scalar(0, pa.int64()), len(entries.rows)),)
    return {ROW: entries.rows, **dict(zip(table.positions, positions, strict=True)), **arrays}


def _union(table: Table, page: _Page) -> dict[str, pa.Array]:
    """Concatenate several lists and single objects, by record, then in declared order."""
    label = table.columns[0].name
    parts = []
    for name, path in (table.relations or {}).items():
        entries = page.entries(split_path(path))
        if not path.endswith(EACH):
            entries = _stated(table, entries)
        parts.append(pa.table({label: pa.repeat(name, len(entries.rows)), **_rows(table, entries)}))
    union = pa.concat_tables(parts)
    union = union.take(pc.sort_indices(union.column(ROW)))
    return dict(zip(union.column_names, union.combine_chunks().columns, strict=True))


def _stated(table: Table, entries: _Entries) -> _Entries:
    """Leave out single objects without a value in any declared field."""
    paths = (path for column in table.columns for path in column.paths if path)
    fields = (entries.down(split_path(path)).values for path in paths)
    stated = reduce(pc.or_, (field.is_valid() for field in fields))
    return _Entries(entries.values.filter(stated), entries.rows.filter(stated))


def _value(sources: Sequence[_Entries], column: Column) -> pa.Array:
    """Return a column's values: the first of several sources that has one."""
    values = [entries.values for entries in sources]
    return _lower(values[0] if len(values) == 1 else pc.coalesce(*values), column)


def _lower(array: pa.Array, column: Column) -> pa.Array:
    return pc.utf8_lower(array) if column.lower else array


def _frame(arrays: dict[str, pa.Array], table: Table, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Add the derived columns in declared order, each from earlier ones."""
    if not len(arrays[ROW]):
        return pl.DataFrame(schema=schema)
    arrays[ROW] = arrays[ROW].cast(pa.uint32())
    frame = pl.DataFrame(pa.table({name: arrays[name] for name in schema if name in arrays}))
    for rules in _generations(table.columns):
        frame = frame.with_columns(rule.function(*map(pl.col, rule.inputs)).alias(name) for name, rule in rules)
    if list(frame.schema.items()) == list(schema.items()):
        return frame
    return frame.select(pl.col(name).cast(dtype, strict=False) for name, dtype in schema.items())


def _generations(columns: Iterable[Column]) -> list[list[tuple[str, Derived]]]:
    """Group the derived columns so that each group only needs columns of earlier groups."""
    ages: dict[str, int] = {}
    groups: list[list[tuple[str, Derived]]] = []
    for column in columns:
        if column.derived:
            age = ages[column.name] = max(ages.get(name, -1) for name in column.derived.inputs) + 1
            groups[age:] = groups[age:] or [[]]
            groups[age].append((column.name, column.derived))
    return groups
