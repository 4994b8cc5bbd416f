"""The Arrow and msgspec types of a declared Shape, and the fields that an Arrow type has beyond it.

This is about types only; no JSON is coerced here. A path is a tuple of names in which "[]" means each entry of a list.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from types import GenericAlias, NoneType
from typing import Annotated

import msgspec
import pyarrow as pa

from etl.schema.declarations import Json, Listing, Scalar, Shape, Struct, Type

Path = tuple[str, ...]
Tree = dict[str, "Tree"]

EACH = "[]"
_YEAR_TO_DAY = (
    r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"
_EDGES = "0000|0001-01-01|9999-12-31"
_MOMENT = rf"^(?!{_EDGES}){_YEAR_TO_DAY}(?:[T ]{_TIME})?$"
"""Timestamps that Arrow certainly reads; others, such as 29 February, are checked one by one.

So are those at the edges: Arrow and Parquet have a year 0, and Python, polars and most databases do not.
"""

_ARROW = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", "UTC"),
    Type.DATE: pa.timestamp("us", "UTC"),  # Arrow's JSON reader takes dates only as numbers
    Type.JSON: pa.string(),
}
_STRICT: dict[Type, Json] = {
    Type.STRING: str,
    Type.INT: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    Type.FLOAT: float,
    Type.BOOL: bool,
    Type.TIMESTAMP: Annotated[str, msgspec.Meta(pattern=_MOMENT)],
    Type.DATE: Annotated[str, msgspec.Meta(pattern=_MOMENT)],
    Type.JSON: NoneType,  # any value must become text first
}


def join_path(path: Path) -> str:
    """Write a path as declarations do: `attributes.creators[].lang`."""
    return ".".join(path).replace(".[]", "[]")


def split_path(path: str) -> Path:
    """Split a declared path: `a.b[].c` is ("a", "b", "[]", "c")."""
    return tuple(path.replace(EACH, f".{EACH}").strip(".").split(".")) if path else ()


def arrow_type(shape: Shape) -> pa.DataType:
    """Return the Arrow type of a Shape; JSON leaves are text, dates are timestamps."""
    if isinstance(shape, Scalar):
        return _ARROW[shape.type]
    if isinstance(shape, Listing):
        return pa.list_(arrow_type(shape.entry))
    return pa.struct([(name, arrow_type(field)) for name, field in shape.fields.items()])


def strict_type(shape: Shape) -> Json:
    """Return the msgspec type that accepts exactly what Arrow accepts as `arrow(shape)`."""
    if isinstance(shape, Scalar):
        return _STRICT[shape.type] | None
    if isinstance(shape, Listing):
        return _optional_list(strict_type(shape.entry))
    return _optional_struct({name: strict_type(field) for name, field in shape.fields.items()})


def screen_type(shape: Shape, paths: Iterable[Path]) -> Json:
    """Return the msgspec type that checks only these paths; a path outside the shape may only hold null."""
    return _screen(shape, path_tree(paths))


def path_tree(paths: Iterable[Path]) -> Tree:
    """Fold paths into a tree of their steps; a leaf is an empty tree."""
    root: Tree = {}
    for path in paths:
        reduce(lambda node, step: node.setdefault(step, {}), path, root)
    return root


def shape_at(shape: Shape, path: Path) -> Shape | None:
    """Return the part of the shape at a path; None if nothing is declared there."""
    for step in path:
        if isinstance(shape, Listing) and step == EACH:
            shape = shape.entry
        elif isinstance(shape, Struct) and step in shape.fields:
            shape = shape.fields[step]
        else:
            return None
    return shape


def is_dashed(shape: Shape, path: Path) -> bool:
    """Return whether an undeclared path is a declared field in the dash-case of older servers."""
    around = shape_at(shape, path[:-1])
    return isinstance(around, Struct) and around.dashed(path[-1]) is not None


def leaves(shape: Shape, kind: Type, path: Path = ()) -> Iterator[Path]:
    """List the paths of all leaves of one type."""
    if isinstance(shape, Scalar):
        if shape.type is kind:
            yield path
    elif isinstance(shape, Listing):
        yield from leaves(shape.entry, kind, (*path, EACH))
    else:
        for name, field in shape.fields.items():
            yield from leaves(field, kind, (*path, name))


def undeclared(received: pa.DataType, declared: pa.DataType, path: Path = ()) -> Iterator[Path]:
    """List the fields that a received type has beyond the declared one, the outermost only."""
    if received.equals(declared):
        return
    if pa.types.is_list(declared):
        yield from undeclared(received.value_type, declared.value_type, (*path, EACH))
        return
    for field in received:
        index = declared.get_field_index(field.name)
        if index < 0:
            yield (*path, field.name)
        else:
            yield from undeclared(field.type, declared.field(index).type, (*path, field.name))


def as_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy if it has one chunk."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class Sieve:
    """Extracts the values at certain paths of a record, as raw JSON, without reading the rest."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Prepare for these paths; ValueError if msgspec cannot take a name in them."""
        self._tree = path_tree(paths)
        self._decoder = msgspec.json.Decoder(_sieve(self._tree))

    def values(self, record: bytes) -> Iterator[tuple[str, msgspec.Raw]]:
        """List the values with their paths (`attributes.creators[0].lang`); DecodeError if it has another shape."""
        return _sift(self._tree, self._decoder.decode(record), "")


def _screen(shape: Shape | None, node: Tree) -> Json:
    if shape is None:
        return None
    if isinstance(shape, Listing):
        return _optional_list(_screen(shape.entry, node.get(EACH, {})))
    if isinstance(shape, Struct):
        return _optional_struct({name: _screen(shape.fields.get(name), below) for name, below in node.items()})
    return strict_type(shape)


def _sieve(node: Tree) -> Json:
    if not node:
        return msgspec.Raw
    if EACH in node:
        return _optional_list(_sieve(node[EACH]))
    return _optional_struct({name: _sieve(below) for name, below in node.items()}, msgspec.UNSET)


def _sift(node: Tree, value: Json, path: str) -> Iterator[tuple[str, msgspec.Raw]]:
    if value is None or value is msgspec.UNSET:
        return
    if not node:
        yield path, value
    elif EACH in node:
        for index, entry in enumerate(value):
            yield from _sift(node[EACH], entry, f"{path}[{index}]")
    else:
        for field, (name, below) in zip(value.__struct_fields__, node.items(), strict=True):
            yield from _sift(below, getattr(value, field), f"{path}.{name}" if path else name)


def _optional_list(entry: Json) -> Json:
    return GenericAlias(list, (entry,)) | None


def _optional_struct(fields: dict[str, Json], default: Json = None) -> Json:
    """Make a msgspec type with fields whose names need not be identifiers."""
    names = {f"f{index}": name for index, name in enumerate(fields)}
    kinds = [
        (alias, kind if default is None else kind | msgspec.UnsetType, default)
        for alias, kind in zip(names, fields.values(), strict=True)
    ]
    struct: Json = msgspec.defstruct("Fields", kinds, rename=names, gc=False)
    return struct | None
