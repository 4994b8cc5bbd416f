"""A flow that only asks, as fast as it may: what the shared budget is measured with. Run as a process of its own."""

import asyncio
import sys

from prefect import flow

from etl import resources
from etl.client import connected
from etl.config import Settings
from etl.query import Query
from flows.budget import together


@flow(name="ask", persist_result=False)
async def ask(base_url: str, budget: str, seconds: float) -> int:
    """Ask for counts, eight at a time, for so many seconds after the file `go` has appeared; return how many."""
    settings = Settings(base_url=base_url, concurrency=8)
    asked = Query(resource=resources.load("providers"))
    async with together(budget, settings) as shared, connected(settings, together=shared) as client:

        async def keep_asking() -> None:
            while True:
                await client.count(asked)

        asking = asyncio.gather(*(keep_asking() for _ in range(8)))
        await asyncio.wait([asking], timeout=seconds)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return client.requests


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(ask(sys.argv[1], sys.argv[2], float(sys.argv[3])))}\n")
