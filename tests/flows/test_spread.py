"""Events of Dask workers: through a real scheduler in this process, without Prefect's server."""

import asyncio
from collections.abc import Callable

import pytest

from etl.events import Event, Noted, PageFetched, Retried, SliceDone
from flows import spread

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own warnings are not ours to fix
EVENTS: list[Event] = [
    PageFetched(slice_key="a", records=3, size=120, seconds=0.5),
    Retried(url="http://x/", reason="HTTP 502", attempt=1, delay=0.1, page_size=100),
    Noted(text="a note"),
    SliceDone(slice_key="a", records=3, expected=3),
]


def report_all(topic: str) -> None:
    """Report events, on a worker."""
    report = spread._reporter(topic)
    for event in EVENTS:
        report(event)


async def test_every_event_of_a_worker_arrives_as_it_was_sent(dask_errors: Callable[[], list[str]]) -> None:
    """Pages, retries and notes pass the scheduler unchanged, and nothing is logged as an error."""
    from distributed import Client, LocalCluster

    arrived: list[Event] = []
    done = asyncio.Event()

    def receive(message: tuple[float, list[object]]) -> None:
        arrived.append(spread._decoded(message[1]))
        if len(arrived) == len(EVENTS):
            done.set()

    async with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None, asynchronous=True) as cluster,
        Client(cluster, asynchronous=True) as client,
    ):
        client.subscribe_topic("events", receive)
        await client.submit(report_all, "events")
        await asyncio.wait_for(done.wait(), 20)
    assert arrived == EVENTS
    assert dask_errors() == []
