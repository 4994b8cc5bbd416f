"""A worker elsewhere works only while its run holds the destination."""

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from etl import resources
from etl.api.limits.rate_limit import shared_limits
from etl.api.query import Query
from etl.dataset.request import Delivery
from etl.errors import StoreError
from etl.events import Event, Observe, PageFetched, ignore
from etl.runs.context import Run, open_run
from etl.runs.export import remote_steps
from etl.runs.export.export import plan
from etl.sandbox import Sandbox
from etl.settings import Settings
from etl.storage import lock, paths
from etl.storage.files import LocalFiles
from etl.storage.lock import Owner

OWNER = Owner(user="ann", host="here", pid=1, born="then", started="2026-11-22T00:00:00Z")
ASKED = Query(resource=resources.load("dois"), filters=(("client-id", "nihnci.tcia"),), tables=("doi_titles",))


def joined(to: Path, box: Sandbox, observe: Observe = ignore) -> AbstractAsyncContextManager[Run]:
    """Join the owner's run."""
    settings = Settings(base_url=box.base_url)
    return remote_steps.join_run(
        ASKED,
        Delivery(),
        settings,
        LocalFiles(to),
        owner=OWNER,
        observe=observe,
        clock=time.time,
        together=shared_limits(settings),
    )


def owned(to: Path, box: Sandbox) -> AbstractAsyncContextManager[Run]:
    """Hold the destination as the owner."""
    settings = Settings(base_url=box.base_url)
    return open_run(ASKED, Delivery(), settings, LocalFiles(to), owner=OWNER, observe=ignore, clock=time.time)


async def test_a_helper_stages_what_the_owner_finds_done(box: Sandbox, tmp_path: Path) -> None:
    """Slices and parts from elsewhere have their receipts at the destination."""
    heard: list[Event] = []
    async with owned(tmp_path, box) as run:
        planned = await plan(run)
        async with joined(tmp_path, box, heard.append) as helper:
            await remote_steps.walk_slice(helper, planned.slices[0].key)
            await remote_steps.write_part(helper, planned.parts[0].key)
        assert run.store.receipt(planned.slices[0].key) is not None
        assert run.files.exists(paths.part_receipt(planned.parts[0].key))
        assert lock.held_by(run.files, OWNER)
    assert any(isinstance(event, PageFetched) for event in heard)


@pytest.mark.parametrize("other", [None, replace(OWNER, pid=2)], ids=["nobody", "another"])
async def test_nobody_helps_a_run_that_is_gone(box: Sandbox, tmp_path: Path, other: Owner | None) -> None:
    """A destination without a holder, or with another one, is left alone."""
    if other:
        lock.take_lock(LocalFiles(tmp_path), other)
    with pytest.raises(StoreError, match="no longer held"):
        await joined(tmp_path, box).__aenter__()


async def test_a_helper_stops_when_the_run_that_sent_it_ends(box: Sandbox, tmp_path: Path) -> None:
    """With the next page it notices that the owner no longer holds the destination, and says so."""
    async with owned(tmp_path, box) as run:
        planned = await plan(run)
        async with joined(tmp_path, box) as helper:
            run.files.remove(paths.LOCK)
            with pytest.raises(StoreError, match="no longer held"):
                await remote_steps.walk_slice(helper, planned.slices[0].key)
