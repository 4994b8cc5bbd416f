"""A server whose records come and go as a test says, datasets of it, and what must be equal between two of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl import resources
from etl.api.query import Query, check
from etl.dataset import request
from etl.dataset.request import Delivery
from etl.dataset.store import read_manifest
from etl.runs.context import open_run
from etl.runs.export import export
from etl.runs.sync import sync
from etl.sandbox.server import LISTENING
from etl.settings import Settings
from etl.storage import paths as places
from etl.storage.files import Files, LocalFiles
from tests.support.small import owner

OURS = ("withdrawn",)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is exported and how."""

    include: tuple[str, ...] = ("client", "media")
    filters: tuple[tuple[str, str], ...] = ()
    tables: tuple[str, ...] = ()
    delivery: Delivery = field(default_factory=Delivery)

    @property
    def query(self) -> Query:
        resource = resources.load("dois")
        return check(Query(resource=resource, include=self.include, filters=self.filters, tables=self.tables))


async def exported(url: str, to: Path, asked: Asked, at: float, files: Files | None = None) -> Any:
    """Export from scratch, at a time, on the server's clock too if it is a sandbox of this process."""
    clock = _set_clocks(url, at)
    settings = Settings(base_url=url)
    async with open_run(
        asked.query, asked.delivery, settings, files or LocalFiles(to), owner=owner(), observe=print_not, clock=clock
    ) as run:
        return await export.export(run)


async def brought_up(url: str, files: Files, at: float, **scope: Any) -> Any:
    """Bring a dataset up to date, at a time, on the server's clock too if it is a sandbox of this process."""
    proof = read_manifest(files)
    assert proof is not None
    delivery = request.delivery(proof, request.SYNC, keep_raw=files.exists(places.RAW))
    clock = _set_clocks(url, at)
    async with open_run(
        request.repeatable_query(proof),
        delivery,
        Settings(base_url=url),
        files,
        owner=owner(),
        observe=print_not,
        clock=clock,
    ) as run:
        return await sync.sync(run, sync.SyncScope(**scope))


def _set_clocks(url: str, at: float) -> Callable[[], float]:
    if server := LISTENING.get(url):
        server.now = lambda: at
    return lambda: at


def print_not(event: object) -> None:
    """Ignore the event."""


def frames(to: Path) -> dict[str, pl.DataFrame]:
    """Read every table that an export has as well, its rows sorted by everything."""
    proof = read_manifest(LocalFiles(to))
    assert proof is not None
    found = {}
    for name, facts in proof.tables.items():
        if name in OURS:
            continue
        paths = [to / file.path for file in facts.files if file.path.endswith(".parquet")]
        frame = pl.concat([pl.read_parquet(path, hive_partitioning=True) for path in paths], how="vertical_relaxed")
        found[name] = frame.select(sorted(frame.columns)).sort(sorted(frame.columns))
    return found


def same(one: Path, other: Path) -> None:
    """Assert that two datasets have the same tables with the same rows."""
    here, there = frames(one), frames(other)
    assert here.keys() == there.keys()
    different = [name for name in here if not here[name].equals(there[name])]
    assert not different
