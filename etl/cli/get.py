"""`datacite-etl get`: fetch single records as JSON or tables."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.progress import progress
from etl.cli.show import as_json, as_received, note
from etl.options.arguments import path_of, utf8
from etl.options.display import DisplayOptions
from etl.options.server import ServerOptions

if TYPE_CHECKING:
    from etl.api.lookup import LookupResult
    from etl.events import Observe
    from etl.schema.declarations import Resource
    from etl.settings import Settings

_FIX = "check the spelling, or leave it out"


def get(
    resource: str,
    /,
    *ids: Annotated[str, Parameter(allow_leading_hyphen=True)],
    ids_from: str | None = None,
    to: str | None = None,
    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",),  # noqa: A002 (the option's name)
    server: ServerOptions = ServerOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Fetch single records by id, and print them as JSON, one per line, or write their tables.

    Unknown ids are named on stderr, and the exit code is then 3. If all are unknown, nothing is written.

    **Examples**

    - `datacite-etl get dois 10.7937/s17z-r072`
    - `datacite-etl get clients nihnci.tcia datacite.blog --json`
    - `cat dois.txt | datacite-etl get dois - --to found --format csv`

    Parameters
    ----------
    resource
        Resource to fetch from, `dois`, `clients`, …, or a pasted URL such as `/doi/10.7937/s17z-r072`.
    ids
        Ids, in upper or lower case; `-` reads them from stdin, one per line.
    ids_from
        File with ids, one per line: DOIs also as URLs or with `doi:`.
    to
        Folder for the tables, one file per table, instead of printing JSON.
    format
        parquet or csv; may be repeated.
    """
    from etl import resources
    from etl.api import pasted_url
    from etl.api.lookup import read_ids
    from etl.errors import UsageError
    from etl.storage import text_files

    if odd := [text for text in ids if text.startswith("-") and text != "-"]:
        raise UsageError(f"unknown option {odd[0]}", fix="see 'datacite-etl get --help'")
    place = pasted_url.read_url(resource) if pasted_url.is_address(resource) else pasted_url.Pasted(resource=resource)
    declared = resources.load(place.resource)
    wanted = [*place.ids, *(text for text in ids if text != "-")]
    wanted = [utf8(text) for text in wanted]
    wanted += read_ids(text_files.read_stream(sys.stdin, "stdin"), "stdin") if "-" in ids else []
    wanted += read_ids(text_files.read(Path(path_of(ids_from))), ids_from) if ids_from is not None else []
    if not wanted:
        raise UsageError("no ids are given", fix="give ids, `-` for stdin, or --ids-from FILE")
    with (
        server.at(resource).settings(declared.dialect) as settings,
        progress(quiet=display.quiet, verbose=display.verbose) as observe,
    ):
        got = asyncio.run(_get(declared, wanted, settings, observe))
    if to is not None and got.records:
        _write(declared, got, Path(path_of(to)), format)
    _tell(declared, got, json=display.json, printed=to is None)
    return 3 if got.missing else 0


async def _get(resource: "Resource", ids: list[str], settings: "Settings", observe: "Observe") -> "LookupResult":
    from etl.api import lookup
    from etl.api.client import connect

    async with connect(settings, observe) as client:
        return await lookup.get(client, resource, ids)


def _write(resource: "Resource", got: "LookupResult", to: Path, formats: tuple[str, ...]) -> None:
    from etl.runs import in_memory
    from etl.storage import formats as sinks
    from etl.storage.files import LocalFiles

    files = LocalFiles(to)
    for name, frame in in_memory.tables(resource, got.records).items():
        for sink in (sinks.load(form) for text in formats for form in text.split(",")):
            with files.create(f"{name}{sink.suffix}") as target:
                sink.write([frame], target, metadata={}, sorted_by=())


def _tell(resource: "Resource", got: "LookupResult", *, json: bool, printed: bool) -> None:
    import msgspec

    records = [msgspec.json.decode(record) for record in got.records]
    if json:
        facts = {"resource": resource.name, "found": len(records), "records": records, "missing": got.missing}
        as_json(facts | ({"fix": _FIX} if got.missing else {}))
    elif printed:
        for record in got.records:
            as_received(record)
    for missing, reason in got.missing.items():
        note(f"datacite-etl: {missing}: {reason}; {_FIX}")
