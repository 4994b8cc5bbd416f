"""The load as a Prefect flow: load a dataset into a warehouse, or update it there.

The warehouse's password is never a parameter, because Prefect stores and shows parameters. It comes from the
environment of the process that runs the flow (`PGPASSWORD`, the cloud's own variables).
"""

import asyncio
import time
from dataclasses import asdict
from typing import Any

from cyclopts import App
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from etl.errors import UsageError
from etl.events import counted
from etl.options.arguments import destination
from etl.options.load import LoadOptions
from etl.warehouses import Loaded, postgresql
from etl.warehouses import load as conductor
from flows.observe import log
from flows.steps import as_task, emit, emit_failure, options_from, slug


@flow(
    name="load",
    flow_run_name="load {dataset}",
    persist_result=False,
    on_failure=[emit_failure],
    on_crashed=[emit_failure],
)
async def load(
    dataset: str,
    into: str,
    *,
    schema: str = "",
    replace: bool = False,
    allow_incomplete: bool = False,
    max_withdrawn: str = "",
) -> State[dict[str, Any]]:
    """Load a dataset into DuckDB, PostgreSQL or a Delta lake, or update it there.

    A second load of the same run changes nothing; that of a later run applies the differences.

    Args:
        dataset: Folder of the dataset.
        into: Target: duckdb:///file.duckdb, postgresql://user@host/database, delta:///folder. Without a password, which
            comes from the environment (PGPASSWORD for PostgreSQL).
        schema: Schema for the tables; by default main in DuckDB and public in PostgreSQL.
        replace: Replace all tables, even if the dataset is a sample, or of another request or server.
        allow_incomplete: Load an incomplete dataset over a complete one.
        max_withdrawn: Load nothing if more records would be withdrawn: 500, 5%; by default 10 % and at least 20.
    """
    permission = options_from(LoadOptions, dict(locals())).permission()
    _refuse_secrets(into)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    loaded = await as_task(
        "load", asyncio.to_thread, conductor.load, destination(dataset), into,
        stamp=stamp, observe=log(get_run_logger()), schema=schema, permission=permission,
    )  # fmt: skip
    sentence, summary = _sentence(loaded), conductor.summary(loaded)
    rows = [{"name": name, "rows": count} for name, count in sorted(loaded.tables.items())]
    key = f"{slug(dataset)}-{slug(into)}"
    await acreate_table_artifact(key=f"loaded-{key}", table=rows, description=f"Rows by table of {dataset} in {into}")
    page = f"# {dataset}\n\n{sentence}\n\nWarehouse: `{into}`"
    await acreate_markdown_artifact(key=f"load-{key}", markdown=page, description="Load")
    emit("loaded", dataset, {name: summary[name] for name in ("state", "added", "changed", "withdrawn")})
    return Completed(message=sentence, data=summary)


def _refuse_secrets(into: str) -> None:
    if into.lower().startswith("postgres") and postgresql.secrets(into):
        fix = "set PGPASSWORD in the worker, change that password and delete this flow run: Prefect has stored it"
        raise UsageError("a warehouse's URL must not contain a password", fix=fix)


def _sentence(loaded: Loaded) -> str:
    rows = f"{loaded.state}: {counted(sum(loaded.tables.values()), 'row')} in {counted(len(loaded.tables), 'table')}"
    if loaded.added is None:
        return rows
    return (
        f"{rows}; {counted(loaded.added, 'record')} added, {loaded.changed:,} changed, {loaded.withdrawn:,} withdrawn"
    )


def main() -> None:
    """Run the flow in this process, with the options of `datacite-etl load`."""
    app = App(name="python -m flows.load", result_action="return_value")

    @app.default
    async def run(dataset: str, /, *, into: str, schema: str = "", loading: LoadOptions = LoadOptions()) -> None:
        """Load through Prefect: the same options and tables, with artifacts."""
        await load(dataset, into, schema=schema, **asdict(loading))

    app()


if __name__ == "__main__":
    main()
