"""A run: its query, destination, client and threads, and its outcome.

Only values and their creation; the steps of a run are in `export`, `sync` and `ingest`.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from etl import memory, resources
from etl.api.client import Client, connect
from etl.api.limits.rate_limit import SharedLimits
from etl.api.query import Query
from etl.dataset.layout import Layout, check_partition, metadata
from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.dataset.store import Claim, Store, hold
from etl.events import Noted, Observe
from etl.records.parser import Parser
from etl.schema.declarations import Include, Json, Resource
from etl.settings import Settings
from etl.storage import formats
from etl.storage.files import Files
from etl.storage.lock import Owner

SWITCH_SECONDS = 0.001
"""Seconds for which a thread may hold the interpreter while the event loop waits: a fifth of Python's default."""
T = TypeVar("T")
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run in progress: its query, its destination, and everything that does the work."""

    query: Query
    delivery: Delivery
    settings: Settings
    store: Store
    client: Client
    claim: Claim
    layout: Layout
    parser: Parser
    related: Mapping[str, Resource]
    parsers: Mapping[str, Parser]
    observe: Observe
    clock: Clock
    threads: ThreadPoolExecutor
    writing: asyncio.Semaphore
    run_id: str
    started: float

    @property
    def files(self) -> Files:
        """The files of the destination."""
        return self.store.files

    @property
    def year(self) -> int:
        """The calendar year (UTC) in which the run started."""
        return datetime.fromtimestamp(self.started, UTC).year

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function that would block the event loop in one of the run's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a run: its manifest, and whether the dataset that it describes is published.

    `fix` is set if running it again is not enough.
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
async def open_run(  # noqa: PLR0913 (everything that a run needs from outside enters here)
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
    """Hold the destination and the connection for a run; raises the errors of `store.hold` and of invalid names.

    An empty `run_id` becomes a random one; `together` are the limits that concurrent runs share. `holding` is
    `store.hold`, or a replacement for it.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    memory.keep_together()
    claim, layout = claim_of(query, delivery, settings)
    related = {entry.name: resources.load(entry.resource) for entry in _includes(query)}
    async with connect(settings, observe, together) as client:
        with holding(files, claim, owner, fresh=delivery.fresh) as store, _threads(settings) as threads:
            for text in store.notes:
                observe(Noted(text=text))
            yield Run(
                query=query,
                delivery=delivery,
                settings=settings,
                store=store,
                client=client,
                claim=claim,
                layout=layout,
                parser=Parser(query.resource),
                related=related,
                parsers={resource.name: Parser(resource) for resource in related.values()},
                observe=observe,
                clock=clock,
                threads=threads,
                writing=asyncio.Semaphore(1),  # two parts at once would need twice the memory
                run_id=run_id or uuid.uuid4().hex,
                started=clock(),
            )


def claim_of(query: Query, delivery: Delivery, settings: Settings) -> tuple[Claim, Layout]:
    """Return a run's claim to its destination, and its layout; UsageError for an invalid format or partition."""
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
