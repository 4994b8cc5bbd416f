"""Short words for columns: one line per column, with the JSON path beside the name.

This is only spelling; `etl.schema.declarations` says what a column means.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from etl.schema.declarations import Column, Derived, Type

if TYPE_CHECKING:
    import polars as pl


def text(name: str, path: str, description: str, *, lower: bool = False) -> Column:
    """Declare a column of text as the API gives it."""
    return Column(name=name, type=Type.STRING, path=path, description=description, lower=lower)


def integer(name: str, path: str, description: str) -> Column:
    """Declare a column of whole numbers."""
    return Column(name=name, type=Type.INT, path=path, description=description)


def boolean(name: str, path: str, description: str) -> Column:
    """Declare a column that is true or false."""
    return Column(name=name, type=Type.BOOL, path=path, description=description)


def timestamp(name: str, path: str, description: str) -> Column:
    """Declare a column of timestamps."""
    return Column(name=name, type=Type.TIMESTAMP, path=path, description=description)


def json(name: str, path: str, description: str) -> Column:
    """Declare a column that keeps an object or list as JSON text."""
    return Column(name=name, type=Type.JSON, path=path, description=description)


def key(name: str, path: str, description: str) -> Column:
    """Declare the column that identifies a record: lower-case, because the API's ids ignore case."""
    return Column(name=name, type=Type.STRING, path=path, description=description, key=True, lower=True)


def label(name: str, description: str) -> Column:
    """Declare the first column of a table of relations: the list that a row comes from."""
    return Column(name=name, type=Type.STRING, description=description, key=True)


def derived(name: str, kind: Type, function: "Callable[..., pl.Expr]", *inputs: str, description: str) -> Column:
    """Declare a column that is computed from earlier ones of the same table."""
    return Column(name=name, type=kind, derived=Derived(function, inputs), description=description)


def extra(what: str) -> Column:
    """Declare the last column of a main table: what the record has beyond the declaration, as one JSON object."""
    description = f"Attributes and relationships of the {what} that no column maps, as a JSON object."
    return Column(name="extra", type=Type.JSON, description=description)


LINKED = (
    text("target_id", "id", "Id of the record on the other side, lower-case.", lower=True),
    text("target_type", "type", "JSON:API type of the record on the other side, such as clients, dois or prefixes."),
)
"""The columns of an entry of a JSON:API relationship."""
