"""The words in which resources are declared: Resource, Filter, Include, Facet, Table, Column.

Everything that the program knows about an endpoint is a literal written in these words; the Arrow schema of the
parser, the flattening, the reference pages, DDL and the command line's checks are all derived from it. Nothing here
reads JSON or talks to a server.
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
"""A value as `json.loads` gives it: the one place where the type checker is told to look away."""


Dialect = Literal["v1", "v2"]
"""The generation of the API."""


class Type(StrEnum):
    """What a column holds, whatever the file format or database it ends in."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"  # UTC, microseconds
    DATE = "date"
    JSON = "json"  # JSON text


class Paging(StrEnum):
    """How page two of a list is asked for (api-notes 2.1, 2.3, 7.3)."""

    CURSOR = "cursor"
    KEYSET = "keyset"
    NUMBER = "number"
    OFFSET = "offset"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Derived:
    """How a column is computed from others of its own table that stand before it."""

    function: "Callable[..., pl.Expr]"
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: where its value stands in the source and what it becomes.

    `path` is dotted and relative to the table's entry (to the record for a main table); an empty path means the
    entry itself (a list of plain strings). Of several paths, as `a|b`, the first with a value counts. `source` is the
    JSON type the server promises where it is not the column's own: coordinates arrive as text and become FLOAT.
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
        """Where the value may stand, in the order to look there; nowhere if it is computed."""
        return () if self.path is None else tuple(self.path.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a resource.

    `path` is empty for the main table (a row a record), else the list in the record that gives a row an entry:
    `attributes.creators`, or `attributes.creators[].affiliation` for the children of children. A child table begins
    with the resource's `parent` column and with its `positions` (0-based, outermost list first), which are not
    repeated in `columns`. `relations` collects several lists or single objects in one table instead of `path`: it maps
    a label to each one's path (`relationships.client.data`, `attributes.viewsOverTime[]`); the first column takes the
    label, the others are relative to the entry, and a single object without any value gives no row. `build` computes
    the table from other finished tables and replaces `path` altogether: `inputs` tells which, and what columns of them.
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
    def about_positions(self) -> str:
        """What is to be known of the columns of positions."""
        if not self.relations:
            return "Position in its list, counted from 0."
        label = self.columns[0].name
        return (
            f"Position in its list, counted from 0 in each {label} anew; {label} and position together tell rows apart."
        )


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written: a pattern, and words for it that go on from "it takes"."""

    pattern: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One query parameter that narrows a list.

    `any_of` says that commas in the value mean OR. Filters with `either` set are joined with each other by OR on
    the server, where a user would expect AND (api-notes 4.2). With `keys` its values are ids of records, and the server
    leaves out in silence what it does not know. `also` are names in documents that the server ignores.
    """

    name: str
    description: str
    any_of: bool = False
    either: bool = False
    keys: bool = False
    form: Form | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One name for `include=`: which resource's records come along and how the main record links to them.

    `path` leads to the id itself or to objects that have one; several paths, as `a|b`, are all followed.
    """

    name: str
    resource: str
    path: str

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the ids stand."""
        return tuple(self.path.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One facet of `meta`: its key there, how many buckets the server returns, and the column it counts."""

    name: str
    size: int
    column: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list endpoint: how to ask, how to page, what comes back and which tables it becomes.

    `wrap` maps a path to the field that takes a bare scalar where an object is promised: old bodies write
    `affiliation: "MIT"` for `{name: "MIT"}`. `unmapped` gives the reason why a known path, with all below it, has no
    column: it is neither unknown nor lost, for other columns tell the same. `windows` maps the user's words (created,
    updated, registered) to the field that the server's query language knows. `slice_on` is the window that never
    changes for a record, or None where the list cannot be cut. `parents` maps the words of `--of` to the path under
    which the records of one parent are listed (doi: dois); without `listed` there is no list but of one parent, or of
    none at all: the records come along with others. Without `searched` the list takes no text query. `root` is where
    the list stands in the body, `single` where a record fetched alone does. `identity` names paths whose values
    together are the id where the server's own is not unique or does not last; of several paths, as `a|b`, the first
    with a value counts. `least` is the smallest page that the server takes. `also` are the types that servers of other
    years call the same records. `gone` says what to ask for instead at a server of today.
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
    least: int = 0
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
    also: tuple[str, ...] = ()
    gone: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON:API types that records of this resource may have."""
        return (self.type, *self.also)

    @property
    def main(self) -> Table:
        """The table with one row a record."""
        return self.tables[0]

    @property
    def key(self) -> Column:
        """The column of the main table that identifies a record."""
        return next(column for column in self.main.columns if column.key)

    def table(self, name: str) -> Table:
        """Return the table of that name; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf of the JSON that the declarations promise."""

    type: Type


@dataclass(frozen=True, slots=True)
class Struct:
    """An object of the promised JSON; `scalar` is the field that takes a bare scalar found in its place."""

    fields: "Mapping[str, Shape]"
    scalar: str | None = None

    def twin(self, name: str) -> str | None:
        """Return the field that an undeclared name means in the dash-case of older servers: subjId for subj-id."""
        if "-" not in name or name in self.fields:
            return None
        camel = _DASH.sub(lambda found: found[1].upper(), name)
        return camel if camel in self.fields else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the promised JSON."""

    entry: "Shape"


Shape = Scalar | Struct | Listing


def shape(resource: Resource) -> Struct:
    """Derive the JSON that one record of the resource is promised to be, from its columns' paths."""
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
    """List the paths of a table's entries: empty for a main table, else with `[]` where a list stands."""
    if table.relations:
        return list(table.relations.values())
    return [f"{table.path}[]" if table.path else ""]


def _freeze(node: Json, path: str, wrap: Mapping[str, str]) -> Shape:
    if not isinstance(node, dict):
        return node  # type: ignore[no-any-return]
    if "[]" in node:
        return Listing(_freeze(node["[]"], f"{path}[]", wrap))
    return Struct({name: _freeze(child, f"{path}.{name}", wrap) for name, child in node.items()}, wrap.get(path))
