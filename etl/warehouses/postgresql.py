"""PostgreSQL: rows travel by ADBC (binary COPY), a load is one transaction, keys and indexes are real.

The role needs CONNECT and TEMPORARY on the database and CREATE and USAGE on one schema, nothing else; a schema that
is missing is made if the role may do that. Passwords come from the URL, PGPASSWORD or ~/.pgpass, and are in no text.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import polars as pl

from etl.dataset.inventory import Inventory
from etl.dataset.relations import Relation
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json, Type
from etl.warehouses import Loaded, library, merging
from etl.warehouses.ddl import POSTGRESQL, Dialect
from etl.warehouses.guards import Permission
from etl.warehouses.texts import storable

_RAW = "datacite_etl_raw"
_UNTRANSLATABLE = "22P05"
_LOCK = 0x44435445
"""The first key of the advisory locks of loads; the second is the schema's."""
_SECRETS = ("password", "sslpassword", "passfile", "sslkey")


class PostgresSession:
    """A connection to a server. State: `altered`, the values that had to be changed."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self.schema = schema
        self.altered = 0

    def run(self, sql: str, values: Sequence[Json] = ()) -> None:
        """Run a statement; the driver begins transactions by itself, and each waits for another load of its schema."""
        if sql == "BEGIN":
            self._connection.rollback()
            self.rows("SELECT pg_advisory_xact_lock($1::int, hashtext($2))", [_LOCK, self.schema])
        elif sql in {"COMMIT", "ROLLBACK"}:
            getattr(self._connection, sql.lower())()
        else:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, list(values) or None)

    def rows(self, sql: str, values: Sequence[Json] = ()) -> list[tuple[Json, ...]]:
        """Run a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(values) or None)
            rows: list[tuple[Json, ...]] = cursor.fetchall()
            return rows

    def append(self, relation: Relation, table: str, frame: pl.DataFrame, *, temporary: bool) -> None:
        """Add rows by COPY; JSON is text on the way, so it goes through a table that takes text."""
        held, altered = storable(relation, frame, nul=True)
        self.altered += altered
        place: dict[str, Any] = {"temporary": True} if temporary else {"db_schema_name": self.schema}
        documents = [field.name for field in relation.columns if field.type is Type.JSON]
        with self._connection.cursor() as cursor:
            if not documents:
                cursor.adbc_ingest(table, held.to_arrow(), mode="append", **place)
                return
            cursor.adbc_ingest(_RAW, held.to_arrow(), mode="create", temporary=True)
        named = self.dialect.name_of
        values = ", ".join(named(name) + ("::jsonb" if name in documents else "") for name in relation.names)
        target = named(table) if temporary else merging.path(self, table)
        self.run(f"INSERT INTO {target} ({self.dialect.names_of(relation.names)}) SELECT {values} FROM {_RAW}")
        self.run(f"DROP TABLE {_RAW}")


class PostgresWarehouse:
    """A schema of a database."""

    def __init__(self, connection: Any, name: str, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self.name = name

    def load(self, inventory: Inventory, *, stamp: str, permission: Permission) -> Loaded:
        """Make the schema hold the dataset, all of it or nothing."""
        session = PostgresSession(self._connection, self._schema)
        session.run("BEGIN")
        if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", [self._schema]):
            session.run(f"CREATE SCHEMA {POSTGRESQL.name_of(self._schema)}")
        session.run("COMMIT")
        return merging.load_tables(session, inventory, stamp=stamp, permission=permission)


@contextmanager
def opened(url: str, *, schema: str) -> Iterator[PostgresWarehouse]:
    """Connect by a libpq URL; errors do not contain its secrets."""
    driver = library("adbc_driver_postgresql.dbapi", "postgres")
    name = without_secrets(url)
    hidden = secrets(url)
    try:
        connection = driver.connect(_in_utf8(url))
        try:
            yield PostgresWarehouse(connection, name, schema or "public")
        finally:
            connection.close()
    except driver.Error as error:
        raise _refusal(name, error, hidden) from None


def _in_utf8(url: str) -> str:
    """Return the URL of a connection in UTF-8, which the driver sends whatever URL and PGCLIENTENCODING say."""
    parts = urlsplit(url)
    kept = [piece for piece in parts.query.split("&") if piece and not piece.startswith("client_encoding=")]
    return urlunsplit(parts._replace(query="&".join([*kept, "client_encoding=UTF8"])))


def without_secrets(url: str) -> str:
    """Return a URL without its secrets; UsageError, which does not quote it, if it is invalid."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(
            "the PostgreSQL URL cannot be read", fix="write postgresql://user@host:5432/database"
        ) from None
    user, at, host = parts.netloc.rpartition("@")
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in _SECRETS]
    netloc = f"{user.partition(':')[0]}{at}{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, urlencode(kept, safe="/"), ""))


def secrets(url: str) -> list[str]:
    """List every spelling of the secrets in a URL, longest first."""
    user = urlsplit(url).netloc.rpartition("@")[0]
    query = urlsplit(url).query
    raw = [user.partition(":")[2], *re.findall(rf"(?:{'|'.join(_SECRETS)})=([^&]*)", query)]
    spellings = {text for secret in raw for text in (secret, unquote(secret)) if text}
    return sorted(spellings, key=len, reverse=True)


def _refusal(name: str, error: Exception, hidden: Sequence[str]) -> StoreError:
    if getattr(error, "sqlstate", None) == _UNTRANSLATABLE:
        fix = "nothing was changed; load into a database created with ENCODING 'UTF8'"
        return StoreError(f"{name}: the encoding of this database lacks characters of the data", fix=fix)
    fix = "nothing was changed; check URL, user, password and privileges, then load again"
    return StoreError(f"{name}: {_plain(str(error), hidden)}", fix=fix)


def _plain(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())
