"""DuckDB: one file with tables, primary keys, comments and views; a load is one transaction of that file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from etl.dataset.inventory import Inventory
from etl.dataset.relations import Relation
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json
from etl.warehouses import Loaded, library, merging
from etl.warehouses.ddl import DUCKDB, Dialect
from etl.warehouses.guards import Permission
from etl.warehouses.texts import storable

if TYPE_CHECKING:
    import duckdb

_FRAME = "datacite_etl_frame"


class DuckSession:
    """A connection to a file. State: `altered`, the number of values that had to be changed."""

    dialect: Dialect = DUCKDB

    def __init__(self, connection: "duckdb.DuckDBPyConnection", schema: str) -> None:
        self._connection = connection
        self.schema = schema
        self.altered = 0

    def run(self, sql: str, values: Sequence[Json] = ()) -> None:
        """Run a statement."""
        self._connection.execute(sql, list(values) or None)

    def rows(self, sql: str, values: Sequence[Json] = ()) -> list[tuple[Json, ...]]:
        """Run a query."""
        return self._connection.execute(sql, list(values) or None).fetchall()

    def append(self, relation: Relation, table: str, frame: pl.DataFrame, *, temporary: bool) -> None:
        """Add rows, straight from memory."""
        held, altered = storable(relation, frame)
        self.altered += altered
        self._connection.register(_FRAME, held.to_arrow())
        columns = self.dialect.names_of(relation.names)
        target = self.dialect.name_of(table) if temporary else merging.path(self, table)
        self.run(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {_FRAME}")
        self._connection.unregister(_FRAME)


class DuckWarehouse:
    """A DuckDB file."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", file: Path, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self.name = f"duckdb:///{file}"

    def load(self, inventory: Inventory, *, stamp: str, permission: Permission) -> Loaded:
        """Make the file hold the dataset, all of it or nothing."""
        session = DuckSession(self._connection, self._schema)
        if self._schema != "main":
            session.run(f"CREATE SCHEMA IF NOT EXISTS {DUCKDB.name_of(self._schema)}")
        return merging.load_tables(session, inventory, stamp=stamp, permission=permission)


@contextmanager
def opened(url: str, *, schema: str) -> Iterator[DuckWarehouse]:
    """Open the file of `duckdb:///relative.duckdb` or `duckdb:////absolute.duckdb`."""
    duckdb = library("duckdb", "duckdb")
    text = url.partition("://")[2].removeprefix("/")
    if not text:
        raise UsageError("a DuckDB URL names a file", fix="write duckdb:///file.duckdb")
    if text.startswith(":memory:"):
        raise UsageError("a DuckDB in memory would be lost when the load ends", fix="write duckdb:///file.duckdb")
    file = Path(text)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(file))
        try:
            yield DuckWarehouse(connection, file, schema or "main")
        finally:
            connection.close()
    except duckdb.Error as error:
        raise StoreError(f"duckdb:///{file}: {error}", fix="nothing was changed; fix this and load again") from error
