"""Relations as SQL: what a dialect calls the types, and the statements that make tables, keys, comments and indexes.

Pure text. Who runs the statements are the warehouses; `load --ddl` prints them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl.dataset.relations import Field, Relation
from etl.errors import UsageError
from etl.schema.declarations import Type

_SOUGHT = ("created", "updated", "client_id", "provider_id", "target_id", "related_doi", "orcid", "ror")
"""Columns by which warehouses are asked and joined, if a table has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write SQL.

    `inline` puts comments into CREATE TABLE, written by that pattern; otherwise they are statements of their own.
    `unenforced` is what follows a key that the database only believes. `foreign` says whether there are foreign keys.
    """

    name: str
    types: Mapping[Type, str]
    quotes: str = '"'
    upper: bool = False
    inline: str = ""
    of_table: str = ""
    unenforced: str = ""
    foreign: bool = True
    indexes: bool = False

    def name_of(self, name: str) -> str:
        """Quote a name."""
        text = (name.upper() if self.upper else name).replace(self.quotes, self.quotes * 2)
        return f"{self.quotes}{text}{self.quotes}"

    def names_of(self, names: Iterable[str]) -> str:
        """Quote names, commas between them."""
        return ", ".join(map(self.name_of, names))

    def text_of(self, text: str) -> str:
        """Quote a text."""
        if self.quotes == "`":
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return "'" + text.replace("'", "''") + "'"


def _types(*names: str) -> dict[Type, str]:
    return dict(zip(Type, names, strict=True))


# DuckDB checks foreign keys row by row, before a transaction ends: records that come and go together would be refused.
DUCKDB = Dialect(
    name="duckdb",
    types=_types("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DATE", "JSON"),
    foreign=False,
)
POSTGRESQL = Dialect(
    name="postgresql",
    types=_types("TEXT", "BIGINT", "DOUBLE PRECISION", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DATE", "JSONB"),
    indexes=True,
)
BIGQUERY = Dialect(
    name="bigquery",
    types=_types("STRING", "INT64", "FLOAT64", "BOOL", "TIMESTAMP", "DATE", "JSON"),
    quotes="`",
    inline=" OPTIONS (description = {})",
    of_table="\nOPTIONS (description = {})",
    unenforced=" NOT ENFORCED",
)
# Unquoted names are upper-case in Snowflake: quoted ones in upper-case are the same, and may be reserved words.
SNOWFLAKE = Dialect(
    name="snowflake",
    types=_types("VARCHAR", "NUMBER(19, 0)", "FLOAT", "BOOLEAN", "TIMESTAMP_TZ", "DATE", "VARIANT"),
    upper=True,
    inline=" COMMENT {}",
    of_table="\nCOMMENT = {}",
)
_DIALECTS = {dialect.name: dialect for dialect in (DUCKDB, POSTGRESQL, BIGQUERY, SNOWFLAKE)}


def dialect(name: str) -> Dialect:
    """Return the dialect of that name; UsageError, naming all, if there is none."""
    if name.lower() not in _DIALECTS:
        raise UsageError(f"there is no DDL for {name!r}", fix=f"valid are: {', '.join(_DIALECTS)}")
    return _DIALECTS[name.lower()]


def script(dialect: Dialect, relations: Sequence[Relation]) -> str:
    """Write everything that makes some tables as one script."""
    statements = [create(dialect, relation, relations, keys=True) for relation in relations]
    for relation in relations:
        statements += [*indexes(dialect, relation), *comments(dialect, relation)]
    return "".join(f"{statement};\n\n" for statement in statements)


def create(
    dialect: Dialect, relation: Relation, relations: Sequence[Relation] = (), *, keys: bool, schema: str = ""
) -> str:
    """Write a CREATE TABLE; with `keys` the constraints are in it, those to tables in `relations` included."""
    lines = [_column(dialect, relation, field) for field in relation.columns]
    lines += constraints(dialect, relation, relations, schema=schema) if keys else []
    ending = dialect.of_table.format(dialect.text_of(relation.description)) if dialect.of_table else ""
    body = ",\n".join(f"  {line}" for line in lines)
    return f"CREATE TABLE {_path(dialect, schema, relation.name)} (\n{body}\n){ending}"


def constraints(
    dialect: Dialect, relation: Relation, relations: Sequence[Relation], *, schema: str = ""
) -> Iterator[str]:
    """Write the primary key and, where the dialect has them, the foreign key to the record's table."""
    if relation.key:
        yield f"PRIMARY KEY ({dialect.names_of(relation.key)}){dialect.unenforced}"
    there = any(other.name == relation.of for other in relations)
    if dialect.foreign and there and not relation.main:
        target = f"{_path(dialect, schema, relation.of)} ({dialect.name_of(relation.of_key)})"
        yield f"FOREIGN KEY ({dialect.name_of(relation.record)}) REFERENCES {target}{dialect.unenforced}"


def indexes(dialect: Dialect, relation: Relation, *, schema: str = "") -> Iterator[str]:
    """Write the indexes that joins need beside the keys; text may be long, so its indexes hold hashes."""
    wanted = [*(name for name in _SOUGHT if name in relation.names), *(() if relation.key else (relation.record,))]
    kinds = {field.name: field.type for field in relation.columns}
    for name in wanted if dialect.indexes else ():
        how = "USING hash " if kinds[name] is Type.STRING else ""
        yield f"CREATE INDEX ON {_path(dialect, schema, relation.name)} {how}({dialect.name_of(name)})"


def comments(dialect: Dialect, relation: Relation, *, schema: str = "") -> Iterator[str]:
    """Write the descriptions of a table and its columns, where they are not in its CREATE TABLE."""
    path = _path(dialect, schema, relation.name)
    if relation.description and not dialect.of_table:
        yield f"COMMENT ON TABLE {path} IS {dialect.text_of(relation.description)}"
    for field in () if dialect.inline else relation.columns:
        if field.description:
            column = f"{path}.{dialect.name_of(field.name)}"
            yield f"COMMENT ON COLUMN {column} IS {dialect.text_of(field.description)}"


def _column(dialect: Dialect, relation: Relation, field: Field) -> str:
    never = " NOT NULL" if field.name in (relation.record, *relation.key) else ""
    words = dialect.inline.format(dialect.text_of(field.description)) if dialect.inline and field.description else ""
    return f"{dialect.name_of(field.name)} {dialect.types[field.type]}{never}{words}"


def _path(dialect: Dialect, schema: str, name: str) -> str:
    return dialect.names_of([schema]) + "." + dialect.name_of(name) if schema else dialect.name_of(name)
