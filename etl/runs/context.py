"""A run: what was asked, where it goes, the hands that do it, and how it ended.

Values and their making only; the steps that a run takes are in `export` and `proving`.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from etl import memory, resources
from etl.api.client import Client, connected
from etl.api.limits.rate_limit import SharedLimits
from etl.api.query import Query
from etl.dataset.layout import Layout, check_partition, metadata
from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.dataset.store import Claim, Store, hold
from etl.events import Observe
from etl.records.parser import Parser
from etl.schema.declarations import Include, Json, Resource
from etl.settings import Settings
from etl.storage import formats
from etl.storage.files import Files
from etl.storage.lock import Owner

SWITCH_SECONDS = 0.001
"""How long a thread may hold the interpreter while the event loop waits for it: a fifth of Python's own choice."""
T = TypeVar("T")
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An export under way: what was asked, where it goes, and the hands that do it."""

    query: Query
    delivery: Delivery
    settings: Settings
    store: Store
    client: Client
    claim: Claim
    layout: Layout
    parser: Parser
    along: Mapping[str, Resource]
    parsers: Mapping[str, Parser]
    observe: Observe
    clock: Clock
    threads: ThreadPoolExecutor
    writing: asyncio.Semaphore
    run_id: str
    started: float

    @property
    def files(self) -> Files:
        """The door to the destination."""
        return self.store.files

    async def aside(self, function: Callable[..., T], *arguments: object) -> T:
        """Do work that would stall the event loop in one of the run's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: its manifest, and whether the dataset is now the one that the manifest describes.

    `fix` is set if something else has to be done than to run it again.
    """

    proof: Manifest
    published: bool
    seconds: float
    manifest: str
    fix: str = ""

    def summary(self) -> dict[str, Json]:
        """Return what `--json` prints."""
        totals = self.proof.totals
        return {
            "verdict": self.proof.verdict.value,
            "published": self.published,
            "resource": self.proof.resource,
            "expected": totals.expected_after,
            **{name: getattr(totals, name) for name in ("received", "unique", "duplicates", "rejects")},
            **{name: getattr(self.proof, name) for name in ("requests", "retries", "bytes_downloaded")},
            "slices": len(self.proof.slices),
            "seconds": round(self.seconds, 3),
            "tables": {name: facts.rows for name, facts in self.proof.tables.items()},
            "manifest": self.manifest,
            **{name: list(getattr(self.proof, name)) for name in ("reasons", "missing", "absent")},
        }


@asynccontextmanager
async def opened(  # noqa: PLR0913 (everything that a run has from outside enters here)
    query: Query,
    delivery: Delivery,
    settings: Settings,
    files: Files,
    *,
    owner: Owner,
    observe: Observe,
    clock: Clock,
    run_id: str = "",
    together: SharedLimits | None = None,
    holding: Callable[..., AbstractContextManager[Store]] = hold,
) -> AsyncIterator[Run]:
    """Hold the destination and the connection for a run; raises what `store.hold` and the checks of names raise.

    `run_id` is made up if it is empty; `together` is what the run shares with others at work beside it. `holding` is
    how the destination is held, `store.hold` or a likeness of it.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    memory.keep_together()
    claim, layout = claimed(query, delivery, settings)
    along = {entry.name: resources.load(entry.resource) for entry in _includes(query)}
    async with connected(settings, observe, together) as client:
        with holding(files, claim, owner, fresh=delivery.fresh) as store, _threads(settings) as threads:
            yield Run(
                query=query,
                delivery=delivery,
                settings=settings,
                store=store,
                client=client,
                claim=claim,
                layout=layout,
                parser=Parser(query.resource),
                along=along,
                parsers={resource.name: Parser(resource) for resource in along.values()},
                observe=observe,
                clock=clock,
                threads=threads,
                writing=asyncio.Semaphore(1),  # two parts at a time would need the memory of two
                run_id=run_id or uuid.uuid4().hex,
                started=clock(),
            )


def claimed(query: Query, delivery: Delivery, settings: Settings) -> tuple[Claim, Layout]:
    """Work out what a run wants of its destination; UsageError for a format or a partition that cannot be."""
    resource = query.resource
    default = (resource.partition,) if resource.partition else ()
    wanted = default if delivery.partition_by is None else delivery.partition_by
    layout = Layout(
        resource=resource,
        sinks=formats.of_dataset(delivery.formats),
        partition_by=check_partition(resource, wanted),
        metadata=metadata(query),
        tables=query.tables,
        lines=formats.LINES in delivery.formats,
    )
    claim = Claim(
        request=query.request() | ({} if delivery.limit is None else {"limit": delivery.limit}),
        fingerprint=query.fingerprint,
        base_url=settings.origin,
        formats=delivery.formats,
        partition_by=layout.partition_by,
        keep_raw=delivery.keep_raw,
        purpose=delivery.purpose,
    )
    return claim, layout


def _includes(query: Query) -> list[Include]:
    return [entry for entry in query.resource.includes if entry.name in query.include]


def _threads(settings: Settings) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.transform_threads, thread_name_prefix="transform")
