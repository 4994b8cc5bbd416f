"""Load a dataset into an SQL database: created, or merged with the tables there, in one transaction.

Merging stages the files that differ, compares rows, replaces all rows of a changed record in a table, and deletes
records that the dataset no longer has. The connection is a `Session`; `ddl` writes the statements for tables.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Protocol

import polars as pl

from etl.dataset import inventory as inventories
from etl.dataset.inventory import Contents, Inventory
from etl.dataset.relations import Relation
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json
from etl.storage import paths
from etl.warehouses import Loaded, guards, views
from etl.warehouses.ddl import Dialect, comments, constraints, create, indexes
from etl.warehouses.guards import Permission

LOG = "datacite_etl_loads"
_LOG_COLUMNS = ("dataset", "run_id", "digest", "fingerprint", "loaded_at", "contents")


class Session(Protocol):
    """A connection to a database, in a transaction."""

    @property
    def dialect(self) -> Dialect:
        """How it writes SQL."""

    @property
    def schema(self) -> str:
        """Where the tables lie."""

    @property
    def altered(self) -> int:
        """How many values had to be changed to be held."""

    def run(self, sql: str, values: Sequence[Json] = ()) -> None:
        """Run a statement; `$1` and so on are the values."""

    def rows(self, sql: str, values: Sequence[Json] = ()) -> list[tuple[Json, ...]]:
        """Run a query."""

    def append(self, relation: Relation, table: str, frame: pl.DataFrame, *, temporary: bool) -> None:
        """Add rows to a table that has the relation's columns."""


@contextmanager
def transaction(session: Session) -> Iterator[None]:
    """Run everything in a transaction, or nothing."""
    session.run("BEGIN")
    try:
        yield
    except BaseException:
        session.run("ROLLBACK")
        raise
    session.run("COMMIT")


def load_tables(session: Session, inventory: Inventory, *, stamp: str, permission: Permission) -> Loaded:
    """Bring the database to the state of a dataset; a run that it already holds changes nothing."""
    with transaction(session):
        _log(session)
        now, before = inventory.contents(), _before(session, inventory.resource)
        guards.check_dataset(before, now, permission, resource=inventory.resource)
        _check_tables(session, inventory)
        if before == now and not permission.replace:
            return Loaded(state="unchanged", added=0, changed=0, withdrawn=0, tables=_counts(session, inventory))
        merge = _Merge(session, inventory, before, now) if before and not permission.replace else None
        if merge and before and inventories.grown(before, now):
            _make(
                session,
                inventory,
                [relation for relation in inventory.relations if relation.name not in before.columns],
            )
            loaded = merge.run(permission)
        else:
            if merge:
                merge.check_withdrawn(permission)
            loaded = _create_all(session, inventory, before)
        _remember(session, inventory.resource, now, stamp)
        return loaded


def _create_all(session: Session, inventory: Inventory, before: Contents | None) -> Loaded:
    """Create all tables, and the views over them."""
    _drop(session, before)
    _make(session, inventory, inventory.relations)
    for view in views.views_of(inventory.relations):
        session.run(view.statement(session.dialect, session.schema))
    added = inventory.rows(inventory.main)
    counts = _counts(session, inventory)
    return Loaded(state="created", added=added, changed=0, withdrawn=0, altered=session.altered, tables=counts)


def _make(session: Session, inventory: Inventory, relations: Sequence[Relation]) -> None:
    """Create some tables; keys and indexes come after the rows, which is faster."""
    dialect, schema = session.dialect, session.schema
    for relation in relations:
        session.run(create(dialect, relation, keys=not dialect.foreign, schema=schema))
        _append(session, inventory, relation)
    for relation in relations if dialect.foreign else ():
        for constraint in constraints(dialect, relation, inventory.relations, schema=schema):
            session.run(f"ALTER TABLE {path(session, relation.name)} ADD {constraint}")
    for relation in relations:
        for statement in (*indexes(dialect, relation, schema=schema), *comments(dialect, relation, schema=schema)):
            session.run(statement)


def _append(session: Session, inventory: Inventory, relation: Relation) -> None:
    for frame in inventory.frames(relation, inventory.data_files(relation.name)):
        session.append(relation, relation.name, frame, temporary=False)


def _drop(session: Session, before: Contents | None) -> None:
    """Drop the tables of an earlier load, children first, and the views over them."""
    for name in views.NAMES if before else ():
        session.run(f"DROP VIEW IF EXISTS {path(session, name)}")
    remaining = set(before.columns) if before else set()
    while remaining:
        free = {name for name in remaining if not _referred(session, name, remaining)}
        for name in sorted(free or remaining):
            session.run(f"DROP TABLE IF EXISTS {path(session, name)}")
        remaining -= free or remaining


def _referred(session: Session, name: str, among: Iterable[str]) -> bool:
    """Return whether other tables hold foreign keys to a table."""
    if not session.dialect.foreign:
        return False
    children = session.rows(
        "SELECT c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "WHERE k.contype = 'f' AND k.confrelid = to_regclass($1)",
        [path(session, name)],
    )
    return any(child in among for (child,) in children)


class _Merge:
    """Merges differences. Its only state is temporary tables: `stage_T` rows, `keys_T` all keys, `moved_T` keys."""

    def __init__(self, session: Session, inventory: Inventory, before: Contents, now: Contents) -> None:
        self._session = session
        self._inventory = inventory
        self._before = before
        self._now = now

    def check_withdrawn(self, permission: Permission) -> None:
        """Refuse to create the tables again without too many of their records."""
        main = next(relation for relation in self._inventory.relations if relation.name == self._inventory.main)
        self._keys(main)
        held = self._count(f"SELECT 1 FROM {self._path(main)}")
        guards.check_withdrawn(self._find_withdrawn(main), held, permission)

    def run(self, permission: Permission) -> Loaded:
        """Merge one family of tables after the other; the counts are those of the requested records."""
        known = [relation for relation in self._inventory.relations if relation.name in self._before.columns]
        counts = {"": (0, 0, 0)}
        for main in (relation for relation in known if relation.main):
            family = [relation for relation in known if relation.of == main.name]
            moved = {place for relation in family for place in self._moved_places(relation)}
            if moved:
                counts[main.name] = self._family(main, family, moved)
        added, changed, withdrawn = counts.get(self._inventory.main, (0, 0, 0))
        held = self._inventory.rows(self._inventory.main) - added + withdrawn
        guards.check_withdrawn(withdrawn, held, permission)
        return Loaded(
            state="updated" if any(map(any, counts.values())) else "unchanged",
            added=added,
            changed=changed,
            withdrawn=withdrawn,
            altered=self._session.altered,
            tables=_counts(self._session, self._inventory),
        )

    def _moved_places(self, relation: Relation) -> set[str]:
        return inventories.changed_places(self._before.files[relation.name], self._now.files[relation.name])

    def _family(self, main: Relation, family: Sequence[Relation], moved: set[str]) -> tuple[int, int, int]:
        """Merge a main table with its children; return how many records were added, changed and withdrawn."""
        children = [relation for relation in family if not relation.main and self._moved_places(relation)]
        for relation in (main, *children):
            self._stage(relation, moved)
        self._keys(main)
        withdrawn = self._withdraw(main, [relation for relation in family if not relation.main])
        self._find_moved(main)
        known = f"SELECT {self._key(main)} FROM {self._path(main)}"
        self._do(f"CREATE TEMP TABLE new_{main.name} AS SELECT k FROM moved_{main.name} WHERE k NOT IN ({known})")
        self._upsert(main)
        for child in children:
            self._replace(main, child)
        every = " UNION ".join(f"SELECT k FROM moved_{relation.name}" for relation in (main, *children))
        added = self._count(f"SELECT k FROM new_{main.name}")
        return added, self._count(every) - added, withdrawn

    def _stage(self, relation: Relation, moved: set[str]) -> None:
        """Bring the rows of changed places into a temporary table."""
        table = f"stage_{relation.name}"
        columns = self._session.dialect.names_of(relation.names)
        self._do(f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM {self._path(relation)} LIMIT 0")
        files = [file for file in self._inventory.data_files(relation.name) if paths.place(file.path) in moved]
        for frame in self._inventory.frames(relation, files):
            self._session.append(relation, table, frame, temporary=True)

    def _keys(self, main: Relation) -> None:
        """Bring the keys of all records into a temporary table."""
        table = f"keys_{main.name}"
        self._do(f"CREATE TEMP TABLE {table} AS SELECT {self._key(main)} FROM {self._path(main)} LIMIT 0")
        only = Relation(
            name=table,
            description="",
            columns=tuple(field for field in main.columns if field.name == main.record),
            key=main.key,
            record=main.record,
            of=table,
            of_key=main.of_key,
        )
        for frame in self._inventory.keys(main, self._inventory.data_files(main.name)):
            self._session.append(only, table, frame, temporary=True)

    def _withdraw(self, main: Relation, children: Sequence[Relation]) -> int:
        """Delete the records that the dataset does not have, children first."""
        withdrawn = self._find_withdrawn(main)
        for relation in (*children, main):
            where = f"{self._key(relation)} IN (SELECT {self._key(main)} FROM gone_{main.name})"
            self._do(f"DELETE FROM {self._path(relation)} WHERE {where}")
        return withdrawn

    def _find_withdrawn(self, main: Relation) -> int:
        """Bring the keys of the records that the dataset does not have into a temporary table; return their number."""
        withdrawn = (
            f"SELECT {self._key(main)} FROM {self._path(main)} t WHERE NOT EXISTS "
            f"(SELECT 1 FROM keys_{main.name} s WHERE s.{self._key(main)} = t.{self._key(main)})"
        )
        self._do(f"CREATE TEMP TABLE gone_{main.name} AS {withdrawn}")
        return self._count(f"SELECT * FROM gone_{main.name}")

    def _find_moved(self, main: Relation) -> None:
        columns, key = self._session.dialect.names_of(main.names), self._key(main)
        differing = f"SELECT {columns} FROM stage_{main.name} EXCEPT SELECT {columns} FROM {self._path(main)}"
        self._do(f"CREATE TEMP TABLE moved_{main.name} AS SELECT DISTINCT {key} AS k FROM ({differing}) d")

    def _upsert(self, main: Relation) -> None:
        dialect = self._session.dialect
        columns = dialect.names_of(main.names)
        others = ", ".join(
            f"{dialect.name_of(name)} = excluded.{dialect.name_of(name)}" for name in main.names if name != main.record
        )
        self._do(
            f"INSERT INTO {self._path(main)} ({columns}) SELECT {columns} FROM stage_{main.name} "
            f"WHERE {self._key(main)} IN (SELECT k FROM moved_{main.name}) "
            f"ON CONFLICT ({self._key(main)}) DO UPDATE SET {others}"
        )

    def _replace(self, main: Relation, child: Relation) -> None:
        """Replace the rows of records whose rows differ in any way."""
        columns, key = self._session.dialect.names_of(child.names), self._key(child)
        staged = f"SELECT {columns} FROM stage_{child.name}"
        scope = f"SELECT {self._key(main)} FROM stage_{main.name}"
        here = f"SELECT {columns} FROM {self._path(child)} WHERE {key} IN ({scope})"
        differing = (
            f"SELECT {key} AS k FROM ({staged} EXCEPT ALL {here}) a UNION "
            f"SELECT {key} AS k FROM ({here} EXCEPT ALL {staged}) b"
        )
        self._do(f"CREATE TEMP TABLE moved_{child.name} AS {differing}")
        moved = f"WHERE {key} IN (SELECT k FROM moved_{child.name})"
        self._do(f"DELETE FROM {self._path(child)} {moved}")
        self._do(f"INSERT INTO {self._path(child)} ({columns}) {staged} {moved}")

    def _count(self, query: str) -> int:
        return int(self._session.rows(f"SELECT count(*) FROM ({query}) q")[0][0])

    def _do(self, sql: str) -> None:
        self._session.run(sql)

    def _path(self, relation: Relation) -> str:
        return path(self._session, relation.name)

    def _key(self, relation: Relation) -> str:
        return self._session.dialect.name_of(relation.record)


def path(session: Session, name: str) -> str:
    """Name a table with its schema."""
    return f"{session.dialect.name_of(session.schema)}.{session.dialect.name_of(name)}"


def _counts(session: Session, inventory: Inventory) -> dict[str, int]:
    """Count the rows of all tables; StoreError if a count differs from the manifest."""
    counts = {}
    for relation in inventory.relations:
        counts[relation.name] = int(session.rows(f"SELECT count(*) FROM {path(session, relation.name)}")[0][0])
        if counts[relation.name] != inventory.rows(relation.name):
            numbers = f"{counts[relation.name]:,} rows instead of the {inventory.rows(relation.name):,} in the manifest"
            raise StoreError(f"table {relation.name} would have {numbers}", fix="load again with --replace")
    return counts


def _log(session: Session) -> None:
    columns = ", ".join(f"{name} VARCHAR{' PRIMARY KEY' if name == 'dataset' else ''}" for name in _LOG_COLUMNS)
    session.run(f"CREATE TABLE IF NOT EXISTS {path(session, LOG)} ({columns})")


def _before(session: Session, dataset: str) -> Contents | None:
    logged = session.rows(f"SELECT contents FROM {path(session, LOG)} WHERE dataset = $1", [dataset])
    return Contents(**json.loads(logged[0][0])) if logged else None


def _check_tables(session: Session, inventory: Inventory) -> None:
    """Refuse to replace tables of another dataset."""
    others = session.rows(f"SELECT dataset, contents FROM {path(session, LOG)}")
    for dataset, contents in others:
        shared = set(json.loads(contents)["columns"]) & {relation.name for relation in inventory.relations}
        if dataset != inventory.resource and shared:
            raise UsageError(
                f"table {min(shared)} belongs to a dataset of {dataset} there",
                fix="choose another --schema or database",
            )


def _remember(session: Session, dataset: str, now: Contents, stamp: str) -> None:
    session.run(f"DELETE FROM {path(session, LOG)} WHERE dataset = $1", [dataset])
    values = [dataset, now.run_id, now.digest, now.fingerprint, stamp, json.dumps(asdict(now))]
    session.run(f"INSERT INTO {path(session, LOG)} VALUES ($1, $2, $3, $4, $5, $6)", values)
