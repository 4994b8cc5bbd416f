"""DDL is valid where it can be tried, and says what the declarations say."""

import duckdb
import pytest

from etl import resources
from etl.dataset import relations
from etl.errors import UsageError
from etl.warehouses import ddl
from tests.conftest import Command

DIALECTS = ("duckdb", "postgresql", "bigquery", "snowflake")
DOIS = relations.of_resource(resources.load("dois"))


@pytest.mark.parametrize("name", DIALECTS)
def test_every_table_and_column_is_declared_with_its_words(name: str) -> None:
    """Each dialect has all tables, all columns and all descriptions of columns."""
    text = ddl.script(ddl.dialect(name), DOIS)
    assert text.count("CREATE TABLE") == len(DOIS)
    assert text.count("PRIMARY KEY") == len(DOIS) - 1  # nothing identifies a link but the whole of it
    for relation in DOIS:
        for field in relation.columns:
            assert field.name in text.lower()
            assert field.description.isascii()  # databases in other encodings take the comments, too
            assert field.description.replace("'", "''") in text or field.description in text


def test_duckdb_takes_the_script_as_it_is() -> None:
    """What is printed for DuckDB makes all tables with their keys and comments."""
    with duckdb.connect() as connection:
        connection.execute(ddl.script(ddl.DUCKDB, DOIS))
        made = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE has_primary_key").fetchall()
        assert made == [(len(DOIS) - 1,)]


def test_a_bigquery_text_cannot_end_early() -> None:
    """Quotes and backslashes in descriptions are escaped the way of each dialect."""
    assert ddl.BIGQUERY.text_of('a "b" \\') == '"a \\"b\\" \\\\"'
    assert ddl.SNOWFLAKE.text_of("it's") == "'it''s'"
    assert ddl.POSTGRESQL.name_of('a"b') == '"a""b"'


def test_an_unknown_dialect_is_refused_with_the_known_ones(command: Command) -> None:
    """The names of all dialects are in the error."""
    with pytest.raises(UsageError, match="snowflake"):
        ddl.dialect("oracle")
    ran = command("load", "dois", "--ddl", "oracle")
    assert ran.code == 2


def test_ddl_is_printed_for_a_resource_without_any_dataset(command: Command) -> None:
    """`load dois --ddl` needs no export."""
    ran = command("load", "dois", "--ddl", "postgresql")
    assert ran.code == 0
    assert 'REFERENCES "dois" ("doi")' in ran.out
    assert "USING hash" in ran.out


def test_load_wants_one_of_two_things(command: Command) -> None:
    """Neither --into nor --ddl, or both, is a usage error."""
    assert command("load", "out").code == 2
    assert command("load", "out", "--ddl", "duckdb", "--into", "duckdb:///x").code == 2
