"""`datacite-etl load`: load a dataset into a database or a lake, or print its tables as DDL."""

import time

from etl.cli.progress import progress
from etl.cli.show import as_json, line
from etl.events import counted
from etl.options.arguments import destination
from etl.options.display import DisplayOptions
from etl.options.load import LoadOptions


def load(
    dataset: str,
    /,
    *,
    into: str = "",
    schema: str = "",
    ddl: str = "",
    loading: LoadOptions = LoadOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Load a dataset into DuckDB, PostgreSQL or a Delta lake, or update it there.

    Records are merged by key. A second load of the same run changes nothing; a load after a new export or sync applies
    the differences and deletes withdrawn records. In a database, a load is one transaction. A sample, an incomplete
    dataset, one of another request or server, or one that lacks many records does not replace what is there unasked.

    **Examples**

    - `datacite-etl load out --into duckdb:///datacite.duckdb`
    - `PGPASSWORD=... datacite-etl load out --into postgresql://loader@db.example.org/warehouse --schema datacite`
    - `datacite-etl load out --into delta:///lake/datacite`
    - `datacite-etl load dois --ddl bigquery > dois.sql`

    Parameters
    ----------
    dataset
        Folder or `s3://` URL of the dataset; with --ddl also a resource, such as `dois`.
    into
        Target: `duckdb:///file.duckdb`, `postgresql://user@host/database`, `delta:///folder`, or `s3://bucket/folder`
        for a Delta lake.
    schema
        Schema for the tables; by default main in DuckDB and public in PostgreSQL.
    ddl
        Load nothing, and print the tables as DDL for duckdb, postgresql, bigquery or snowflake.
    """
    from etl.errors import UsageError

    if bool(ddl) == bool(into):
        raise UsageError("load takes either --into or --ddl", fix="give --into duckdb:///file.duckdb")
    if ddl:
        return _print(dataset, ddl)
    from etl.warehouses import load as conductor

    permission = loading.permission()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with progress(quiet=display.quiet, verbose=display.verbose) as observe:
        loaded = conductor.load(
            destination(dataset), into, stamp=stamp, observe=observe, schema=schema, permission=permission
        )
    facts = conductor.summary(loaded)
    if display.json:
        as_json(facts)
        return 0
    line(f"{loaded.state}: {counted(sum(loaded.tables.values()), 'row')} in {counted(len(loaded.tables), 'table')}")
    if loaded.added is not None:
        line(f"records   {loaded.added:,} added, {loaded.changed:,} changed, {loaded.withdrawn:,} withdrawn")
    return 0


def _print(dataset: str, name: str) -> int:
    from pathlib import Path

    from etl import resources
    from etl.dataset import relations
    from etl.dataset.inventory import open_dataset
    from etl.warehouses import ddl

    if dataset in resources.names() and not Path(dataset).exists():
        tables = relations.of_resource(resources.load(dataset))
    else:
        tables = open_dataset(destination(dataset)).relations
    line(ddl.script(ddl.dialect(name), tables).rstrip("\n"))
    return 0
