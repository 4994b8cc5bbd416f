"""`datacite-etl verify`: check a dataset against its manifest, and its totals against the API."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.show import as_json, line, note
from etl.events import counted
from etl.options.arguments import destination
from etl.options.display import DisplayOptions
from etl.options.server import ServerOptions
from etl.options.sync import at_origin

if TYPE_CHECKING:
    from etl.dataset.verify import Verification
    from etl.runs.remote_totals import RemoteTotals

MOST = 20
"""Number of slices to name on the screen; `--json` has all of them."""


def verify(
    dataset: str,
    /,
    *,
    remote: Annotated[bool, Parameter(negative="")] = False,
    strict: Annotated[bool, Parameter(negative="")] = False,
    server: ServerOptions = ServerOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Check every file of a dataset against its manifest: rows, hashes, keys, unexpected files.

    **Examples**

    - `datacite-etl verify out`
    - `datacite-etl verify out --json`
    - `datacite-etl verify out --remote`

    Parameters
    ----------
    dataset
        Folder or `s3://` URL of the dataset.
    remote
        Also compare the totals of each slice with the API. A difference is not damage: `sync` fetches it.
    strict
        With --remote, exit with code 3 if the totals differ.
    """
    from etl.dataset import verify as conductor
    from etl.errors import UsageError

    if strict and not remote:
        raise UsageError("--strict needs --remote", fix="add --remote, or leave it out")
    checked = conductor.verify(destination(dataset))
    today = _today(dataset, server) if remote else None
    if display.json:
        remote_facts = {} if today is None else {"remote": {**asdict(today), "same": today.same}}
        as_json({**asdict(checked), "ok": checked.ok, **remote_facts})
    else:
        _tell(checked, today)
    if not checked.ok:
        wrong = counted(len(checked.findings), "finding")
        note(f"datacite-etl: {wrong}; export again with --fresh, or restore the files")
        return 1
    if strict and today is not None and not today.same:
        note("datacite-etl: the API has other totals than the dataset; run datacite-etl sync")
        return 3
    return 0


def _tell(checked: "Verification", today: "RemoteTotals | None") -> None:
    held = f"{counted(checked.files, 'file')}, {counted(checked.rows, 'row')}"
    line(f"{'sound' if checked.ok else 'damaged'}: {held}, verdict {checked.verdict}")
    for finding in checked.findings:
        line(f"  {finding.path} {finding.problem}")
    if today is None:
        return
    slices = counted(len(today.moved), "slice")
    line(f"{today.held:,} records here, {today.today:,} in the API now; different totals in {slices}")
    for moved in today.moved[:MOST]:
        line(f"  slice {moved.key}: {moved.held:,} here, {moved.today:,} in the API")


def _today(dataset: str, server: ServerOptions) -> "RemoteTotals":
    from etl.api.client import connect
    from etl.dataset import request
    from etl.dataset.store import published_manifest
    from etl.runs import remote_totals as remote

    proof = published_manifest(destination(dataset))
    query = request.repeatable_query(proof)
    options = at_origin(server, proof, note)

    async def ask() -> "RemoteTotals":
        with options.settings(query.resource.dialect) as settings:
            async with connect(settings) as client:
                return await remote.compare(client, query, proof)

    return asyncio.run(ask())
