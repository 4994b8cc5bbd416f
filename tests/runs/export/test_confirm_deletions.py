"""A withdrawal is accepted if the server confirms it for the record itself, not because a list omits it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from etl import resources
from etl.api.query import Query
from etl.completeness.index_changes import RECORDS, Fate
from etl.dataset.request import Delivery
from etl.events import Event, Noted
from etl.runs.context import Run, open_run
from etl.runs.export import confirm_deletions
from etl.sandbox import Corpus, Sandbox
from etl.settings import Settings
from etl.storage.files import LocalFiles
from etl.storage.lock import Owner

SINCE = 1_780_000_000
QUERY = Query(resource=resources.load("dois"))


@asynccontextmanager
async def asking(server: Sandbox, to: Path, notes: list[str] | None = None, **options: object) -> AsyncIterator[Run]:
    def observe(event: Event) -> None:
        if notes is not None and isinstance(event, Noted):
            notes.append(event.text)

    settings = Settings(base_url=server.base_url, attempts=1, **options)
    owner = Owner(user="ann", host="here", pid=0, born="dead", started="2026-01-01T00:00:00Z")
    files = LocalFiles(to)
    async with open_run(QUERY, Delivery(), settings, files, owner=owner, observe=observe, clock=time.time) as run:
        yield run


def listed(*names: str) -> pl.DataFrame:
    return pl.DataFrame([(name, 1, 1) for name in names], schema=RECORDS, orient="row")


async def fates(server: Sandbox, to: Path, *names: str, there: str, notes: list[str] | None = None) -> dict[str, Fate]:
    """Return the fate of each record."""
    async with asking(server, to, notes) as run:
        return await confirm_deletions.fates(run, names, listed(there), since=SINCE)


async def test_only_what_the_server_says_of_a_record_explains_that_it_is_gone(tmp_path: Path) -> None:
    """Not found means withdrawn, a later change explains the absence, and an unchanged record explains nothing."""
    corpus, notes = Corpus.generate(records=40, seed=3), []
    gone, left, there, other = corpus.ids()[:4]
    corpus.withdraw([gone])
    corpus.update([left], at=datetime.fromtimestamp(SINCE + 5, UTC))
    async with Sandbox(corpus) as server:
        found = await fates(server, tmp_path, gone, left, there, there=other, notes=notes)
    assert found == {gone: Fate.GONE, left: Fate.CHANGED, there: Fate.UNKNOWN}
    assert notes == [f"1 record no longer listed, but not known to be withdrawn: {there}"]


async def test_a_server_that_knows_no_single_records_confirms_nothing(tmp_path: Path) -> None:
    """Not found is not a proof if listed records are not found either."""
    corpus = Corpus.generate(records=40, seed=3)
    gone, other = corpus.ids()[:2]
    corpus.withdraw([gone, other])
    async with Sandbox(corpus) as server:
        assert await fates(server, tmp_path, gone, there=other) == {gone: Fate.UNKNOWN}


@pytest.mark.parametrize("fault", ["error=503", "html200=1", "error=401"])
async def test_trouble_is_no_confirmation(fault: str, tmp_path: Path) -> None:
    """Anything but a clear answer about the record leaves its fate unknown."""
    corpus = Corpus.generate(records=40, seed=3)
    gone, other = corpus.ids()[:2]
    corpus.withdraw([gone])
    async with Sandbox(corpus, faults=[fault]) as server:
        assert await fates(server, tmp_path, gone, there=other) == {gone: Fate.UNKNOWN}


async def test_nobody_is_asked_when_nothing_is_gone_or_far_too_much(tmp_path: Path) -> None:
    """Thousands of records that vanish at once are not withdrawn."""
    corpus = Corpus.generate(records=40, seed=3)
    async with Sandbox(corpus) as server, asking(server, tmp_path) as run:
        assert await confirm_deletions.fates(run, [], listed("10.1/b"), since=SINCE) == {}
        many = [f"10.1/{number}" for number in range(confirm_deletions.MOST + 1)]
        found = await confirm_deletions.fates(run, many, listed("10.1/b"), since=SINCE)
        assert set(found.values()) == {Fate.UNKNOWN}
        assert not server.targets
