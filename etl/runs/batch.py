"""The conductor of many exports and syncs side by side: fair shares of one budget, and one account of how each ended.

An entry that fails does not stop the others. What an entry is, and which file it was read from, is the shell's matter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from etl import resources
from etl.api import document
from etl.api.client import Client, connected
from etl.api.limits.rate_limit import SharedLimits
from etl.api.query import Query, check
from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.errors import EtlError, IncompleteError, StoreError, UsageError
from etl.events import Observe
from etl.runs.context import Clock, Run, opened
from etl.schema.declarations import Json
from etl.settings import Settings
from etl.steps import Step, directly
from etl.storage.files import Files
from etl.storage.lock import Owner

_FROM_GOOD_TO_BAD = (0, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an entry does: `conduct` is the conductor of its run."""

    query: Query
    delivery: Delivery
    settings: Settings
    conduct: Callable[[Run], Awaitable["Ending"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of many exports and syncs; `name` is what people know it by, `work` is asked for when its turn comes."""

    name: str
    files: Files
    work: Callable[[], Work]
    run_id: str = ""


class Ending(Protocol):
    """How a run ended, whichever conductor it had."""

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
class Ended:
    """How an entry ended: with an outcome or with an error."""

    name: str
    outcome: Ending | None = None
    error: EtlError | None = None

    @property
    def exit_code(self) -> int:
        """The exit code that the entry would have had as a command of its own."""
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.outcome is not None and self.outcome.published else IncompleteError.exit_code

    @property
    def verdict(self) -> str:
        """The verdict of the run, `failed` if it did not come to one."""
        return "failed" if self.outcome is None else self.outcome.proof.verdict.value

    def summary(self) -> dict[str, Json]:
        """Return the entry as plain values: the summary of its run, or its error and what mends it."""
        head: dict[str, Json] = {"name": self.name, "exit_code": self.exit_code}
        if self.error is not None:
            return head | {"verdict": self.verdict, "error": self.error.message, "fix": self.error.fix}
        return head | (self.outcome.summary() if self.outcome is not None else {})


def worst(codes: Sequence[int]) -> int:
    """Return the exit code that tells most: a failure before a usage error, that before anything incomplete."""
    return max(codes, key=_FROM_GOOD_TO_BAD.index, default=0)


async def clients_of(settings: Settings, filters: Mapping[str, str], together: SharedLimits) -> list[str]:
    """Fetch the ids of all clients of a provider or consortium, in order.

    UsageError if there are none, IncompleteError if some are missing.
    """
    asked = check(Query(resource=resources.load("clients"), filters=tuple(filters.items())))
    async with connected(settings, together=together) as client:
        ids, total = await _ids(client, asked)
    filtered = ", ".join(f"{name}={value}" for name, value in filters.items())
    if total == 0:
        raise UsageError(f"no client has {filtered}", fix="check it with `datacite-etl plan clients --filter ...`")
    if len(ids) != total:
        raise IncompleteError(f"{len(ids):,} of {total:,} clients with {filtered} arrived", fix="run it again")
    return sorted(ids)


async def _ids(client: Client, asked: Query) -> tuple[set[str], int]:
    ids: set[str] = set()
    total = 0
    async for page in client.pages(asked):
        ids.update(filter(None, (document.id_of(record) for record in page.document.records)))
        total = page.total
    return ids, total


async def many(
    entries: Sequence[Entry],
    together: SharedLimits,
    *,
    side_by_side: int,
    owner: Owner,
    observe: Callable[[Entry], Observe],
    clock: Clock,
    report: Callable[[Ended], None],
    step: Step = directly,
) -> list[Ended]:
    """Run all entries, at most `side_by_side` at once, and return how they ended, in order.

    `step` takes each entry as a step, given its name; `report` is called when an entry ends.
    """
    places = asyncio.Semaphore(side_by_side)

    async def run_entry(entry: Entry) -> Ending:
        work = entry.work()
        async with opened(
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

    async def ended(entry: Entry) -> Ended:
        async with places:
            try:
                result = Ended(name=entry.name, outcome=await step(f"entry {entry.name}", run_entry, entry))
            except EtlError as error:
                result = Ended(name=entry.name, error=error)
            except OSError as error:
                result = Ended(name=entry.name, error=StoreError(str(error), fix="check the path and the free space"))
        report(result)
        return result

    return list(await asyncio.gather(*(ended(entry) for entry in entries)))


def at_root(settings: Settings, dialect: str, *, sandbox: bool) -> Settings:
    """Return the settings for a dialect: the sandbox serves v1.1 below `/v1`."""
    if sandbox and dialect == "v1":
        return replace(settings, base_url=f"{settings.base_url}/v1")
    return settings
