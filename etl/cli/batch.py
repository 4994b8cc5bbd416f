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
from etl.events import Event, Noted, Observe, Planned, Retried, counted
from etl.options import job_file
from etl.options.arguments import destination
from etl.options.display import DisplayOptions
from etl.options.job_file import JobEntry, JobFile
from etl.options.owner import owner
from etl.options.server import FetchOptions
from etl.options.sync import recorded

if TYPE_CHECKING:
    from etl.api.limits.rate_limit import SharedLimits
    from etl.runs.batch import BatchEntry, EntryResult, EntryWork
    from etl.schema.declarations import Json
    from etl.settings import Settings
    from etl.steps import Step

SIDE_BY_SIDE = 4
Report = Callable[["EntryResult"], None]


def run(
    file: Path,
    /,
    *,
    side_by_side: Annotated[int | None, Parameter(show_default=False)] = None,
    server: FetchOptions = FetchOptions(),
    display: DisplayOptions = DisplayOptions(),
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
    jobs = job_file.read_job_file(file)
    jobs = replace(jobs, server=override(jobs.server, server))
    with jobs.server.settings() as settings:
        observe = _json if recording.log_format == "json" else _warnings if display.quiet else _lines
        at_once = _positive(side_by_side or jobs.side_by_side or SIDE_BY_SIDE)
        report = _silent if display.quiet or recording.log_format == "json" else _ended
        ended = asyncio.run(conduct(jobs, settings, side_by_side=at_once, observe=observe, report=report))
    summary = summarise(ended)
    recording.keep({entry.name: entry.summary() for entry in ended})
    as_json(summary) if display.json else _tell(ended)
    return int(summary["exit_code"])


async def conduct(
    jobs: JobFile,
    settings: "Settings",
    *,
    side_by_side: int,
    observe: Callable[["BatchEntry"], Observe],
    report: Report,
    together: "SharedLimits | None" = None,
    step: "Step | None" = None,
) -> "list[EntryResult]":
    """Fill in the templates, check every entry, then run them all."""
    from etl.api.limits.rate_limit import shared_limits
    from etl.runs.batch import clients_of, run_entries
    from etl.steps import directly

    together = together or shared_limits(settings)
    entries: list[JobEntry] = []
    for entry in jobs.entries:
        clients = await clients_of(settings, entry.clients_of, together) if entry.clients_of else []
        entries += [entry.of_client(client) for client in clients] if entry.clients_of else [entry]
    job_file.check_unique(entries)
    return await run_entries(
        [_entry(entry, settings, jobs.server) for entry in entries],
        together,
        side_by_side=side_by_side,
        owner=owner(),
        observe=observe,
        clock=time.time,
        report=report,
        step=step or directly,
    )


def override(file: FetchOptions, given: FetchOptions) -> FetchOptions:
    """Return the options of the file, overridden by those on the command line."""
    plain = FetchOptions()
    if given.sandbox or given.base_url:
        file = replace(file, base_url="", sandbox=False, sandbox_options="")
    names = [field.name for field in fields(FetchOptions) if getattr(given, field.name) != getattr(plain, field.name)]
    return replace(file, **{name: getattr(given, name) for name in names})


def summarise(ended: "Sequence[EntryResult]") -> "dict[str, Json]":
    """Return what `--json` prints: the exit code, the numbers of verdicts, and one object per entry."""
    from etl.runs.batch import worst

    verdicts = [entry.verdict for entry in ended]
    return {
        "exit_code": worst([entry.exit_code for entry in ended]),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "entries": [entry.summary() for entry in ended],
    }


def _entry(entry: JobEntry, settings: "Settings", server: FetchOptions) -> "BatchEntry":
    from etl.runs.batch import BatchEntry

    try:
        work = (
            _synced(entry, settings, server)
            if entry.sync_options
            else _exported(entry, settings, sandbox=server.sandbox)
        )
    except UsageError as error:
        raise UsageError(f"{entry.where}: {error.message}", fix=error.fix) from error
    return BatchEntry(name=entry.to, files=destination(entry.to), work=work, run_id=new_run())


def _exported(entry: JobEntry, settings: "Settings", *, sandbox: bool) -> "Callable[[], EntryWork]":
    """Check an export completely before anything is fetched."""
    from etl.runs.batch import EntryWork, at_root
    from etl.runs.context import claim_of
    from etl.runs.export.export import export

    query, delivery = entry.query_options.of_resource(entry.resource), entry.delivery_options.delivery()
    own = at_root(settings, query.resource.dialect, sandbox=sandbox)
    claim_of(query, delivery, own)
    return lambda: EntryWork(query=query, delivery=delivery, settings=own, conduct=export)


def _synced(entry: JobEntry, settings: "Settings", server: FetchOptions) -> "Callable[[], EntryWork]":
    """Check the options of a sync; its dataset is read when its turn comes."""
    from etl.runs.batch import EntryWork, at_root

    assert entry.sync_options is not None
    sync_options, scope = entry.sync_options, entry.sync_options.scope()

    def work() -> EntryWork:
        proof, query, delivery = recorded(entry.to, sync_options)
        home = settings if server.sandbox else replace(settings, base_url=server.home(proof.base_url).root)
        own = at_root(home, query.resource.dialect, sandbox=server.sandbox)
        return EntryWork(query=query, delivery=delivery, settings=own, conduct=lambda run: conducted(run, scope))

    return work


def _json(entry: "BatchEntry") -> Observe:
    return lines(entry.run_id, destination=entry.name)


def _lines(entry: "BatchEntry") -> Observe:
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


def _warnings(entry: "BatchEntry") -> Observe:
    def observe(event: Event) -> None:
        if isinstance(event, Noted):
            note(f"{entry.name}: {event.text}")

    return observe


def _ended(ended: "EntryResult") -> None:
    note(f"{ended.name}: {ended.verdict}")


def _silent(ended: "EntryResult") -> None:
    del ended


def _tell(ended: "Sequence[EntryResult]") -> None:
    rows: list[tuple[str, ...]] = [("destination", "verdict", "records", "expected", "requests")]
    for entry in ended:
        facts = entry.summary()
        numbers = (
            f"{facts[name]:,}" if facts.get(name) is not None else "" for name in ("unique", "expected", "requests")
        )
        rows.append((entry.name, entry.verdict, *numbers))
    columns(rows)
    for entry in ended:
        if entry.error is not None:
            note(f"datacite-etl: {entry.name}: {entry.error}")
        elif entry.exit_code:
            note(f"datacite-etl: {entry.name}: {_why(entry)}")
    line(f"{sum(not entry.exit_code for entry in ended)} of {counted(len(ended), 'entry')} succeeded")


def _why(entry: "EntryResult") -> str:
    """Say why an entry published nothing, and what to do."""
    assert entry.outcome is not None
    fix = entry.outcome.fix or "run it again to fetch what is missing"
    return "; ".join([*entry.outcome.proof.reasons[:3], "nothing was published", fix])


def _positive(count: int) -> int:
    if count < 1:
        raise UsageError("--side-by-side must be at least 1", fix="give a positive number")
    return count
