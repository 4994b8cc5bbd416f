"""Tables as in a database: columns, keys and references, derived from a manifest and the declarations.

Pure. The manifest says what a dataset has; the declarations add descriptions. `ddl` writes them in a dialect.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl import resources
from etl.dataset.manifest import Manifest, TableFacts
from etl.errors import UsageError
from etl.records.flatten import frame_schema
from etl.schema import withdrawn
from etl.schema.declarations import Resource, Table, Type

INCLUDED = "included_"
"""Prefix of the tables of included records where the dataset already has a table of that name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a relation."""

    name: str
    type: Type
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One table: `key` identifies a row (empty if nothing does), `record` refers to the record in main table `of`.

    `of_key` is the key column of that table.
    """

    name: str
    description: str
    columns: tuple[Field, ...]
    key: tuple[str, ...]
    record: str
    of: str
    of_key: str

    @property
    def main(self) -> bool:
        """Whether a row is a record."""
        return self.name == self.of

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(field.name for field in self.columns)


def of_dataset(manifest: Manifest) -> tuple[Relation, ...]:
    """Return the tables of a dataset, main tables before their children; undeclared tables have no descriptions."""
    declared = _declared(manifest.resource)
    relations = [_stated(name, manifest.tables, declared) for name in sorted(manifest.tables)]
    return tuple(sorted(relations, key=lambda relation: (relation.of, not relation.main, relation.name)))


def of_resource(resource: Resource) -> tuple[Relation, ...]:
    """Return the declared tables of a resource."""
    return tuple(_of_table(resource, table) for table in resource.tables)


def _of_table(resource: Resource, table: Table) -> Relation:
    kinds = {column.name: column.type for column in table.columns}
    words = _words(resource, table)
    fields = [Field(name, kinds.get(name) or _kind(name, table), words[name]) for name in frame_schema(resource, table)]
    return Relation(
        name=table.name,
        description=table.description,
        columns=tuple(fields),
        key=_key(resource, table),
        record=resource.key.name if table is resource.main else resource.parent,
        of=resource.main.name,
        of_key=resource.key.name,
    )


def _kind(name: str, table: Table) -> Type:
    return Type.INT if name in table.positions else Type.STRING


def _stated(name: str, tables: Mapping[str, TableFacts], declared: Mapping[str, tuple[Resource, Table]]) -> Relation:
    facts = tables[name]
    resource, table = declared.get(name) or declared.get(name.removeprefix(INCLUDED)) or (None, None)
    main = name == facts.of
    words = _words(resource, table) if resource and table else {}
    fields = [Field(column.name, column.type, words.get(column.name, "")) for column in facts.columns]
    known = _key(resource, table) if resource and table else ()
    whole = main or set(known) <= {field.name for field in fields}
    return Relation(
        name=name,
        description=table.description if table else "",
        columns=tuple(fields),
        key=(facts.key,) if main else known if whole else (),
        record=facts.key,
        of=facts.of,
        of_key=tables[facts.of].key,
    )


def _key(resource: Resource, table: Table) -> tuple[str, ...]:
    """Name the columns that identify a row: record, list, and positions in it; none without positions."""
    if table is resource.main:
        return (resource.key.name,)
    if not table.positions:
        return ()
    labels = [table.columns[0].name] if table.relations else []
    return (resource.parent, *labels, *table.positions)


def _words(resource: Resource, table: Table) -> dict[str, str]:
    main = {column.name: column.description for column in resource.main.columns}
    positions = dict.fromkeys(table.positions, table.positions_description)
    own = {column.name: column.description for column in table.columns}
    return {**main, resource.parent: f"Key of the record in {resource.main.name}.", **positions, **own}


def _declared(name: str) -> dict[str, tuple[Resource, Table]]:
    try:
        resource = resources.load(name)
    except UsageError:  # a dataset of a newer program
        return {}
    return {table.name: (owner, table) for owner in _owners(resource) for table in owner.tables}


def _owners(resource: Resource) -> Iterator[Resource]:
    """Yield the resources whose tables a dataset may have, the requested one last so that its tables win."""
    for include in resource.includes:
        yield resources.load(include.resource)
    yield withdrawn.resource(resource)
    yield resource
