"""The export as a Prefect flow: the steps of `etl.runs.export`, a task each, and what Prefect's pages show of them.

Parameters are plain values, which Prefect stores; credentials come from the environment of the process that runs the
flow.
"""

import time
from dataclasses import asdict
from typing import Any, Literal

from cyclopts import App
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from etl.options.asking import Asking, Harvesting, destination
from etl.options.delivering import Delivering
from etl.options.owner import owner
from etl.runs.context import opened
from etl.runs.export import export as conductor
from etl.schema.declarations import Json
from flows.budget import together
from flows.observe import artifacts, log, progress
from flows.spread import spread
from flows.steps import broke, ended, picked


@flow(name="export", flow_run_name="{resource} to {to}", persist_result=False, on_failure=[broke], on_crashed=[broke])
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
    """Export every record of a query as typed tables, published only if they are proved complete.

    Parameters are those of `datacite-etl export`. The flow run is Completed, Completed under the name Drifted if the
    index moved meanwhile, or Failed if less came than there is and nobody asked to live with that. Running a failed
    one again resumes it.

    Args:
        resource: What to export: dois, clients, ...
        to: Folder of the dataset, or s3://bucket/folder.
        filter: NAME=VALUE, any filter of the resource.
        query: A search in the API's own query language.
        include: Comma list of related records to bring along.
        since: First moment of the window: YYYY, YYYY-MM, YYYY-MM-DD or an ISO timestamp.
        until: Last year, month or day of the window (included), or the timestamp it ends before.
        window: Which date since and until bound.
        tables: Comma list of the tables wanted; all by default.
        detail: The API's heavy view.
        of: Only for activities: the record whose activities are meant.
        format: parquet, csv, ndjson, delta.
        partition_by: Comma list of main-table columns that become folders; none for no partitions.
        keep_raw: Keep every record as received too.
        limit: Fetch this many records only, as a sample.
        fresh: Throw away unfinished work, and replace a dataset of another request.
        max_missing: Publish although up to this many named records are missing.
        allow_incomplete: Publish whatever came.
        base_url: The root below which the resource's own path hangs; by default DataCite's own.
        sandbox: Start the embedded API and use it.
        sandbox_options: Options for the embedded API.
        mailto: Your e-mail address, which doubles the rate that the API grants.
        concurrency: Requests under way at once.
        rate: Requests per 5 minutes; by default what the API grants.
        attempts: How often a request is tried before its failure is believed.
        patience: Seconds for which one request may fail before the run gives up.
        timeout: Seconds to wait for the next byte of an answer.
        page_limit: Largest response in megabytes, decompressed.
        lag: Age below which records are left to the next sync, because the index lags behind: 30s, 10m, 1h.
        budget: Name of the global concurrency limit that all flows share (`python -m flows.setup` makes it); none if
            empty.
        dask: Address of a Dask scheduler, tcp://host:8786: slices are walked and written by its workers, who must see
            the same destination and the same Prefect server.
    """
    given: dict[str, Json] = dict(locals())
    mine = owner()
    asked, delivery = picked(Asking, given).of_resource(resource), picked(Delivering, given).delivery()
    with picked(Harvesting, given).settings(asked.resource.dialect) as settings:
        async with (
            progress(to, log(get_run_logger())) as observe,
            together(budget, settings) as shared,
            opened(
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
    return ended(to, outcome.summary())


def main() -> None:
    """Run the flow in this process, with the options of `datacite-etl export`."""
    app = App(name="python -m flows.export", result_action="return_value")

    @app.default
    async def run(
        resource: str,
        /,
        *,
        to: str,
        asking: Asking = Asking(),
        delivering: Delivering = Delivering(),
        talking: Harvesting = Harvesting(),
        dask: str = "",
    ) -> None:
        """Export through Prefect: the same options, the same files, with tasks and artifacts to look at.

        Parameters
        ----------
        resource
            What to export: `dois`, `clients`, ...
        to
            Folder of the dataset.
        dask
            Address of a Dask scheduler whose workers walk and write the slices.
        """
        await export(resource, to, **asdict(asking), **asdict(delivering), **asdict(talking), dask=dask)

    app()


if __name__ == "__main__":
    main()
