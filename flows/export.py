"""The export as a Prefect flow: the steps of `etl.runs.export` as tasks, and their artifacts.

Parameters are plain values, which Prefect stores; credentials come from the environment of the process that runs the
flow.
"""

import time
from dataclasses import asdict
from typing import Any, Literal

from cyclopts import App
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from etl.options.arguments import destination
from etl.options.delivery import DeliveryOptions
from etl.options.owner import owner
from etl.options.query import QueryOptions
from etl.options.server import FetchOptions
from etl.runs.context import open_run
from etl.runs.export import export as conductor
from etl.schema.declarations import Json
from flows.budget import flow_limits
from flows.observe import artifacts, log, progress
from flows.spread import spread
from flows.steps import emit_failure, final_state, options_from


@flow(
    name="export",
    flow_run_name="{resource} to {to}",
    persist_result=False,
    on_failure=[emit_failure],
    on_crashed=[emit_failure],
)
async def export(  # noqa: PLR0913 (the parameters of a flow are the form that people fill in)
    resource: str,
    to: str,
    *,
    filter: tuple[str, ...] = (),  # noqa: A002 (parameters are called like the options of the command line)
    query: str = "",
    include: str = "",
    since: str | None = None,
    until: str | None = None,
    window: Literal["created", "updated", "registered"] = "created",
    tables: str = "",
    detail: bool = False,
    of: str = "",
    format: tuple[str, ...] = ("parquet",),  # noqa: A002
    partition_by: str | None = None,
    keep_raw: bool = False,
    limit: int | None = None,
    fresh: bool = False,
    max_missing: int = 0,
    allow_incomplete: bool = False,
    min_records: int = 1,
    allow_empty: bool = False,
    base_url: str = "",
    sandbox: bool = False,
    sandbox_options: str = "",
    mailto: str = "",
    concurrency: int = 4,
    rate: int | None = None,
    attempts: int = 8,
    patience: float = 900.0,
    timeout: float = 300.0,  # noqa: ASYNC109 (of one request, not of the flow)
    page_limit: int = 512,
    lag: str = "10m",
    budget: str = "",
    dask: str = "",
) -> State[dict[str, Any]]:
    """Export every record of a query as typed tables, and publish them only if they are proved complete.

    Parameters are those of `datacite-etl export`. The flow run is Completed, Completed with the name Drifted if records
    moved during the run, or Failed if records are missing and no option accepts that. Running it again resumes it.

    Args:
        resource: Resource to export: dois, clients, …
        to: Folder of the dataset, or s3://bucket/folder.
        filter: NAME=VALUE: a filter of the resource.
        query: Search in the API's query language.
        include: Related records to include, separated by commas.
        since: Start of the window: YYYY, YYYY-MM, YYYY-MM-DD or an ISO timestamp.
        until: End of the window: a year, month or day (inclusive), or a timestamp (exclusive).
        window: Date to which since and until apply.
        tables: Tables to make, separated by commas; all by default.
        detail: Request the API's detail view.
        of: Only for activities and media: their record.
        format: parquet, csv, ndjson, delta.
        partition_by: Columns of the main table that become folders, separated by commas, or none.
        keep_raw: Also keep every record as received.
        limit: Fetch only this many records, as a sample.
        fresh: Discard unfinished work, and replace a dataset of another request.
        max_missing: Publish even if up to this many records are missing, all of them named.
        allow_incomplete: Publish whatever arrived.
        min_records: Publish nothing if there are fewer records than this.
        allow_empty: Also publish a dataset without records.
        base_url: Root URL of the API; by default DataCite's.
        sandbox: Start a local DataCite API and use it.
        sandbox_options: Options for the sandbox.
        mailto: Your e-mail address, which doubles the API's rate limit.
        concurrency: Concurrent requests.
        rate: Requests per 5 minutes; by default the API's limit.
        attempts: Maximum attempts per request.
        patience: Seconds before the run gives up on a failing request.
        timeout: Seconds to wait for the next byte of a response.
        page_limit: Largest response in megabytes, decompressed.
        lag: Leave records younger than this to the next sync, because the index lags behind: 30s, 10m, 1h.
        budget: Global concurrency limit that all flows share (`python -m flows.setup` creates it); none if empty.
        dask: Address of a Dask scheduler, tcp://host:8786. Its workers fetch and write the slices; they need the same
            destination and Prefect server.
    """
    given: dict[str, Json] = dict(locals())
    mine = owner()
    asked, delivery = (
        options_from(QueryOptions, given).of_resource(resource),
        options_from(DeliveryOptions, given).delivery(),
    )
    with options_from(FetchOptions, given).settings(asked.resource.dialect) as settings:
        async with (
            progress(to, log(get_run_logger())) as observe,
            flow_limits(budget, settings) as shared,
            open_run(
                asked,
                delivery,
                settings,
                destination(to),
                owner=mine,
                observe=observe,
                clock=time.time,
                together=shared,
            ) as run,
            spread(
                dask, given | {"base_url": settings.base_url, "sandbox": False, "sandbox_options": ""}, mine, observe
            ) as step,
        ):
            outcome = await conductor.export(run, step)
    await artifacts(to, outcome.proof)
    return final_state(to, outcome.summary())


def main() -> None:
    """Run the flow in this process, with the options of `datacite-etl export`."""
    app = App(name="python -m flows.export", result_action="return_value")

    @app.default
    async def run(
        resource: str,
        /,
        *,
        to: str,
        query_options: QueryOptions = QueryOptions(),
        delivery_options: DeliveryOptions = DeliveryOptions(),
        server: FetchOptions = FetchOptions(),
        dask: str = "",
    ) -> None:
        """Export through Prefect: the same options and files, with tasks and artifacts.

        Parameters
        ----------
        resource
            Resource to export: `dois`, `clients`, …
        to
            Folder of the dataset.
        dask
            Address of a Dask scheduler whose workers fetch and write the slices.
        """
        await export(resource, to, **asdict(query_options), **asdict(delivery_options), **asdict(server), dask=dask)

    app()


if __name__ == "__main__":
    main()
