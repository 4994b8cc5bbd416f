"""`datacite-etl sync`: an exported dataset brought up to date."""

import asyncio
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.export import owner
from etl.cli.options import Showing, Talking
from etl.cli.progress import progress
from etl.cli.show import as_json, line, note
from etl.config import BASE_URL

if TYPE_CHECKING:
    from etl.config import Settings
    from etl.events import Observe
    from etl.query import Query
    from etl.run import Delivery
    from etl.sync import Wish
    from etl.synced import SyncOutcome

_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_FIX = "run the same command again"


def sync(
    destination: Path,
    /,
    *,
    overlap: str = "6h",
    every_id: Annotated[bool, Parameter(negative="")] = False,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    max_missing: int = 0,
    allow_incomplete: Annotated[bool, Parameter(negative="")] = False,
    talking: Talking = Talking(),
    showing: Showing = Showing(),
) -> int:
    """Bring an exported dataset up to date: new, changed and withdrawn records.

    Query, formats and partitions are those of the export. Records that changed since then are fetched and replaced
    whole; counts by time of creation, and ids where they differ, tell what has left. The result equals a fresh export.
    A run that crashed or was interrupted is resumed by the same command.

    Examples
    --------
    - `datacite-etl sync out`
    - `datacite-etl sync out --overlap 2d --json`

    Parameters
    ----------
    destination
        Folder of the dataset.
    overlap
        How far before the last run's end of knowledge to look again, because the API's index lags behind: 90m, 6h, 2d.
    every_id
        Compare the ids of all records, also where the counts agree.
    fresh
        Throw away the unfinished work that lies there.
    max_missing
        Publish although up to this many records are missing, if each of them is named.
    allow_incomplete
        Publish whatever came. The verdict stays `incomplete`.
    """
    from etl import recall
    from etl.files import LocalFiles
    from etl.store import published_manifest
    from etl.sync import PURPOSE, Wish

    proof = published_manifest(LocalFiles(destination))
    query = recall.query(proof)
    delivery = replace(
        recall.delivery(proof, PURPOSE, keep_raw=(destination / "_etl" / "raw").exists()),
        fresh=fresh,
        max_missing=max_missing,
        allow_incomplete=allow_incomplete,
    )
    wish = Wish(overlap=seconds(overlap), every_id=every_id)
    there = talking.base_url if talking.base_url != BASE_URL else proof["base_url"]
    asking = replace(talking, base_url=there)
    with asking.settings(query.resource.dialect) as settings, progress(quiet=showing.quiet) as observe:
        outcome = asyncio.run(_sync(query, delivery, settings, destination, wish, observe=observe))
    as_json(outcome.summary()) if showing.json else _tell(outcome)
    if outcome.published:
        return 0
    note(f"datacite-etl: {'; '.join(outcome.proof['reasons'][:3]) or 'incomplete'}; nothing was published, {_FIX}")
    return 3


def seconds(text: str) -> int:
    """Read 90m, 6h or 2d; UsageError for anything else."""
    from etl.errors import UsageError

    found = re.fullmatch(r"(\d+)([mhd])", text.strip())
    if not found:
        raise UsageError(f"--overlap {text!r} is no length of time", fix="write it as 90m, 6h or 2d")
    return int(found[1]) * _SECONDS[found[2]]


async def _sync(
    query: "Query", delivery: "Delivery", settings: "Settings", to: Path, wish: "Wish", *, observe: "Observe"
) -> "SyncOutcome":
    from etl.files import LocalFiles
    from etl.run import opened
    from etl.sync import sync as conduct

    files = LocalFiles(to)
    async with opened(query, delivery, settings, files, owner=owner(), observe=observe, clock=time.time) as run:
        return await conduct(run, wish)


def _tell(outcome: "SyncOutcome") -> None:
    summary = outcome.summary()
    line(f"verdict   {summary['verdict']}")
    line(f"records   {summary['unique']:,} of {summary['expected']:,} ({summary['resource']})")
    line(f"changes   {summary['added']:,} added, {summary['changed']:,} changed, {summary['withdrawn']:,} withdrawn")
    line(f"requests  {summary['requests']:,}, {summary['retries']:,} of them again; {summary['seconds']:.1f} s")
    line(f"proof     {summary['manifest']}")
