"""A flow that only sends requests, as fast as allowed, to measure the shared budget."""

import asyncio
import time
from pathlib import Path

from prefect import flow, runtime

from etl import resources
from etl.api.client import connect
from etl.api.query import Query
from etl.settings import Settings
from flows.budget import flow_limits


@flow(name="ask", persist_result=False)
async def ask(base_url: str, budget: str, seconds: float, meeting: str, flows: int) -> int:
    """Request counts, eight at a time, for some seconds after all flows have started; return their number.

    The meeting is a folder with a file for each flow that has started.
    """
    settings = Settings(base_url=base_url, concurrency=8)
    asked = Query(resource=resources.load("providers"))
    async with flow_limits(budget, settings) as shared, connect(settings, together=shared) as client:
        await asyncio.to_thread(_meet, Path(meeting), str(runtime.flow_run.id), flows)

        async def keep_asking() -> None:
            while True:
                await client.count(asked)

        asking = asyncio.gather(*(keep_asking() for _ in range(8)))
        await asyncio.wait([asking], timeout=seconds)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return client.requests


def _meet(meeting: Path, name: str, flows: int) -> None:
    (meeting / name).touch()
    while len(list(meeting.iterdir())) < flows:
        time.sleep(0.1)
