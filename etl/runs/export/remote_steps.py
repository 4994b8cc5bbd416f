"""Steps of an export done away from the process that holds its destination: on other workers, on other machines.

Who does one is told where, what and for whom, and opens the rest for itself: plan, pages and receipts are all in the
destination. How the word gets there is the shell's matter.
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
from etl.runs.context import Clock, Run, opened
from etl.runs.export import export
from etl.runs.export.early_write import writing_ahead
from etl.settings import Settings
from etl.storage import lock
from etl.storage.files import Files
from etl.storage.lock import Owner


@asynccontextmanager
async def joined(
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
    """Join the run of a destination's owner; StoreError if it is not, or no more, the owner's.

    That is looked at with every page, so whoever is forgotten by a dead run does not disturb the next one.
    """

    def heard(event: Event) -> None:
        if isinstance(event, PageFetched):
            _check(files, owner)
        observe(event)

    async with opened(
        query,
        delivery,
        settings,
        files,
        owner=owner,
        observe=heard,
        clock=clock,
        together=together,
        holding=_borrowed,
    ) as run:
        yield run


async def walk_slice(run: Run, key: str) -> None:
    """Walk a slice of the plan in the destination; the files of its part are written ahead where they can be."""
    each, one = next((each, one) for each in _parts(run) for one in each.slices if one.key == key)
    async with writing_ahead(run, each) as heard:
        await export.export_slice(heard, one)


async def write_part(run: Run, key: str) -> None:
    """Write the files of a part of the plan in the destination."""
    await export.write_part(run, next(each for each in _parts(run) if each.key == key))


def _parts(run: Run) -> tuple[Part, ...]:
    if (kept := run.store.plan()) is None:
        raise StoreError(f"{run.files.name} has no plan any more", fix="run the export again")
    return decode_plan(kept).parts


@contextmanager
def _borrowed(files: Files, claim: Claim, owner: Owner, *, fresh: bool = False) -> Iterator[Store]:
    """Work in a destination that somebody else holds."""
    del claim, fresh
    _check(files, owner)
    yield Store(files)


def _check(files: Files, owner: Owner) -> None:
    if not lock.held_by(files, owner):
        raise StoreError(f"{files.name} is no longer held by the run that sent for help", fix="run the export again")
