"""`datacite-etl sync`: an exported dataset brought up to date."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from etl.cli.export import code, owner
from etl.cli.options import Showing, Talking, destination
from etl.cli.recording import Recording, new_run
from etl.cli.show import as_json, line, note
from etl.config import loopback

if TYPE_CHECKING:
    from etl.config import Settings
    from etl.declare import Json
    from etl.events import Observe
    from etl.query import Query
    from etl.run import Delivery, Run
    from etl.step import Step
    from etl.sync import Wish
    from etl.synced import SyncOutcome

SYNCING = Group("How to bring it up to date", sort_key=2)
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_FIX = "run the same command again"


@Parameter(name="*", group=SYNCING)
@dataclass(frozen=True, kw_only=True)
class Syncing:
    """What is looked at, and what may be published."""

    metrics: Annotated[bool, Parameter(negative="")] = False
    """Refresh the counts of views, downloads, citations and the like, and nothing else: they move without `updated`."""

    overlap: str = "6h"
    """How far before the end of what is known to look again, because the API's index lags behind: 90m, 6h, 2d."""

    every_id: Annotated[bool, Parameter(negative="")] = False
    """Compare the ids of all records, also where the counts agree."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Throw away the unfinished work that lies in the destination."""

    max_missing: int = 0
    """Publish although up to this many records are missing, if each of them is named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever came. The verdict stays `incomplete`."""

    def delivery(self, proof: "Mapping[str, Json]", *, keep_raw: bool) -> "Delivery":
        """Return how a dataset's records are to be written: as they were."""
        from etl import metrics, recall, sync

        purpose = metrics.PURPOSE if self.metrics else sync.PURPOSE
        return replace(
            recall.delivery(proof, purpose, keep_raw=keep_raw),
            fresh=self.fresh,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
        )

    def wish(self) -> "Wish":
        """Return how to look; UsageError for an overlap that is no length of time, or less than none missing."""
        from etl.errors import UsageError
        from etl.sync import Wish

        if self.max_missing < 0:
            raise UsageError("--max-missing counts from 0", fix="give a number in that range")
        found = re.fullmatch(r"(\d+)([mhd])", self.overlap.strip())
        if not found:
            raise UsageError(f"--overlap {self.overlap!r} is no length of time", fix="write it as 90m, 6h or 2d")
        return Wish(overlap=int(found[1]) * _SECONDS[found[2]], every_id=self.every_id)


def sync(
    dataset: str,
    /,
    *,
    syncing: Syncing = Syncing(),
    talking: Talking = Talking(),
    showing: Showing = Showing(),
    recording: Recording = Recording(),
) -> int:
    """Bring an exported dataset up to date: new, changed and withdrawn records.

    Query, formats and partitions are those of the export, and so is the server if none is named. Records that changed
    since then are fetched and replaced whole; counts by time of creation, and ids where they differ, tell what has
    left. The result equals a fresh export. A run that crashed or was interrupted is resumed by the same command.

    **Examples**

    - `datacite-etl sync out`
    - `datacite-etl sync out --overlap 2d --json`
    - `datacite-etl sync out --metrics`

    Parameters
    ----------
    dataset
        Folder or `s3://` address of the dataset.
    """
    from etl.budget import allowance

    wish, run_id = syncing.wish(), new_run()
    proof, query, delivery = recalled(dataset, syncing)
    with (
        at_home(talking, proof).settings(query.resource.dialect) as settings,
        recording.observing(run_id, showing, rate=allowance(settings)) as observe,
    ):
        outcome = asyncio.run(_sync(query, delivery, settings, dataset, wish, observe=observe, run_id=run_id))
    recording.keep({dataset: outcome.summary()})
    as_json(outcome.summary()) if showing.json else _tell(outcome)
    return code(outcome.proof, _FIX, published=outcome.published)


def recalled(where: str, syncing: Syncing) -> "tuple[Mapping[str, Json], Query, Delivery]":
    """Return a dataset's manifest, the query that it answers, and how its records are to be written."""
    from etl import places, recall
    from etl.store import published_manifest

    files = destination(where)
    proof = published_manifest(files)
    return proof, recall.query(proof), syncing.delivery(proof, keep_raw=files.exists(places.RAW))


def at_home(talking: Talking, proof: "Mapping[str, Json]") -> Talking:
    """Return the options with the server that the dataset came from, unless another one is named."""
    home = str(proof["base_url"])
    if not (talking.base_url or talking.sandbox) and loopback(urlsplit(home).hostname or ""):
        note(f"this dataset came from {home}, on this machine; if that was the sandbox, say --sandbox again")
    return talking.home(home)


async def conducted(run: "Run", wish: "Wish", step: "Step | None" = None) -> "SyncOutcome":
    """Do what the run's delivery is for: refresh counts, or bring everything up to date."""
    from etl import metrics
    from etl.step import directly
    from etl.sync import sync as conduct

    if run.delivery.purpose == metrics.PURPOSE:
        return await metrics.refresh(run, step or directly)
    return await conduct(run, wish, step or directly)


async def _sync(
    query: "Query",
    delivery: "Delivery",
    settings: "Settings",
    to: str,
    wish: "Wish",
    *,
    observe: "Observe",
    run_id: str,
) -> "SyncOutcome":
    from etl.run import opened

    async with opened(
        query, delivery, settings, destination(to), owner=owner(), observe=observe, clock=time.time, run_id=run_id
    ) as run:
        return await conducted(run, wish)


def _tell(outcome: "SyncOutcome") -> None:
    summary = outcome.summary()
    line(f"verdict   {summary['verdict']}")
    line(f"records   {summary['unique']:,} of {summary['expected']:,} ({summary['resource']})")
    line(f"changes   {summary['added']:,} added, {summary['changed']:,} changed, {summary['withdrawn']:,} withdrawn")
    line(f"requests  {summary['requests']:,}, {summary['retries']:,} of them again; {summary['seconds']:.1f} s")
    line(f"proof     {summary['manifest']}")
