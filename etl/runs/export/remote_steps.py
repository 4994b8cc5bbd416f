"""Steps of an export outside the process that holds its destination: on other workers, on other machines.

A worker gets the destination, the step and the owner, and opens the rest itself: plan, pages and receipts are all at
the destination. The shell sends the request.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from etl.api.limits.rate_limit import SharedLimits
from etl.api.query import Query
from etl.completeness.slices import Part, decode_plan
from etl.dataset.request import Delivery
from etl.dataset.store import Claim, Store
from etl.errors import StoreError
from etl.events import Event, Observe, PageFetched
from etl.runs.context import Clock, Run, open_run
from etl.runs.export import export
from etl.runs.export.early_write import write_early
from etl.settings import Settings
from etl.storage import lock
from etl.storage.files import Files
from etl.storage.lock import Owner


@asynccontextmanager
async def join_run(
    query: Query,
    delivery: Delivery,
    settings: Settings,
    files: Files,
    *,
    owner: Owner,
    observe: Observe,
    clock: Clock,
    together: SharedLimits,
) -> AsyncIterator[Run]:
    """Join the run that holds a destination; StoreError if `owner` does not hold it, or no longer.

    This is checked with every page, so that a worker left behind by a dead run does not disturb the next one.
    """

    def heard(event: Event) -> None:
        if isinstance(event, PageFetched):
            _check(files, owner)
        observe(event)

    async with open_run(
        query,
        delivery,
        settings,
        files,
        owner=owner,
        observe=heard,
        clock=clock,
        together=together,
        holding=_joined_store,
    ) as run:
        yield run


async def walk_slice(run: Run, key: str) -> None:
    """Fetch a slice of the plan at the destination; the files of its part are written early if possible."""
    part, piece = next((part, piece) for part in _parts(run) for piece in part.slices if piece.key == key)
    async with write_early(run, part) as heard:
        await export.export_slice(heard, piece)


async def write_part(run: Run, key: str) -> None:
    """Write the files of a part of the plan at the destination."""
    await export.write_part(run, next(part for part in _parts(run) if part.key == key))


def _parts(run: Run) -> tuple[Part, ...]:
    if (kept := run.store.plan()) is None:
        raise StoreError(f"{run.files.name} no longer has a plan", fix="run the export again")
    return decode_plan(kept).parts


@contextmanager
def _joined_store(files: Files, claim: Claim, owner: Owner, *, fresh: bool = False) -> Iterator[Store]:
    """Work at a destination that another process holds."""
    del claim, fresh
    _check(files, owner)
    yield Store(files)


def _check(files: Files, owner: Owner) -> None:
    if not lock.held_by(files, owner):
        raise StoreError(
            f"{files.name} is no longer held by the run that started this step", fix="run the export again"
        )
