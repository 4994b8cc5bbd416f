"""What resources are declared with: Resource, Filter, Include, Facet, Table, Column.

Everything that the program knows about an endpoint is a literal of these classes. The parser's Arrow schema, the
flattening, the reference pages, DDL and the command line's checks follow from it. Nothing here reads JSON or talks to
a server.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

_DASH = re.compile("-([a-z])")

Json = Any
"""A value as `json.loads` returns it: the one type that is not checked."""


Dialect = Literal["v1", "v2"]
"""The generation of the API."""


class Type(StrEnum):
    """The type of a column, in any file format or database."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"  # UTC, microseconds
    DATE = "date"
    JSON = "json"  # JSON text


class Paging(StrEnum):
    """How the next page of a list is requested (api-notes 2.1, 2.3, 7.3)."""

    CURSOR = "cursor"
    KEYSET = "keyset"
    NUMBER = "number"
    OFFSET = "offset"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Derived:
    """How a column is computed from earlier columns of its table."""

    function: "Callable[..., pl.Expr]"
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: where its value is in the record, and what it becomes.

    `path` is dotted and relative to the table's entry (to the record for a main table); an empty path means the entry
    itself (in a list of plain strings). Of several paths, `a|b`, the first with a value counts. `source` is the JSON
    type that the server promises, if it differs from the column's own: coordinates arrive as text and become FLOAT.
    """

    name: str
    type: Type
    description: str
    path: str | None = None
    source: Type | None = None
    key: bool = False
    lower: bool = False
    derived: Derived | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the value in order of preference; none if it is computed."""
        return () if self.path is None else tuple(self.path.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a resource.

    `path` is empty for the main table (one row per record); otherwise it is a list in the record, with one row per
    entry: `attributes.creators`, or `attributes.creators[].affiliation` for children of children. A child table starts
    with the resource's `parent` column and its `positions` (0-based, outermost list first), which are not repeated in
    `columns`. `relations` collects several lists or single objects in one table and replaces `path`: it maps a label to
    each path (`relationships.client.data`, `attributes.viewsOverTime[]`). The first column takes the label, the others
    are relative to the entry, and an object without any value makes no row. `build` computes the table from other
    finished tables and replaces `path`; `inputs` names those tables and their columns.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    path: str = ""
    positions: tuple[str, ...] = ("position",)
    relations: Mapping[str, str] | None = None
    build: "Callable[[Mapping[str, pl.DataFrame]], pl.DataFrame] | None" = None
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    detail_only: bool = False

    @property
    def positions_description(self) -> str:
        """The description of the columns of positions."""
        if not self.relations:
            return "Position in its list, counted from 0."
        label = self.columns[0].name
        return f"Position in its list, counted from 0 within each {label}; {label} and position identify a row."


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written: a pattern, and a description that completes "it takes"."""

    pattern: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One query parameter that narrows a list.

    With `any_of`, commas in the value mean OR. The server joins all filters with `joined_by_or` by OR, where a user
    would expect AND (api-notes 4.2). With `ids`, the values are ids of records, and the server silently omits unknown
    ones. `aliases` are names that documents use and the server ignores.
    """

    name: str
    description: str
    any_of: bool = False
    joined_by_or: bool = False
    ids: bool = False
    form: Form | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One name for `include=`: the resource of the included records, and how the main record links to them.

    `path` leads to the id or to objects with one; of several paths, `a|b`, all are followed.
    """

    name: str
    resource: str
    path: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the ids."""
        return tuple(self.path.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One facet of `meta`: its key, the number of buckets that the server returns, and the column that it counts."""

    name: str
    size: int
    column: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list endpoint: how to request it, how to page, what it returns, and the tables that this becomes.

    - `wrap` maps a path to the field that takes a bare scalar in place of an object: old bodies have
      `affiliation: "MIT"` for `{name: "MIT"}`.
    - `unmapped` gives the reason why a known path, with all below it, has no column: other columns have the same value.
    - `windows` maps the user's words (created, updated, registered) to fields of the server's query language.
      `slice_on` is the window that never changes for a record, or None if the list cannot be split.
    - `parents` maps the words of `--of` to the path under which the records of one parent are listed (doi: dois).
      Without `listed`, there is no list except of one parent, or none at all: the records are only included.
    - Without `searched`, the list takes no text query.
    - `root` is the path of the list in the body, `single` that of a record fetched alone.
    - `identity` names paths whose values together are the id where the server's own is not unique or not stable; of
      several paths, `a|b`, the first with a value counts.
    - `min_page_size` is the smallest page that the server allows.
    - `aliases` are the types under which servers of other years send the same records.
    - `successor` says what to request instead from a current server.
    """

    name: str
    dialect: Dialect
    type: str
    path: str
    description: str
    tables: tuple[Table, ...]
    parent: str
    paging: Paging = Paging.NUMBER
    page_size: int = 1000
    windows: Mapping[str, str] = field(default_factory=dict)
    slice_on: str | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    listed: bool = True
    searched: bool = True
    root: str = "data"
    single: str = "data"
    identity: tuple[str, ...] = ()
    min_page_size: int = 0
    filters: tuple[Filter, ...] = ()
    sorts: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    facets: tuple[Facet, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    wrap: Mapping[str, str] = field(default_factory=dict)
    unmapped: Mapping[str, str] = field(default_factory=dict)
    partition: str | None = None
    schema_version: str = "1"
    aliases: tuple[str, ...] = ()
    successor: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON:API types that records of this resource may have."""
        return (self.type, *self.aliases)

    @property
    def main(self) -> Table:
        """The table with one row per record."""
        return self.tables[0]

    @property
    def key(self) -> Column:
        """The column of the main table that identifies a record."""
        return next(column for column in self.main.columns if column.key)

    def table(self, name: str) -> Table:
        """Return the table with this name; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf of the declared JSON."""

    type: Type


@dataclass(frozen=True, slots=True)
class Struct:
    """An object of the declared JSON; `scalar` is the field that takes a bare scalar in its place."""

    fields: "Mapping[str, Shape]"
    scalar: str | None = None

    def dashed(self, name: str) -> str | None:
        """Return the field that an undeclared name is in the dash-case of older servers: subjId for subj-id."""
        if "-" not in name or name in self.fields:
            return None
        camel = _DASH.sub(lambda match: match[1].upper(), name)
        return camel if camel in self.fields else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the declared JSON."""

    entry: "Shape"


Shape = Scalar | Struct | Listing


def shape(resource: Resource) -> Struct:
    """Derive the JSON of one record of the resource from its columns' paths."""
    tree: dict[str, Json] = {}
    for path, leaf in _leaves(resource):
        *steps, last = path.replace("[]", ".[]").split(".")
        node = tree
        for step in steps:
            node = node.setdefault(step, {})
        node.setdefault(last, leaf)
    return Struct({name: _freeze(child, name, resource.wrap) for name, child in tree.items()})


def _leaves(resource: Resource) -> Iterator[tuple[str, Scalar]]:
    for table in resource.tables:
        columns = () if table.build else table.columns
        for root, column in itertools.product(_roots(table), columns):
            for path in column.paths:
                yield ".".join(filter(None, (root, path))), Scalar(column.source or column.type)


def _roots(table: Table) -> list[str]:
    """List the paths of a table's entries: empty for a main table, otherwise with `[]` at each list."""
    if table.relations:
        return list(table.relations.values())
    return [f"{table.path}[]" if table.path else ""]


def _freeze(node: Json, path: str, wrap: Mapping[str, str]) -> Shape:
    if not isinstance(node, dict):
        return node  # type: ignore[no-any-return]
    if "[]" in node:
        return Listing(_freeze(node["[]"], f"{path}[]", wrap))
    return Struct({name: _freeze(child, f"{path}.{name}", wrap) for name, child in node.items()}, wrap.get(path))
