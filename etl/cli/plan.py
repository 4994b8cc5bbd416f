"""`datacite-etl plan`: estimate an export from counts."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from etl.cli.progress import progress
from etl.cli.show import as_json, columns, line
from etl.events import counted
from etl.options.display import DisplayOptions
from etl.options.query import QueryOptions
from etl.options.server import FetchOptions

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.completeness.slices import Plan
    from etl.events import Observe
    from etl.schema.declarations import Json
    from etl.settings import Settings

RECORD_BYTES = 1_500
"""Size of a record in Parquet with all its tables, measured with list records of 5 KB."""
DATA_FILE_FROM = 5_000_000
"""Number of records from which DataCite's data file is faster and easier on the API (api-notes 8)."""


def plan(
    resource: str,
    /,
    *,
    query_options: QueryOptions = QueryOptions(),
    server: FetchOptions = FetchOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Estimate an export from counts: slices, records, requests, minutes and size. Downloads no records.

    **Examples**

    - `datacite-etl plan dois --sandbox`
    - `datacite-etl plan dois --filter provider-id=cern --mailto you@example.org`

    Parameters
    ----------
    resource
        Resource to export; `datacite-etl resources` lists them.
    """
    query = query_options.of_resource(resource)
    with (
        server.at(resource).settings(query.resource.dialect) as settings,
        progress(quiet=display.quiet, verbose=display.verbose) as observe,
    ):
        planned = asyncio.run(_count(query, settings, observe))
        estimated = estimate(query, planned, settings)
    as_json(estimated) if display.json else _tell(estimated)
    return 0


async def _count(query: "Query", settings: "Settings", observe: "Observe") -> "Plan":
    from etl.api.client import connect
    from etl.completeness import slices

    year = datetime.fromtimestamp(time.time(), UTC).year
    async with connect(settings, observe) as client:
        return await slices.plan(query, partial(client.count, query), partial(client.moment, query), year=year)


def estimate(query: "Query", planned: "Plan", settings: "Settings") -> "dict[str, Json]":
    """Estimate an export by this plan; minutes are the waiting time that the rate limit requires."""
    from etl.api.limits.rate_limit import allowance
    from etl.api.query import joined_by_or
    from etl.settings import WINDOW_SECONDS

    requests = planned.requests(query.page_size)
    waits = max(0, -(-requests // allowance(settings)) - 1)
    return {
        "resource": query.resource.name,
        "records": planned.total,
        "requests": requests,
        "rate": allowance(settings),
        "minutes": waits * WINDOW_SECONDS / 60,
        "bytes": planned.total * RECORD_BYTES,
        "slices": [
            {"key": piece.key, "window": str(piece.window), "expected": piece.expected, "part": part.key}
            for part in planned.parts
            for piece in part.slices
        ],
        "joined_by_or": joined_by_or(query),
        "advice": _advice(query, planned),
    }


def _advice(query: "Query", planned: "Plan") -> str:
    if query.resource.name != "dois" or planned.total < DATA_FILE_FROM:
        return ""
    return (
        "For this many records, DataCite's Public Data File is faster and easier on the API: read it with "
        "`datacite-etl ingest`, then bring the dataset up to date with `datacite-etl sync`."
    )


def _tell(estimated: "dict[str, Json]") -> None:
    rows = [("slice", "window", "records")]
    rows += [(part["key"], part["window"], f"{part['expected']:,}") for part in estimated["slices"]]
    columns(rows)
    line("")
    line(f"records   {estimated['records']:,} in {counted(len(estimated['slices']), 'slice')}")
    line(f"requests  {estimated['requests']:,} at {estimated['rate']:,} per 5 minutes")
    line(f"time      at least {counted(round(estimated['minutes']), 'minute')} because of the rate limit")
    line(f"size      about {estimated['bytes'] / 1e6:,.1f} MB as Parquet")
    if estimated["joined_by_or"]:
        line(f"note      the API joins {' and '.join(estimated['joined_by_or'])} by OR, not by AND")
    if estimated["advice"]:
        line(estimated["advice"])
