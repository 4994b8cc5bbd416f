"""`datacite-etl ingest`: turn data files or kept records into the tables of an export, without the API."""

import asyncio
import os
import time
import uuid
from typing import TYPE_CHECKING

from etl.cli.export import code, print_result
from etl.cli.progress import progress
from etl.cli.show import as_json, note
from etl.options.arguments import destination, path_of
from etl.options.delivery import DeliveryOptions
from etl.options.display import DisplayOptions
from etl.options.owner import owner

if TYPE_CHECKING:
    from etl.dataset.request import Delivery


def ingest(
    path: str,
    /,
    *,
    to: str,
    delivery_options: DeliveryOptions = DeliveryOptions(),
    threads: int | None = None,
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Read a Public or Monthly Data File of DataCite into the same tables as `export dois --detail`.

    Sizes, checksums, missing parts and the file's own lists of DOIs are checked; `sync` continues from a complete
    one. Without a MANIFEST for several months, or the list of a month, the result is a `sample`.

    A dataset of any resource that kept its records (`--keep-raw`, `--format ndjson`) can be rebuilt from them. The
    newest version of each record counts, and the dataset's verdict is kept if all its records are there. Tables of
    included and withdrawn records are copied from the dataset.

    **Examples**

    - `datacite-etl ingest DataCite_Public_Data_File_2025.tar --to all`
    - `datacite-etl ingest dois/updated_2026-10 --to october`
    - `datacite-etl ingest out --to again --format csv`

    Parameters
    ----------
    path
        Data file (a tar, a folder, `s3://bucket/folder`, or one `.jsonl.gz`), or dataset.
    to
        Folder of the dataset, created if necessary, or `s3://bucket/folder` (also gs://, az://).
    threads
        Number of parts to read at once; by default one per core.
    """
    from etl.runs.ingest import ingest as conductor

    delivery = checked(delivery_options, threads)
    with progress(quiet=display.quiet, verbose=display.verbose) as observe:
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
    as_json(outcome.summary()) if display.json else print_result(outcome)
    for reason in outcome.proof.reasons if outcome.published else ():
        note(f"note: {reason}")
    return code(outcome, "add --max-missing or --allow-incomplete to publish it")


def checked(delivery_options: DeliveryOptions, threads: int | None) -> "Delivery":
    """Return the Delivery; UsageError for options that do not apply to an ingest."""
    from etl.errors import UsageError

    delivery = delivery_options.delivery()
    if delivery.limit is not None or (threads is not None and threads < 1):
        raise UsageError("ingest takes no --limit, and --threads must be at least 1", fix="remove them")
    return delivery
