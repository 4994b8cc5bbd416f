"""`datacite-etl run`: many exports and syncs from one file."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.recording import Recording, lines, new_run
from etl.cli.show import as_json, columns, line, note
from etl.cli.sync import conducted
from etl.errors import UsageError
from etl.events import Event, Noted, Observe, Planned, Retried
from etl.options import job_file
from etl.options.asking import Harvesting, Showing, destination
from etl.options.job_file import Asked, JobFile
from etl.options.owner import owner
from etl.options.syncing import recalled

if TYPE_CHECKING:
    from etl.api.limits.rate_limit import SharedLimits
    from etl.runs.batch import Ended, Entry, Work
    from etl.schema.declarations import Json
    from etl.settings import Settings
    from etl.steps import Step

SIDE_BY_SIDE = 4
Told = Callable[["Ended"], None]


def run(
    file: Path,
    /,
    *,
    side_by_side: Annotated[int | None, Parameter(show_default=False)] = None,
    talking: Harvesting = Harvesting(),
    showing: Showing = Showing(),
    recording: Recording = Recording(),
) -> int:
    """Run many exports and syncs from one TOML file, concurrently, with fair shares of one rate limit.

    The file has a `[defaults]` table and an `[[export]]` or `[[sync]]` table per dataset. Keys are the options of that
    command; `to` is the folder. API options are in `[defaults]` or on the command line, which wins. An entry with
    `clients-of = {provider-id = "cern"}` (or `consortium-id`) stands for one entry per client, with `{client}` in `to`.
    The exit code is that of the worst entry. Running the command again resumes what is unfinished.

    **Examples**

    - `datacite-etl run consortium.toml --mailto you@example.org`
    - `datacite-etl run consortium.toml --json --quiet`

    Example of a file: `[defaults]`, `include = "client"`, `[[export]]`, `resource = "dois"`, `to = "out/{client}"`,
    `clients-of = {consortium-id = "dara"}`

    Parameters
    ----------
    file
        TOML file with the entries.
    side_by_side
        Number of concurrent entries; 4 by default.
    """
    found = job_file.read(file)
    found = replace(found, talking=over(found.talking, talking))
    with found.talking.settings() as settings:
        observe = _json if recording.log_format == "json" else _warnings if showing.quiet else _lines
        at_once = _positive(side_by_side or found.side_by_side or SIDE_BY_SIDE)
        told = _silent if showing.quiet or recording.log_format == "json" else _ended
        ended = asyncio.run(conduct(found, settings, side_by_side=at_once, observe=observe, told=told))
    summary = summarise(ended)
    recording.keep({one.name: one.summary() for one in ended})
    as_json(summary) if showing.json else _tell(ended)
    return int(summary["exit_code"])


async def conduct(
    found: JobFile,
    settings: "Settings",
    *,
    side_by_side: int,
    observe: Callable[["Entry"], Observe],
    told: Told,
    together: "SharedLimits | None" = None,
    step: "Step | None" = None,
) -> "list[Ended]":
    """Fill in the templates, check every entry, then do them all."""
    from etl.api.limits.rate_limit import shared_limits
    from etl.runs.batch import clients_of, many
    from etl.steps import directly

    together = together or shared_limits(settings)
    asked: list[Asked] = []
    for one in found.asked:
        clients = await clients_of(settings, one.clients_of, together) if one.clients_of else []
        asked += [one.of_client(client) for client in clients] if one.clients_of else [one]
    job_file.unique(asked)
    return await many(
        [_entry(one, settings, found.talking) for one in asked],
        together,
        side_by_side=side_by_side,
        owner=owner(),
        observe=observe,
        clock=time.time,
        told=told,
        step=step or directly,
    )


def over(file: Harvesting, given: Harvesting) -> Harvesting:
    """Return the options of the file with those that were given otherwise laid over them."""
    plain = Harvesting()
    if given.sandbox or given.base_url:
        file = replace(file, base_url="", sandbox=False, sandbox_options="")
    names = [field.name for field in fields(Harvesting) if getattr(given, field.name) != getattr(plain, field.name)]
    return replace(file, **{name: getattr(given, name) for name in names})


def summarise(ended: "Sequence[Ended]") -> "dict[str, Json]":
    """Return what `--json` prints: the exit code, how many entries ended how, and an object an entry."""
    from etl.runs.batch import worst

    verdicts = [one.verdict for one in ended]
    return {
        "exit_code": worst([one.exit_code for one in ended]),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "entries": [one.summary() for one in ended],
    }


def _entry(one: Asked, settings: "Settings", talking: Harvesting) -> "Entry":
    from etl.runs.batch import Entry

    try:
        work = _synced(one, settings, talking) if one.syncing else _exported(one, settings, sandbox=talking.sandbox)
    except UsageError as error:
        raise UsageError(f"{one.where}: {error.message}", fix=error.fix) from error
    return Entry(name=one.to, files=destination(one.to), work=work, run_id=new_run())


def _exported(one: Asked, settings: "Settings", *, sandbox: bool) -> "Callable[[], Work]":
    """Check an export whole before anything is fetched."""
    from etl.runs.batch import Work, at_root
    from etl.runs.context import claimed
    from etl.runs.export.export import export

    query, delivery = one.asking.of_resource(one.resource), one.delivering.delivery()
    own = at_root(settings, query.resource.dialect, sandbox=sandbox)
    claimed(query, delivery, own)
    return lambda: Work(query=query, delivery=delivery, settings=own, conduct=export)


def _synced(one: Asked, settings: "Settings", talking: Harvesting) -> "Callable[[], Work]":
    """Check what can be checked of a sync; the dataset says the rest when its turn comes."""
    from etl.runs.batch import Work, at_root

    assert one.syncing is not None
    syncing, wish = one.syncing, one.syncing.wish()

    def work() -> Work:
        proof, query, delivery = recalled(one.to, syncing)
        home = settings if talking.sandbox else replace(settings, base_url=talking.home(proof.base_url).root)
        own = at_root(home, query.resource.dialect, sandbox=talking.sandbox)
        return Work(query=query, delivery=delivery, settings=own, conduct=lambda run: conducted(run, wish))

    return work


def _json(entry: "Entry") -> Observe:
    return lines(entry.run_id, destination=entry.name)


def _lines(entry: "Entry") -> Observe:
    name = entry.name

    def observe(event: Event) -> None:
        match event:
            case Planned():
                note(f"{name}: {event}")
            case Retried():
                note(f"{name}: retry {event.attempt} in {event.delay:.1f} s: {event.reason}")
            case Noted():
                note(f"{name}: {event.text}")

    return observe


def _warnings(entry: "Entry") -> Observe:
    def observe(event: Event) -> None:
        if isinstance(event, Noted):
            note(f"{entry.name}: {event.text}")

    return observe


def _ended(ended: "Ended") -> None:
    note(f"{ended.name}: {ended.verdict}")


def _silent(ended: "Ended") -> None:
    del ended


def _tell(ended: "Sequence[Ended]") -> None:
    rows: list[tuple[str, ...]] = [("destination", "verdict", "records", "expected", "requests")]
    for one in ended:
        told = one.summary()
        numbers = (
            f"{told[name]:,}" if told.get(name) is not None else "" for name in ("unique", "expected", "requests")
        )
        rows.append((one.name, one.verdict, *numbers))
    columns(rows)
    for one in ended:
        if one.error is not None:
            note(f"datacite-etl: {one.name}: {one.error}")
        elif one.exit_code:
            note(f"datacite-etl: {one.name}: nothing was published; run it again to fetch what is missing")
    line(f"{sum(not one.exit_code for one in ended)} of {len(ended)} entries ended well")


def _positive(count: int) -> int:
    if count < 1:
        raise UsageError("--side-by-side must be at least 1", fix="give a positive number")
    return count
