"""`datacite-etl ingest`: data files of DataCite, or kept records, into the tables of an export, without the API."""

import asyncio
import os
import time
import uuid
from typing import TYPE_CHECKING

from etl.cli.export import tell
from etl.cli.progress import progress
from etl.cli.show import as_json, note
from etl.options.asking import Showing, destination, path_of
from etl.options.delivering import Delivering
from etl.options.owner import owner

if TYPE_CHECKING:
    from etl.dataset.request import Delivery


def ingest(
    path: str,
    /,
    *,
    to: str,
    delivering: Delivering = Delivering(),
    threads: int | None = None,
    showing: Showing = Showing(),
) -> int:
    """Read a Public or Monthly Data File of DataCite into the same tables as `export dois --detail`.

    Checksums, missing parts and the file's own lists of DOIs are checked; `sync` goes on from what was ingested.

    A dataset, of whatever resource, that kept its records (`--keep-raw`, `--format ndjson`) is made again of them: the
    newest reception of each counts, and the verdict is the dataset's own if all its records are there. Tables of
    included and of withdrawn records, which no kept record is behind, are taken over from it.

    **Examples**

    - `datacite-etl ingest DataCite_Public_Data_File_2025.tar --to all`
    - `datacite-etl ingest dois/updated_2026-10 --to october`
    - `datacite-etl ingest out --to again --format csv`

    Parameters
    ----------
    path
        The data file: its tar, a folder (also `s3://bucket/folder`), or one `.jsonl.gz`; or the dataset.
    to
        Folder of the dataset, created if it is not there; or `s3://bucket/folder`.
    threads
        Parts of the file read at once; by default one a core.
    """
    from etl.runs.ingest import ingest as conductor

    delivery = checked(delivering, threads)
    with progress(quiet=showing.quiet, verbose=showing.verbose) as observe:
        ingesting = conductor.ingest(
            path_of(path),
            destination(to),
            delivery,
            owner=owner(),
            observe=observe,
            clock=time.time,
            run_id=uuid.uuid4().hex,
            threads=threads or os.cpu_count() or 1,
        )
        outcome = asyncio.run(ingesting)
    as_json(outcome.summary()) if showing.json else tell(outcome)
    if outcome.published:
        return 0
    reasons = "; ".join(outcome.proof.reasons[:3]) or "incomplete"
    note(
        f"datacite-etl: {reasons}; nothing was published, publish it as it is with --max-missing or --allow-incomplete"
    )
    return 3


def checked(delivering: Delivering, threads: int | None) -> "Delivery":
    """Return the wishes as a value; UsageError for one that an ingest cannot grant."""
    from etl.errors import UsageError

    delivery = delivering.delivery()
    if delivery.limit is not None or (threads is not None and threads < 1):
        raise UsageError("ingest takes no --limit, and --threads counts from 1", fix="leave them out")
    return delivery
