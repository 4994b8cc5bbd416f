"""The sync as a Prefect flow: the steps of `etl.runs.sync` as tasks.

Parameters are plain values, which Prefect stores; credentials come from the environment of the process that runs the
flow. Running a failed flow again resumes it.
"""

import time
from dataclasses import asdict
from typing import Any

from cyclopts import App
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from etl.cli.show import note
from etl.cli.sync import conducted
from etl.options.arguments import destination as place
from etl.options.owner import owner
from etl.options.server import FetchOptions
from etl.options.sync import SyncOptions, at_origin, recorded
from etl.runs.context import open_run
from etl.schema.declarations import Json
from flows.budget import flow_limits
from flows.observe import artifacts, log, progress
from flows.steps import as_task, emit_failure, final_state, options_from


@flow(
    name="sync",
    flow_run_name="sync {destination}",
    persist_result=False,
    on_failure=[emit_failure],
    on_crashed=[emit_failure],
)
async def sync(  # noqa: PLR0913 (the parameters of a flow are the form that people fill in)
    destination: str,
    *,
    metrics: bool = False,
    overlap: str = "6h",
    every_id: bool = False,
    fresh: bool = False,
    max_missing: int = 0,
    allow_incomplete: bool = False,
    max_withdrawn: str = "",
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
) -> State[dict[str, Any]]:
    """Bring an exported dataset up to date, and publish it only if it is proved complete.

    Parameters are those of `datacite-etl sync`. The flow fails if records are missing; running it again resumes it.

    Args:
        destination: Folder of the dataset.
        metrics: Only refresh the counts, which change without `updated`.
        overlap: How far before the watermark to check again: 90m, 6h, 2d.
        every_id: Compare the ids of all records, even where the counts agree.
        fresh: Discard unfinished work.
        max_missing: Publish even if up to this many records are missing, all of them named.
        allow_incomplete: Publish whatever arrived.
        max_withdrawn: Publish nothing if more records would be withdrawn: 500, 5%; by default 10 % and at least 20.
        base_url: Root URL of the API; by default that of the dataset.
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
        budget: Global concurrency limit that all flows share; none if empty.
    """
    given: dict[str, Json] = dict(locals())
    sync_options = options_from(SyncOptions, given)
    scope = sync_options.scope()
    proof, asked, delivery = recorded(destination, sync_options)
    with at_origin(options_from(FetchOptions, given), proof, note).settings(asked.resource.dialect) as settings:
        async with (
            progress(destination, log(get_run_logger())) as observe,
            flow_limits(budget, settings) as shared,
            open_run(
                asked,
                delivery,
                settings,
                place(destination),
                owner=owner(),
                observe=observe,
                clock=time.time,
                together=shared,
            ) as run,
        ):
            outcome = await conducted(run, scope, as_task)
    await artifacts(destination, outcome.proof)
    return final_state(destination, outcome.summary())


def main() -> None:
    """Run the flow in this process, with the options of `datacite-etl sync`."""
    app = App(name="python -m flows.sync", result_action="return_value")

    @app.default
    async def run(
        destination: str, /, *, sync_options: SyncOptions = SyncOptions(), server: FetchOptions = FetchOptions()
    ) -> None:
        """Sync through Prefect: the same options and files, with tasks and artifacts."""
        await sync(destination, **asdict(sync_options), **asdict(server))

    app()


if __name__ == "__main__":
    main()
