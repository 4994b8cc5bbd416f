"""Slices and parts of an export as tasks on Dask workers, who open for themselves what they need.

Only plain values travel: the flow's parameters, the owner of the destination, the key of a slice or a part. What
workers hear comes back as events, what they spent as numbers. Credentials are those of each worker's environment.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from etl import events
from etl.errors import UsageError
from etl.events import Event, Noted, Observe, PartWritten, SliceDone
from etl.options.asking import Asking, Harvesting, destination
from etl.options.delivering import Delivering
from etl.runs.context import Run
from etl.runs.export import export, remote_steps
from etl.schema.declarations import Json
from etl.staging import part
from etl.steps import Step
from etl.storage.lock import Owner
from flows.budget import together
from flows.steps import as_task, picked

P = ParamSpec("P")
T = TypeVar("T")
CONNECT_SECONDS = 10
_SPENT = ("requests", "retries", "wire_bytes")


@asynccontextmanager
async def spread(address: str, given: dict[str, Json], owner: Owner, observe: Observe) -> AsyncIterator[Step]:
    """Yield what does the steps of slices and parts on the Dask cluster of a scheduler, and the others here.

    With an empty address all is done here. UsageError if Dask is not installed or nobody answers there.
    """
    if not address:
        yield as_task
        return
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise UsageError("Dask is not installed", fix='install it by pip install "datacite-etl[dask]"') from None
    topic = f"datacite-etl-{owner.pid}-{time.monotonic_ns()}"
    with DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_SECONDS}) as runner:
        try:
            client = await asyncio.to_thread(lambda: runner.client)
        except OSError as error:
            raise UsageError(f"no Dask scheduler answers at {address}: {error}", fix="start one there") from error
        if not await asyncio.to_thread(client.nthreads):
            observe(Noted(text=f"no Dask worker has come to {address} yet; slices wait until one does"))
        client.subscribe_topic(topic, lambda event: observe(_decoded(event[1])))
        yield _Spread(runner, {"given": given, "owner": asdict(owner), "topic": topic}, observe)


class _Spread:
    """A `Step` for the conductor of an export."""

    def __init__(self, runner: Any, errand: dict[str, Json], observe: Observe) -> None:
        self._runner = runner
        self._errand = errand
        self._observe = observe

    async def __call__(self, name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the step where it belongs and return what it returns."""
        if function not in (export.export_slice, export.write_part):
            return await as_task(name, function, *args, **kwargs)
        run, what = cast("tuple[Run, Any]", args)
        kind = "slice" if function is export.export_slice else "part"
        told = await self._away(name, kind, what.key)
        run.client.add(**told["spent"])
        for event in told["events"]:
            self._observe(_decoded(event))
        found = run.store.receipt(what.key) if kind == "slice" else part.read_receipts(run.files, what.key)
        return cast("T", found)

    async def _away(self, name: str, kind: str, key: str) -> dict[str, Json]:
        sent = errand.with_options(name=kind, task_run_name=name)
        parameters = {**self._errand, "kind": kind, "key": key}
        future = await asyncio.to_thread(self._runner.submit, sent, parameters)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        future.wrapped_future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        try:
            await done.wait()  # threads that wait for results would be too few for a large cluster
        except asyncio.CancelledError:
            future.wrapped_future.cancel()
            raise
        told: dict[str, Json] = await asyncio.to_thread(future.result)
        return told


@task(cache_policy=NO_CACHE, persist_result=False, retries=0)
async def errand(given: dict[str, Json], owner: dict[str, Json], topic: str, kind: str, key: str) -> dict[str, Json]:
    """Do a step on a worker; return what it spent and how it ended."""
    ended: list[dict[str, Json]] = []
    telling = _telling(topic)

    def observe(event: Event) -> None:
        if isinstance(event, SliceDone | PartWritten):
            ended.append(_encoded(event))
        else:
            telling(event)

    asked, delivery = picked(Asking, given).of_resource(given["resource"]), picked(Delivering, given).delivery()
    with picked(Harvesting, given).settings(asked.resource.dialect) as settings:
        async with (
            together(given["budget"], settings) as shared,
            remote_steps.joined(
                asked,
                delivery,
                settings,
                destination(given["to"]),
                owner=Owner(**owner),
                observe=observe,
                clock=time.time,
                together=shared,
            ) as run,
        ):
            await (remote_steps.walk_slice if kind == "slice" else remote_steps.write_part)(run, key)
            return {"events": ended, "spent": {name: getattr(run.client, name) for name in _SPENT}}


def _telling(topic: str) -> Observe:
    from distributed import get_worker

    worker = get_worker()
    return lambda event: worker.log_event(topic, _encoded(event))


def _encoded(event: Event) -> dict[str, Json]:
    return {"event": type(event).__name__, **asdict(event)}


def _decoded(plain: dict[str, Json]) -> Event:
    kind: Callable[..., Event] = getattr(events, plain["event"])
    return kind(**{name: value for name, value in plain.items() if name != "event"})
