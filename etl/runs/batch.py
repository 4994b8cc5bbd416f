"""Run many exports and syncs concurrently: with shared limits, and one result per entry.

An entry that fails does not stop the others. The shell decides what an entry is, and from which file it is read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from etl import resources
from etl.api import document
from etl.api.client import Client, connect
from etl.api.limits.rate_limit import SharedLimits
from etl.api.query import Query, check
from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.errors import EtlError, IncompleteError, StoreError, UsageError
from etl.events import Observe
from etl.runs.context import Clock, Run, open_run
from etl.schema.declarations import Json
from etl.settings import Settings
from etl.steps import Step, directly
from etl.storage.files import Files
from etl.storage.lock import Owner

_BY_SEVERITY = (0, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWork:
    """The work of an entry: `conduct` conducts its run."""

    query: Query
    delivery: Delivery
    settings: Settings
    conduct: Callable[[Run], Awaitable["RunOutcome"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEntry:
    """One export or sync of a batch, named for its users; `work` is called when its turn comes."""

    name: str
    files: Files
    work: Callable[[], EntryWork]
    run_id: str = ""


class RunOutcome(Protocol):
    """The outcome of a run, whatever its kind."""

    @property
    def proof(self) -> Manifest:
        """The manifest."""

    @property
    def published(self) -> bool:
        """Whether the dataset is now the one that the manifest describes."""

    @property
    def fix(self) -> str:
        """What has to be done, if something else than to run it again."""

    def summary(self) -> dict[str, Json]:
        """What `--json` prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryResult:
    """The result of an entry: an outcome or an error."""

    name: str
    outcome: RunOutcome | None = None
    error: EtlError | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of the entry as a command of its own."""
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.outcome is not None and self.outcome.published else IncompleteError.exit_code

    @property
    def verdict(self) -> str:
        """The verdict of the run, `failed` if there is none."""
        return "failed" if self.outcome is None else self.outcome.proof.verdict.value

    def summary(self) -> dict[str, Json]:
        """Return the result as JSON values: the summary of the run, or the error and its fix."""
        head: dict[str, Json] = {"name": self.name, "exit_code": self.exit_code}
        if self.error is not None:
            return head | {"verdict": self.verdict, "error": self.error.message, "fix": self.error.fix}
        return head | (self.outcome.summary() if self.outcome is not None else {})


def worst(codes: Sequence[int]) -> int:
    """Return the most severe exit code: a failure, then a usage error, then anything incomplete."""
    return max(codes, key=_BY_SEVERITY.index, default=0)


async def clients_of(settings: Settings, filters: Mapping[str, str], together: SharedLimits) -> list[str]:
    """Fetch the ids of all clients of a provider or consortium, in order.

    UsageError if there are none, IncompleteError if some are missing.
    """
    query = check(Query(resource=resources.load("clients"), filters=tuple(filters.items())))
    async with connect(settings, together=together) as client:
        ids, total = await _ids(client, query)
    filtered = ", ".join(f"{name}={value}" for name, value in filters.items())
    if total == 0:
        raise UsageError(f"no client has {filtered}", fix="check it with `datacite-etl plan clients --filter ...`")
    if len(ids) != total:
        raise IncompleteError(f"{len(ids):,} of {total:,} clients with {filtered} arrived", fix="run it again")
    return sorted(ids)


async def _ids(client: Client, query: Query) -> tuple[set[str], int]:
    ids: set[str] = set()
    total = 0
    async for page in client.pages(query):
        ids.update(filter(None, (document.id_of(record) for record in page.document.records)))
        total = page.total
    return ids, total


async def run_entries(
    entries: Sequence[BatchEntry],
    together: SharedLimits,
    *,
    side_by_side: int,
    owner: Owner,
    observe: Callable[[BatchEntry], Observe],
    clock: Clock,
    report: Callable[[EntryResult], None],
    step: Step = directly,
) -> list[EntryResult]:
    """Run all entries as steps, `side_by_side` at once, report each result, and return all in order."""
    slots = asyncio.Semaphore(side_by_side)

    async def run_entry(entry: BatchEntry) -> RunOutcome:
        work = entry.work()
        async with open_run(
            work.query,
            work.delivery,
            work.settings,
            entry.files,
            owner=owner,
            observe=observe(entry),
            run_id=entry.run_id,
            clock=clock,
            together=together,
        ) as run:
            return await work.conduct(run)

    async def finish(entry: BatchEntry) -> EntryResult:
        async with slots:
            try:
                result = EntryResult(name=entry.name, outcome=await step(f"entry {entry.name}", run_entry, entry))
            except EtlError as error:
                result = EntryResult(name=entry.name, error=error)
            except OSError as error:
                result = EntryResult(name=entry.name, error=_unwritable(error))
        report(result)
        return result

    return list(await asyncio.gather(*(finish(entry) for entry in entries)))


def _unwritable(error: OSError) -> StoreError:
    return StoreError(str(error), fix="check the path and the free space")


def at_root(settings: Settings, dialect: str, *, sandbox: bool) -> Settings:
    """Return the settings for a dialect: the sandbox serves v1.1 under `/v1`."""
    if sandbox and dialect == "v1":
        return replace(settings, base_url=f"{settings.base_url}/v1")
    return settings
