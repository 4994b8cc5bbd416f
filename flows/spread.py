"""Slices and parts of an export as tasks on Dask workers, which open what they need themselves.

Only plain values travel: the flow's parameters, the owner of the destination, and the key of a slice or part. Workers
return events and the numbers of what they spent. Credentials come from each worker's environment.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from etl import events
from etl.errors import UsageError
from etl.events import Event, Noted, Observe, PartWritten, SliceDone
from etl.options.arguments import destination
from etl.options.delivery import DeliveryOptions
from etl.options.query import QueryOptions
from etl.options.server import FetchOptions
from etl.runs.context import Run
from etl.runs.export import export, remote_steps
from etl.schema.declarations import Json
from etl.staging import part
from etl.steps import Step
from etl.storage.lock import Owner
from flows.budget import flow_limits
from flows.steps import as_task, options_from

P = ParamSpec("P")
T = TypeVar("T")
CONNECT_SECONDS = 10
_SPENT = ("requests", "retries", "wire_bytes")


@asynccontextmanager
async def spread(address: str, given: dict[str, Json], owner: Owner, observe: Observe) -> AsyncIterator[Step]:
    """Yield a Step that takes the steps of slices and parts on a Dask cluster, and all others here.

    Without an address, all steps are taken here. UsageError if Dask is not installed or no scheduler answers.
    """
    if not address:
        yield as_task
        return
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise UsageError("Dask is not installed", fix='install it with pip install "datacite-etl[dask]"') from None
    topic = f"datacite-etl-{owner.pid}-{time.monotonic_ns()}"
    with DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_SECONDS}) as runner:
        try:
            client = await asyncio.to_thread(lambda: runner.client)
        except OSError as error:
            raise UsageError(f"no Dask scheduler answers at {address}: {error}", fix="start one there") from error
        if not await asyncio.to_thread(client.nthreads):
            observe(Noted(text=f"no Dask worker is connected to {address} yet; slices wait for one"))
        client.subscribe_topic(topic, lambda event: observe(_decoded(event[1])))
        yield _Spread(runner, {"given": given, "owner": asdict(owner), "topic": topic}, observe)


class _Spread:
    """A `Step` for exports."""

    def __init__(self, runner: Any, task: dict[str, Json], observe: Observe) -> None:
        self._runner = runner
        self._task = task
        self._observe = observe

    async def __call__(self, name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Take the step where it belongs, and return its result."""
        if function not in (export.export_slice, export.write_part):
            return await as_task(name, function, *args, **kwargs)
        run, what = cast("tuple[Run, Any]", args)
        kind = "slice" if function is export.export_slice else "part"
        result = await self._away(name, kind, what.key)
        run.client.add(**result["spent"])
        for event in result["events"]:
            self._observe(_decoded(event))
        receipt = run.store.receipt(what.key) if kind == "slice" else part.read_receipts(run.files, what.key)
        return cast("T", receipt)

    async def _away(self, name: str, kind: str, key: str) -> dict[str, Json]:
        sent = remote_step.with_options(name=kind, task_run_name=name)
        parameters = {**self._task, "kind": kind, "key": key}
        future = await asyncio.to_thread(self._runner.submit, sent, parameters)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        future.wrapped_future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        try:
            await done.wait()  # a large cluster would need too many threads that wait
        except asyncio.CancelledError:
            future.wrapped_future.cancel()
            raise
        result: dict[str, Json] = await asyncio.to_thread(future.result)
        return result


@task(cache_policy=NO_CACHE, persist_result=False, retries=0)
async def remote_step(
    given: dict[str, Json], owner: dict[str, Json], topic: str, kind: str, key: str
) -> dict[str, Json]:
    """Take a step on a worker; return its requests and its last events."""
    ended: list[list[Json]] = []
    report = _reporter(topic)

    def observe(event: Event) -> None:
        if isinstance(event, SliceDone | PartWritten):
            ended.append(_encoded(event))
        else:
            report(event)

    query, delivery = (
        options_from(QueryOptions, given).of_resource(given["resource"]),
        options_from(DeliveryOptions, given).delivery(),
    )
    with options_from(FetchOptions, given).settings(query.resource.dialect) as settings:
        async with (
            flow_limits(given["budget"], settings) as shared,
            remote_steps.join_run(
                query,
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


def _reporter(topic: str) -> Observe:
    from distributed import get_worker

    worker = get_worker()
    return lambda event: worker.log_event(topic, _encoded(event))


def _encoded(event: Event) -> list[Json]:
    """Return the event as a list: the scheduler adds its own key to a message that is a dict."""
    return [type(event).__name__, asdict(event)]


def _decoded(plain: Sequence[Json]) -> Event:
    name, values = plain
    kind: Callable[..., Event] = getattr(events, name)
    return kind(**values)
