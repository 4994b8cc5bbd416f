"""`datacite-etl export`: the main job."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from etl.cli.options import Asking, Showing, Talking, destination
from etl.cli.recording import Recording, new_run
from etl.cli.show import as_json, line, note
from etl.events import counted, listed

if TYPE_CHECKING:
    from etl.config import Settings
    from etl.declare import Json
    from etl.events import Observe
    from etl.lock import Owner
    from etl.query import Query
    from etl.run import Delivery, Outcome

DELIVERING = Group("What to make of it", sort_key=2)


@Parameter(name="*", group=DELIVERING)
@dataclass(frozen=True, kw_only=True)
class Delivering:
    """What becomes of the records."""

    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",)
    """parquet (by default), csv, ndjson (records as received, a line each) or delta (Parquet with the log of a Delta
    table); may be repeated."""

    partition_by: str | None = None
    """Comma list of main-table columns that become folders; `none` for no partitions. By default the resource's own."""

    keep_raw: Annotated[bool, Parameter(negative="")] = False
    """Keep every record as received too, compressed, below `_etl/raw`: `ingest` makes the tables again of them."""

    limit: int | None = None
    """Fetch this many records only, as a sample: the verdict says so and proves nothing."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Throw away unfinished work in the destination, and replace a dataset of another request, or one whose manifest is
    damaged."""

    max_missing: int = 0
    """Publish although up to this many records are missing, if each of them is named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever came. The verdict stays `incomplete`."""

    def delivery(self) -> "Delivery":
        """Return the wishes as a value; UsageError for a number that cannot be."""
        from etl.errors import UsageError
        from etl.run import Delivery

        if (self.limit is not None and self.limit < 1) or self.max_missing < 0:
            raise UsageError("--limit counts from 1 and --max-missing from 0", fix="give a number in that range")
        names = None if self.partition_by is None else [name.strip() for name in self.partition_by.split(",")]
        return Delivery(
            formats=tuple(dict.fromkeys(name for text in self.format for name in text.split(","))),
            partition_by=None if names is None else () if names == ["none"] else tuple(filter(None, names)),
            keep_raw=self.keep_raw,
            limit=self.limit,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
            fresh=self.fresh,
        )


def export(
    resource: str,
    /,
    *,
    to: str,
    asking: Asking = Asking(),
    delivering: Delivering = Delivering(),
    talking: Talking = Talking(),
    showing: Showing = Showing(),
    recording: Recording = Recording(),
) -> int:
    """Export every record of a query as typed tables, and publish them only if they are proved complete.

    A run that crashed or was interrupted is resumed by the same command.

    **Examples**

    - `datacite-etl export dois --sandbox --to out`
    - `datacite-etl export dois --filter client-id=nihnci.tcia --include client --to tcia --mailto you@example.org`
    - `datacite-etl export dois --since 2024 --until 2024 --format parquet --format csv --to year`
    - `datacite-etl export dois --filter client-id=nihnci.tcia --format delta --to s3://bucket/lake`

    Parameters
    ----------
    resource
        What to export: `dois`, `clients`, ...; `datacite-etl resources` lists them.
    to
        Folder of the dataset, created if it is not there; or `s3://bucket/folder` (gs://, az://).
    """
    from etl.budget import allowance

    query = asking.of_resource(resource)
    delivery = delivering.delivery()
    run_id = new_run()
    with (
        talking.at(resource).settings(query.resource.dialect) as settings,
        recording.observing(run_id, showing, rate=allowance(settings)) as observe,
    ):
        outcome = asyncio.run(_export(query, delivery, settings, to, observe, run_id=run_id))
    recording.keep({to: outcome.summary()})
    as_json(outcome.summary()) if showing.json else tell(outcome)
    return code(outcome.proof, FIX, published=outcome.published)


FIX = "run the same command again to fetch what is missing, or publish it as it is with --allow-incomplete"


def code(proof: "Mapping[str, Json]", fix: str, *, published: bool) -> int:
    """Return a run's exit code; say in one line why nothing was published, if nothing was."""
    if published:
        return 0
    note(f"datacite-etl: {'; '.join(proof['reasons'][:3]) or 'incomplete'}; nothing was published, {fix}")
    return 3


async def _export(
    query: "Query", delivery: "Delivery", settings: "Settings", to: str, observe: "Observe", *, run_id: str
) -> "Outcome":
    from etl.export import export as conduct
    from etl.run import opened

    files = destination(to)
    async with opened(
        query, delivery, settings, files, owner=owner(), observe=observe, clock=time.time, run_id=run_id
    ) as run:
        return await conduct(run)


def owner() -> "Owner":
    """Say who this process is, for the lock of a destination."""
    from etl.lock import Owner, born

    pid = os.getpid()
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Owner(user=getuser(), host=socket.gethostname(), pid=pid, born=born(pid) or "unknown", started=started)


def tell(outcome: "Outcome") -> None:
    """Print how a run ended, for people."""
    summary = outcome.summary()
    rows = sum(summary["tables"].values())
    line(f"verdict   {summary['verdict']}")
    of = "" if summary["expected"] is None else f" of {summary['expected']:,}"
    line(f"records   {summary['unique']:,}{of} ({summary['resource']})")
    line(f"rows      {rows:,} in {counted(len(summary['tables']), 'table')}")
    line(f"requests  {summary['requests']:,}, {summary['retries']:,} of them again; {summary['seconds']:.1f} s")
    if summary["missing"]:
        line(f"missing   {listed(summary['missing'])}: counted by the API and not delivered")
    if summary["rejects"]:
        line(f"rejects   {summary['rejects']:,} in _etl/rejects: values that fit no column, records that did not come")
    line(f"proof     {summary['manifest']}")
