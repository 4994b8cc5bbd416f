"""A page's nested Arrow table -> the polars frame of one declared table, by Arrow's list kernels.

The nested columns are those of `parse.nested_schema`. Duplicates, order between pages and files are not this module's
matter; tables that are built from other tables get no further than `build`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl.schema import declarations
from etl.schema.arrow_types import EACH, Path, as_array, steps
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
    """Return the columns and dtypes of a finished table, in their order."""
    declared = {column.name: DTYPES[column.type] for column in table.columns}
    if table is resource.main:
        return declared
    positions = dict.fromkeys(table.positions, pl.Int64())
    return {resource.parent: DTYPES[resource.key.type], **positions, **declared}


def needed(resource: Resource, table: Table) -> list[str]:
    """List the nested columns that a table is made from, those of its inputs if it is built."""
    if table.build:
        found = [name for source in table.inputs for name in needed(resource, resource.table(source))]
        return list(dict.fromkeys(found))
    fields = declarations.shape(resource).fields
    paths = [resource.key.path, table.path, *(table.relations or {}).values()]
    if table is resource.main:
        paths += [path for column in table.columns for path in _sources(column)]
    tops = [steps(path)[: 2 if isinstance(fields.get(steps(path)[0]), Struct) else 1] for path in paths if path]
    return list(dict.fromkeys(".".join(top) for top in tops))


def flatten(resource: Resource, table: Table, nested: pa.Table) -> pl.DataFrame:
    """Return the table's rows in record order, its columns after `_row`.

    `_row` is the ordinal (UInt32) of the record in `nested`, which may hold many pages: fewer, larger calls cost less.
    """
    page = _Page(nested)
    if table is resource.main:
        arrays = _main(table, page)
    else:
        arrays = _union(table, page) if table.relations else _rows(table, page.entries((*steps(table.path), EACH)))
        keys = _lower(page.entries(steps(resource.key.path or "")).values, resource.key)
        arrays[resource.parent] = keys.take(arrays[ROW])
    return _frame(arrays, table, {ROW: pl.UInt32(), **frame_schema(resource, table)})


def build(resource: Resource, table: Table, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return a built table from the flattened frames of its inputs, with the same dtypes as any other."""
    assert table.build
    made = table.build({name: frames[name].select(ROW, *columns) for name, columns in table.inputs.items()})
    schema = frame_schema(resource, table)
    return made.select(pl.col(name).cast(dtype) for name, dtype in {ROW: pl.UInt32(), **schema}.items())


@dataclass(frozen=True, slots=True)
class _Entries:
    """Values of a page with the record that each is from and its positions in the lists around it."""

    values: pa.Array
    rows: pa.Array
    positions: tuple[pa.Array, ...] = ()

    def down(self, path: Path) -> "_Entries":
        """Follow a path: into fields, and to each entry of lists."""
        here = self
        for step in path:
            here = here.each() if step == EACH else here.field(step)
        return here

    def field(self, name: str) -> "_Entries":
        """Go to a field of objects; a null object has null there."""
        return _Entries(pc.struct_field(self.values, name), self.rows, self.positions)

    def each(self) -> "_Entries":
        """Go to the entries of lists; a null list has none, a null entry is one."""
        parents = pc.list_parent_indices(self.values)
        lengths = pc.fill_null(pc.list_value_length(self.values), 0)
        starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
        position = pc.subtract(pa.arange(0, len(parents)), starts.take(parents))
        outer = (around.take(parents) for around in self.positions)
        return _Entries(pc.list_flatten(self.values), self.rows.take(parents), (*outer, position))


@dataclass(frozen=True, slots=True)
class _Page:
    """A nested table, entered by declared paths."""

    nested: pa.Table

    def entries(self, path: Path) -> _Entries:
        depth = 1 if path[0] in self.nested.column_names else 2
        column = self.nested.column(".".join(path[:depth]))
        return _Entries(as_array(column), self.rows()).down(path[depth:])

    def rows(self) -> pa.Array:
        return pa.arange(0, self.nested.num_rows)


def _main(table: Table, page: _Page) -> dict[str, pa.Array]:
    arrays = {
        column.name: _value([page.entries(steps(path)) for path in sources], column)
        for column in table.columns
        if (sources := _sources(column))
    }
    return {ROW: page.rows(), **arrays}


def _sources(column: Column) -> tuple[str, ...]:
    """Return the paths of a main table's column; one without path or rule is a nested column of that name (`extra`)."""
    return column.paths if column.path or column.derived else (column.name,)


def _rows(table: Table, entries: _Entries) -> dict[str, pa.Array]:
    """Return the columns that have a path, the record's ordinal and the positions."""
    arrays = {
        column.name: _value([entries.down(steps(path)) for path in column.paths], column)
        for column in table.columns
        if column.paths
    }
    # A single object is in no list: it stands first.
    positions = entries.positions or (pa.repeat(pa.scalar(0, pa.int64()), len(entries.rows)),)
    return {ROW: entries.rows, **dict(zip(table.positions, positions, strict=True)), **arrays}


def _union(table: Table, page: _Page) -> dict[str, pa.Array]:
    """Put several lists and single objects one under the other, by record, then in their declared order."""
    label = table.columns[0].name
    parts = []
    for name, path in (table.relations or {}).items():
        entries = page.entries(steps(path))
        if not path.endswith(EACH):
            entries = _stated(table, entries)
        parts.append(pa.table({label: pa.repeat(name, len(entries.rows)), **_rows(table, entries)}))
    whole = pa.concat_tables(parts)
    whole = whole.take(pc.sort_indices(whole.column(ROW)))
    return dict(zip(whole.column_names, whole.combine_chunks().columns, strict=True))


def _stated(table: Table, entries: _Entries) -> _Entries:
    """Leave out the single objects of which no declared field has a value."""
    paths = (path for column in table.columns for path in column.paths if path)
    fields = (entries.down(steps(path)).values for path in paths)
    stated = reduce(pc.or_, (field.is_valid() for field in fields))
    return _Entries(entries.values.filter(stated), entries.rows.filter(stated))


def _value(found: Sequence[_Entries], column: Column) -> pa.Array:
    """Return a column's values: of several places the first that has one."""
    values = [entries.values for entries in found]
    return _lower(values[0] if len(values) == 1 else pc.coalesce(*values), column)


def _lower(array: pa.Array, column: Column) -> pa.Array:
    return pc.utf8_lower(array) if column.lower else array


def _frame(arrays: dict[str, pa.Array], table: Table, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Add the derived columns, in the order they are declared in, each from those before it."""
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
    """Group the derived columns so that each group needs only what stands in the table before it."""
    ages: dict[str, int] = {}
    groups: list[list[tuple[str, Derived]]] = []
    for column in columns:
        if column.derived:
            age = ages[column.name] = max(ages.get(name, -1) for name in column.derived.inputs) + 1
            groups[age:] = groups[age:] or [[]]
            groups[age].append((column.name, column.derived))
    return groups
