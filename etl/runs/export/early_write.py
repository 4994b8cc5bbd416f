"""Writing ahead: the groups of a part whose only slice is big become files while its later pages still come.

So the end of a long walk has no more to write than the end of a short one. What is written is `part`'s matter, and is
the same whenever it is written.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from etl.completeness.slices import Part
from etl.events import Event, PageFetched
from etl.runs.context import Run
from etl.staging import part


@asynccontextmanager
async def writing_ahead(run: Run, each: Part) -> AsyncIterator[Run]:
    """Yield the run for the walk of a part's slices; groups that are all there at its end are written."""
    if len(each.slices) > 1:  # an earlier slice may be the last to come
        yield run
        return
    ahead = _Ahead(run, each)
    try:
        yield replace(run, observe=ahead.observe)
        await asyncio.gather(*ahead.tasks)
    finally:
        for task in ahead.tasks:
            task.cancel()


class _Ahead:
    """Listens to the pages of one slice. State: the records that came, and a task for every full group of them."""

    def __init__(self, run: Run, each: Part) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self._records = 0
        self._run = run
        self._part = each

    def observe(self, event: Event) -> None:
        """Pass the event on, and start to write if its page completes a group."""
        self._run.observe(event)
        if isinstance(event, PageFetched):
            self._records += event.records
            if part.full_groups(self._records) > len(self.tasks):
                self.tasks.append(asyncio.create_task(self._write()))

    async def _write(self) -> None:
        run, each = self._run, self._part
        async with run.writing:
            await run.aside(part.write_full_groups, run.files, run.layout, each.key, [each.slices[0].key])
