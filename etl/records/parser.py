"""Parse the raw records of one page into one nested Arrow table, by the Shape of the declarations.

The fast lane gives all records to Arrow's JSON reader at once. The reader refuses a page for one wrong type, so odd
records go through `coerce` first. Paths that were odd once are checked in advance from then on. `flatten` turns the
result into tables.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from struct import pack

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from etl.records.coerce import Coerced, Issue, coerce, reject
from etl.records.schema_drift import Drift, finder
from etl.schema import arrow_types, declarations
from etl.schema.arrow_types import EACH, Path
from etl.schema.declarations import Json, Resource, Scalar, Struct, Type

__all__ = ["Issue", "Parsed", "Parser", "nested_schema"]

EXTRA = "extra"
_INDEX = re.compile(r"\[\d+\]")
_ARROW_PATH = re.compile(r"Column\(/(.*)\) changed from")
_MSGSPEC_PATH = re.compile(r" - at `\$\.(.*)`$")
_ANY = msgspec.json.Decoder(msgspec.Raw)
_LONG = 20_000
"""Longer records may be nested so deeply that Arrow's reader crashes; the 10,000 levels that fit below are safe."""
_FIRST, _LAST = (int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000 for day in ((1, 1, 1), (9999, 12, 31)))
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The records of a page in one table, and what did not fit.

    `drift` has for each undeclared path the number of records with it, nulls included, and the id of the first.
    """

    table: pa.Table
    issues: tuple[Issue, ...] = ()
    drift: Mapping[str, tuple[int, str]] = field(default_factory=dict)


def nested_schema(resource: Resource) -> pa.Schema:
    """Return the schema of every page of the resource: the shape, one level deep, then `extra`."""
    return _flat_schema(_record(resource))


def _record(resource: Resource) -> Struct:
    shape = declarations.shape(resource)
    return Struct({"id": Scalar(Type.STRING), **shape.fields})


def _flat_schema(shape: Struct) -> pa.Schema:
    fields = [(arrow_types.join_path(path), arrow_types.arrow_type(part)) for path, part in _columns(shape)]
    return pa.schema([*fields, (EXTRA, pa.string())])


def _columns(shape: Struct) -> Iterator[tuple[Path, declarations.Shape]]:
    for name, part in shape.fields.items():
        if isinstance(part, Struct):
            yield from (((name, below), deeper) for below, deeper in part.fields.items())
        else:
            yield (name,), part


class Parser:
    """Parses the pages of one resource; threads may share it.

    Mutable state: `_screen`, which checks the odd paths met so far; it is replaced as a whole.
    """

    def __init__(self, resource: Resource) -> None:
        self._shape = _record(resource)
        self._declared = arrow_types.arrow_type(self._shape)
        self._schema = pa.schema(list(self._declared))
        self._flat = _flat_schema(self._shape)
        self._strict = msgspec.json.Decoder(arrow_types.strict_type(self._shape))
        self._texts = frozenset(arrow_types.leaves(self._shape, Type.JSON))
        kinds = (Type.TIMESTAMP, Type.DATE)
        self._moments = frozenset(path for kind in kinds for path in arrow_types.leaves(self._shape, kind))
        self._unmapped = resource.unmapped
        self._identity = resource.identity
        self._screen = _Screen(self._shape, frozenset())

    def parse(self, records: Sequence[bytes]) -> Parsed:
        """Parse the records of one page, without ever raising.

        Every record becomes a row or, if it is not an object or has no id, an Issue with an empty record id.
        """
        page = _Page(self._shape, records)
        table = self._read(page)
        ids = table.column("id").to_pylist()
        drift = self._drift(page, table, ids)
        extra = drift.column(len(ids))
        nested = pa.table([*_top(table, self._shape), extra], names=self._flat.names).cast(self._flat)
        parsed = _identified(page, nested, ids, drift.counts)
        return replace(parsed, table=_composed(parsed.table, self._identity)) if self._identity else parsed

    def _read(self, page: "_Page") -> pa.Table:
        """Read the page, coercing more of its records until Arrow accepts it; coerced completely, it does."""
        screen = self._screen
        page.coerce(screen.odd(page))
        table = page.read(self._schema)
        if table is None:
            screen = self._learn(self._validate(page))
            table = page.read(self._schema)
        if table is None:
            screen = self._learn(_culprit(self._shape, page.complaint))
            page.coerce(page.untouched())
            table = page.read(self._schema)
        assert table is not None, page.complaint
        strays = self._strays(table, screen.paths)
        if strays and (odd := self._learn(strays).odd(page)):
            page.coerce(odd)
            table = page.read(self._schema)
        return table

    def _strays(self, table: pa.Table, known: frozenset[Path]) -> list[Path]:
        """List what Arrow accepted but should not.

        That is text in place of JSON text, a moment that few can read back, and a declared field under another name.
        """
        # `"x"` is JSON text and `x` is not.
        texts = [path for path in self._texts - known if _has_values(table, path)]
        texts += [path for path in self._moments - known if _exceeds_the_calendar(table, path)]
        unknown = arrow_types.undeclared(pa.struct(list(table.schema)), self._declared)
        return texts + [path for path in unknown if path not in known and arrow_types.is_dashed(self._shape, path)]

    def _validate(self, page: "_Page") -> list[Path]:
        """Coerce the records that Arrow would refuse, and return their odd paths."""
        complaints = _refused(self._strict, page)
        page.coerce(complaints)
        matches = (_MSGSPEC_PATH.search(why) for why in complaints.values())
        paths = {arrow_types.split_path(_INDEX.sub(EACH, match[1])) for match in matches if match}
        return [path for path in paths if arrow_types.shape_at(self._shape, path)]

    def _learn(self, paths: Iterable[Path]) -> "_Screen":
        """Return a screen that also checks these paths, and keep it; another thread's change may get lost."""
        known = self._screen.paths.union(paths)
        self._screen = screen = _Screen(self._shape, known) if known != self._screen.paths else self._screen
        return screen

    def _drift(self, page: "_Page", table: pa.Table, ids: list[str | None]) -> Drift:
        drift = Drift(self._unmapped)
        fields = drift.undeclared(pa.struct(list(table.schema)), self._declared)
        # A record with a declared field under another name was coerced.
        unknown = tuple(path for path in fields if not arrow_types.is_dashed(self._shape, path))
        find = finder(unknown, self._unknown) if unknown else None
        for row, (index, record_id) in enumerate(zip(page.rows(), ids, strict=True)) if unknown or page.coerced else ():
            if coerced := page.coerced.get(index):
                drift.add(row, record_id or "", coerced.unknown.items())
            elif find:
                drift.add(row, record_id or "", find(page.records[index]))
        return drift

    def _unknown(self, record: bytes) -> Iterable[tuple[str, msgspec.Raw]]:
        coerced = coerce(self._shape, record)
        # What Arrow reads and Python cannot, such as a thousand nested lists, is kept as it is.
        return coerced.unknown.items() if coerced.line else [("", msgspec.Raw(record))]


class _Screen:
    """Checks the paths that were odd before, and skips the rest of a record."""

    def __init__(self, shape: Struct, paths: frozenset[Path]) -> None:
        self.paths = paths
        self._decoder = msgspec.json.Decoder(arrow_types.screen_type(shape, paths))

    def odd(self, page: "_Page") -> list[int]:
        """List the records that need coercion for these paths."""
        return list(_refused(self._decoder, page)) if self.paths else []


class _Page:
    """The records on their way into Arrow.

    Mutable state: `coerced`, the records that went through the slow lane, by index; `complaint`, Arrow's last.
    """

    def __init__(self, shape: Struct, records: Sequence[bytes]) -> None:
        self.records = records
        self.coerced: dict[int, Coerced] = {}
        self.complaint = ""
        self._shape = shape
        suspects = (
            (index, record) for index, record in enumerate(records) if record[:1] != b"{" or len(record) > _LONG
        )
        self.coerce(index for index, record in suspects if record[:1] != b"{" or _is_too_deep(record))

    def untouched(self) -> list[int]:
        """List the records that are not coerced."""
        if not self.coerced:
            return list(range(len(self.records)))
        return [index for index in range(len(self.records)) if index not in self.coerced]

    def coerce(self, indexes: Iterable[int]) -> None:
        """Send records through the slow lane."""
        self.coerced |= {index: coerce(self._shape, self.records[index]) for index in indexes}

    def rows(self) -> list[int]:
        """List the records that are rows; the others are Issues."""
        rejected = {index for index, coerced in self.coerced.items() if coerced.line is None}
        return [index for index in range(len(self.records)) if index not in rejected]

    def read(self, schema: pa.Schema) -> pa.Table | None:
        """Read the rows with Arrow; None, with a complaint, if it refuses a value."""
        lines = list(self.records)
        for index, coerced in self.coerced.items():
            lines[index] = coerced.line or b""
        rows = len(self.rows())
        if not rows:
            return schema.empty_table()
        try:
            table = _read_json(b"\n".join(lines), schema)
        except pa.ArrowInvalid as error:
            self.complaint = str(error)
            return None
        return table if table.num_rows == rows else None


def _read_json(text: bytes, schema: pa.Schema) -> pa.Table:
    """Read newline-delimited JSON; ArrowInvalid for invalid UTF-8, which Arrow's reader does not notice."""
    ends = pa.py_buffer(pack("<qq", 0, len(text)))
    pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(text)).validate(full=True)
    return pa.json.read_json(
        pa.BufferReader(text),
        # One block: a record across two is an error.
        read_options=pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )


def _is_too_deep(record: bytes) -> bool:
    try:
        _ANY.decode(record)
    except _UNREADABLE:
        return True
    return False


def _refused(decoder: "msgspec.json.Decoder[Json]", page: _Page) -> dict[int, str]:
    """Return the untouched records that the decoder refuses, with the reasons."""
    decode, records, refused = decoder.decode, page.records, {}
    for index in page.untouched():
        try:
            decode(records[index])
        except _UNREADABLE as error:
            refused[index] = str(error)
    return refused


def _culprit(shape: Struct, complaint: str) -> list[Path]:
    """Return the undeclared path that Arrow refuses because its values have two types."""
    match = _ARROW_PATH.search(complaint)
    path = tuple(match[1].split("/")) if match else ()
    return [path] if path and arrow_types.shape_at(shape, path) is None else []


def _has_values(table: pa.Table, path: Path) -> bool:
    values = _values(table, path)
    return bool(values.null_count < len(values))


def _exceeds_the_calendar(table: pa.Table, path: Path) -> bool:
    """Return whether a moment is not of the years 1 to 9999, or not known to be."""
    ends = pc.min_max(_values(table, path).cast(pa.int64()))
    least, most = ends["min"].as_py(), ends["max"].as_py()
    return least is not None and not _FIRST <= least <= most <= _LAST


def _values(table: pa.Table, path: Path) -> pa.Array:
    top = arrow_types.as_array(table.column(path[0]))
    return reduce(lambda array, step: array.values if step == EACH else array.field(step), path[1:], top)


def _top(table: pa.Table, shape: Struct) -> Iterator[pa.Array]:
    """Yield the fields of the outermost objects, in the order of `_columns`."""
    for name, part in shape.fields.items():
        array = arrow_types.as_array(table.column(name))
        if not isinstance(part, Struct):
            yield array
            continue
        fields = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        yield from (fields[below] for below in part.fields)


def _composed(nested: pa.Table, identity: Sequence[str]) -> pa.Table:
    """Join the values of several paths as the id; without any value, the server's id stays."""
    parts = [pc.coalesce(*(_text(nested, path) for path in part.split("|")), "") for part in identity]
    joined = pc.binary_join_element_wise(*parts, "|")
    empty = pc.equal(joined, "|" * (len(parts) - 1))
    ids = pc.if_else(empty, nested.column("id"), joined)
    return nested.set_column(nested.schema.get_field_index("id"), "id", ids)


def _text(nested: pa.Table, path: str) -> pa.ChunkedArray:
    """Return the values at a path as text; a column is the beginning of the path."""
    name = max((name for name in nested.column_names if f"{path}.".startswith(f"{name}.")), key=len)
    fields = arrow_types.split_path(path.removeprefix(name))
    return pc.cast(reduce(pc.struct_field, fields, nested.column(name)), pa.string())


def _identified(page: _Page, nested: pa.Table, ids: list[str | None], counts: Mapping[str, tuple[int, str]]) -> Parsed:
    """Reject the rows without an id."""
    issues = [issue for index in sorted(page.coerced) for issue in page.coerced[index].issues]
    if not all(ids):
        nameless = [page.records[index] for index, record_id in zip(page.rows(), ids, strict=True) if not record_id]
        issues += [reject("has no id", record) for record in nameless]
        nested = nested.filter(pa.array([bool(record_id) for record_id in ids]))
    return Parsed(table=nested, issues=tuple(issues), drift=counts)
