"""The ingest as a Prefect flow: DataCite's data file, or a dataset's kept records, with one task per part.

Data file and destination are on the machine that runs the flow. Running a failed flow again resumes it.
"""

import os
import time
import uuid
from dataclasses import asdict
from typing import Any

from cyclopts import App
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from etl.cli.ingest import checked
from etl.options.arguments import destination
from etl.options.delivery import DeliveryOptions
from etl.options.owner import owner
from etl.runs.ingest import ingest as conductor
from etl.schema.declarations import Json
from flows.observe import artifacts, log, progress
from flows.steps import as_task, emit_failure, final_state, options_from


@flow(
    name="ingest",
    flow_run_name="{path} to {to}",
    persist_result=False,
    on_failure=[emit_failure],
    on_crashed=[emit_failure],
)
async def ingest(  # noqa: PLR0913 (the parameters of a flow are the form that people fill in)
    path: str,
    to: str,
    *,
    format: tuple[str, ...] = ("parquet",),  # noqa: A002 (parameters are called like the options of the command line)
    partition_by: str | None = None,
    keep_raw: bool = False,
    fresh: bool = False,
    max_missing: int = 0,
    allow_incomplete: bool = False,
    min_records: int = 1,
    allow_empty: bool = False,
    threads: int | None = None,
) -> State[dict[str, Any]]:
    """Read a Public or Monthly Data File of DataCite into tables, published only if its lists prove them complete.

    Alternatively, read the records that a dataset has kept (`keep_raw`, or the format ndjson), proved by its manifest.

    Parameters are those of `datacite-etl ingest`. The API is not used; `sync` continues from the result.

    Args:
        path: Data file (a tar, a folder, or one .jsonl.gz), or dataset.
        to: Folder of the dataset, or s3://bucket/folder.
        format: parquet, csv, ndjson, delta.
        partition_by: Columns of the main table that become folders, separated by commas, or none.
        keep_raw: Also keep every record as received.
        fresh: Discard unfinished work, and replace a dataset of another request.
        max_missing: Publish even if up to this many records are missing, all of them named.
        allow_incomplete: Publish whatever arrived.
        min_records: Publish nothing if there are fewer records than this.
        allow_empty: Also publish a dataset without records.
        threads: Number of parts to read at once; by default one per core.
    """
    given: dict[str, Json] = dict(locals())
    delivery = checked(options_from(DeliveryOptions, given), threads)
    async with progress(to, log(get_run_logger())) as observe:
        outcome = await conductor.ingest(
            path,
            destination(to),
            delivery,
            owner=owner(),
            observe=observe,
            clock=time.time,
            run_id=uuid.uuid4().hex,
            threads=threads or os.cpu_count() or 1,
            step=as_task,
        )
    await artifacts(to, outcome.proof)
    return final_state(to, outcome.summary())


def main() -> None:
    """Run the flow in this process, with the options of `datacite-etl ingest`."""
    app = App(name="python -m flows.ingest", result_action="return_value")

    @app.default
    async def run(
        path: str, /, *, to: str, delivery_options: DeliveryOptions = DeliveryOptions(), threads: int | None = None
    ) -> None:
        """Ingest through Prefect: the same options and files, with tasks and artifacts."""
        checked(delivery_options, threads)
        wanted = {name: value for name, value in asdict(delivery_options).items() if name != "limit"}
        await ingest(path, to, **wanted, threads=threads)

    app()


if __name__ == "__main__":
    main()
