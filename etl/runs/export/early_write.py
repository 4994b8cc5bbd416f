"""Write early: the groups of a part with one big slice become files while later pages are still being fetched.

So a long slice has no more to write at its end than a short one. `part` decides what is written, and it is the same
whenever it is written.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from etl.completeness.slices import Part
from etl.events import Event, PageFetched
from etl.runs.context import Run
from etl.staging import part as part_files


@asynccontextmanager
async def write_early(run: Run, part: Part) -> AsyncIterator[Run]:
    """Yield the run for fetching a part's slices; at the end, all complete groups are written."""
    if len(part.slices) > 1:  # an earlier slice may arrive last
        yield run
        return
    writer = _EarlyWriter(run, part)
    try:
        yield replace(run, observe=writer.observe)
        await asyncio.gather(*writer.tasks)
    finally:
        for task in writer.tasks:
            task.cancel()


class _EarlyWriter:
    """Observes the pages of one slice. State: the number of records, and a task for every full group."""

    def __init__(self, run: Run, part: Part) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self._records = 0
        self._run = run
        self._part = part

    def observe(self, event: Event) -> None:
        """Forward the event, and start to write if its page completes a group."""
        self._run.observe(event)
        if isinstance(event, PageFetched):
            self._records += event.records
            if part_files.full_groups(self._records) > len(self.tasks):
                self.tasks.append(asyncio.create_task(self._write()))

    async def _write(self) -> None:
        run, part = self._run, self._part
        async with run.writing:
            await run.in_thread(part_files.write_full_groups, run.files, run.layout, part.key, [part.slices[0].key])
