"""`datacite-etl export`: a complete export, proved."""

import asyncio
import time
from typing import TYPE_CHECKING

from etl.cli.recording import Recording, new_run
from etl.cli.show import as_json, line, note, requests
from etl.events import counted, listed
from etl.options.arguments import destination
from etl.options.delivery import DeliveryOptions
from etl.options.display import DisplayOptions
from etl.options.owner import owner
from etl.options.query import QueryOptions
from etl.options.server import FetchOptions

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.dataset.request import Delivery
    from etl.events import Observe
    from etl.runs.batch import RunOutcome
    from etl.runs.context import Outcome
    from etl.settings import Settings


def export(
    resource: str,
    /,
    *,
    to: str,
    query_options: QueryOptions = QueryOptions(),
    delivery_options: DeliveryOptions = DeliveryOptions(),
    server: FetchOptions = FetchOptions(),
    display: DisplayOptions = DisplayOptions(),
    recording: Recording = Recording(),
) -> int:
    """Export every record of a query as typed tables, and publish them only if they are proved complete.

    After a crash or an interruption, the same command resumes the run.

    **Examples**

    - `datacite-etl export dois --sandbox --to out`
    - `datacite-etl export dois --filter client-id=nihnci.tcia --include client --to tcia --mailto you@example.org`
    - `datacite-etl export dois --since 2024 --until 2024 --format parquet --format csv --to year`
    - `datacite-etl export dois --filter client-id=nihnci.tcia --format delta --to s3://bucket/lake`

    Parameters
    ----------
    resource
        Resource to export: `dois`, `clients`, …; `datacite-etl resources` lists them.
    to
        Folder of the dataset, created if necessary, or `s3://bucket/folder` (also gs://, az://).
    """
    from etl.api.limits.rate_limit import allowance

    query = query_options.of_resource(resource)
    delivery = delivery_options.delivery()
    run_id = new_run()
    with (
        server.at(resource).settings(query.resource.dialect) as settings,
        recording.observing(run_id, display, rate=allowance(settings)) as observe,
    ):
        outcome = asyncio.run(_export(query, delivery, settings, to, observe, run_id=run_id))
    recording.keep({to: outcome.summary()})
    as_json(outcome.summary()) if display.json else print_result(outcome)
    return code(outcome, FIX)


FIX = "run the same command again to fetch what is missing, or add --allow-incomplete to publish without it"


def code(outcome: "RunOutcome", fix: str) -> int:
    """Return a run's exit code; if nothing was published, say why in one line, with its own fix or the usual one."""
    if outcome.published:
        return 0
    reasons = "; ".join(outcome.proof.reasons[:3]) or "incomplete"
    note(f"datacite-etl: {reasons}; nothing was published; {outcome.fix or fix}")
    return 3


async def _export(
    query: "Query", delivery: "Delivery", settings: "Settings", to: str, observe: "Observe", *, run_id: str
) -> "Outcome":
    from etl.runs.context import open_run
    from etl.runs.export.export import export as conduct

    files = destination(to)
    async with open_run(
        query, delivery, settings, files, owner=owner(), observe=observe, clock=time.time, run_id=run_id
    ) as run:
        return await conduct(run)


def print_result(outcome: "Outcome") -> None:
    """Print the result of a run for people."""
    summary = outcome.summary()
    rows = sum(summary["tables"].values())
    line(f"verdict   {summary['verdict']}")
    of = "" if summary["expected"] is None else f" of {summary['expected']:,}"
    line(f"records   {summary['unique']:,}{of} ({summary['resource']})")
    line(f"rows      {rows:,} in {counted(len(summary['tables']), 'table')}")
    line(f"requests  {requests(summary)}; {summary['seconds']:.1f} s")
    if summary["missing"]:
        line(f"missing   {listed(summary['missing'])}: counted by the API but not delivered")
    if summary["rejects"]:
        line(f"rejects   {summary['rejects']:,} in _etl/rejects: values that fit no column, and missing records")
    line(f"manifest  {summary['manifest']}")
