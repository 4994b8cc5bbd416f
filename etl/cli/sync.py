"""`datacite-etl sync`: bring an exported dataset up to date."""

import asyncio
import time
from typing import TYPE_CHECKING

from etl.cli.export import code
from etl.cli.recording import Recording, new_run
from etl.cli.show import as_json, line, note, requests
from etl.options.arguments import destination
from etl.options.display import DisplayOptions
from etl.options.owner import owner
from etl.options.server import FetchOptions
from etl.options.sync import SyncOptions, at_origin, recorded

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.dataset.request import Delivery
    from etl.events import Observe
    from etl.runs.context import Run
    from etl.runs.sync.finish import SyncOutcome
    from etl.runs.sync.sync import SyncScope
    from etl.settings import Settings
    from etl.steps import Step

_FIX = "run the same command again"


def sync(
    dataset: str,
    /,
    *,
    sync_options: SyncOptions = SyncOptions(),
    server: FetchOptions = FetchOptions(),
    display: DisplayOptions = DisplayOptions(),
    recording: Recording = Recording(),
) -> int:
    """Bring an exported dataset up to date: new, changed and withdrawn records.

    Query, formats and partitions are those of the export, and so is the server unless another is named. Changed records
    are fetched and replaced; withdrawn records are found by comparing counts, and ids where counts differ. The result
    equals a fresh export. After a crash or an interruption, the same command resumes the run.

    **Examples**

    - `datacite-etl sync out`
    - `datacite-etl sync out --overlap 2d --json`
    - `datacite-etl sync out --metrics`

    Parameters
    ----------
    dataset
        Folder or `s3://` URL of the dataset.
    """
    from etl.api.limits.rate_limit import allowance

    scope, run_id = sync_options.scope(), new_run()
    proof, query, delivery = recorded(dataset, sync_options)
    with (
        at_origin(server, proof, note).settings(query.resource.dialect) as settings,
        recording.observing(run_id, display, rate=allowance(settings)) as observe,
    ):
        outcome = asyncio.run(_sync(query, delivery, settings, dataset, scope, observe=observe, run_id=run_id))
    recording.keep({dataset: outcome.summary()})
    as_json(outcome.summary()) if display.json else _tell(outcome)
    return code(outcome, _FIX)


async def conducted(run: "Run", scope: "SyncScope", step: "Step | None" = None) -> "SyncOutcome":
    """Refresh counts or bring everything up to date, depending on the purpose of the delivery."""
    from etl.dataset.request import METRICS
    from etl.runs.sync import refresh_counts
    from etl.runs.sync.sync import sync as conduct
    from etl.steps import directly

    if run.delivery.purpose == METRICS:
        return await refresh_counts.refresh(run, step or directly)
    return await conduct(run, scope, step or directly)


async def _sync(
    query: "Query",
    delivery: "Delivery",
    settings: "Settings",
    to: str,
    scope: "SyncScope",
    *,
    observe: "Observe",
    run_id: str,
) -> "SyncOutcome":
    from etl.runs.context import open_run

    async with open_run(
        query, delivery, settings, destination(to), owner=owner(), observe=observe, clock=time.time, run_id=run_id
    ) as run:
        return await conducted(run, scope)


def _tell(outcome: "SyncOutcome") -> None:
    summary = outcome.summary()
    line(f"verdict   {summary['verdict']}")
    line(f"records   {summary['unique']:,} of {summary['expected']:,} ({summary['resource']})")
    line(f"changes   {summary['added']:,} added, {summary['changed']:,} changed, {summary['withdrawn']:,} withdrawn")
    line(f"requests  {requests(summary)}; {summary['seconds']:.1f} s")
    line(f"manifest  {summary['manifest']}")
