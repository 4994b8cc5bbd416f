"""The moment as of which a run is complete, and the counts that are bounded by it.

The index never stands still: DataCite lists a new or changed record seconds to minutes after its timestamp
(api-notes 3.1). So a run proves what last changed before a moment of the server's clock that lies an allowance for
that lag in the past. Of such records there can only become fewer.
"""

from dataclasses import replace
from functools import partial
from math import floor

from etl.api.query import Query
from etl.api.window import EVERYTHING, Window
from etl.completeness import slices
from etl.completeness.slices import Plan
from etl.events import Noted
from etl.runs.context import Run
from etl.runs.export.listing import count_moved
from etl.schema.declarations import Type

_NOTICEABLE = 5.0
"""Seconds by which clocks may differ without a word."""
_WITHOUT_A_CLOCK = 3600.0
"""The allowance where the server does not tell the time: this machine's clock may be wrong by as much."""


def moment_of(run: Run) -> int:
    """Return the moment, in epoch seconds; call it after a first answer of the server."""
    here, there = run.clock(), run.client.server_time()
    if there is None:
        lag = max(run.settings.lag, _WITHOUT_A_CLOCK)
        told = f"note: the server does not tell the time: this machine's clock counts, less {_spell(lag)}"
        run.observe(Noted(text=told))
        return floor(here - lag)
    if abs(there - here) > _NOTICEABLE:
        ahead = "behind" if there > here else "ahead of"
        run.observe(
            Noted(text=f"note: this machine's clock is {_spell(abs(there - here))} {ahead} the server's, which counts")
        )
    return floor(there - run.settings.lag)


def settled(query: Query, as_of: int | None) -> Query:
    """Return the query of the records that last changed before the moment; the same query where there is none."""
    return query if as_of is None else replace(query, changed=Window(None, as_of))


def column_of_change(query: Query) -> str | None:
    """Return the column of the main table that tells when a record last changed, which is the name of its window too.

    None where the list cannot be asked for what changed before a moment, or its records do not tell.
    """
    times = {column.name for column in query.resource.main.columns if column.type is Type.TIMESTAMP}
    return query.changed_by if query.changed_by in times else None


async def plan(run: Run, *, year: int) -> Plan:
    """Cut the run's query into slices, counted as of a moment of the server's clock."""
    listed = await run.client.count(run.query)
    as_of = moment_of(run)
    moved = None if column_of_change(run.query) is None else await count_moved(run, as_of)
    bound = None if moved is None else as_of
    until = as_of if moved is None and _clipped(run.query, as_of) else None
    total = None if moved or until is not None else listed
    count, moment = partial(count_settled, run, bound), partial(run.client.moment, settled(run.query, bound))
    planned = await slices.plan(run.query, count, moment, year=year, until=until, total=total)
    if planned.uncut:
        run.observe(Noted(text=f"note: the query cannot be cut into slices: {planned.uncut}; it is walked as one"))
        return replace(slices.single_slice(planned, listed), as_of=as_of)
    return replace(slices.bounded(planned, bound), as_of=as_of, listed=listed if until is None else None)


def _clipped(query: Query, as_of: int) -> bool:
    """Return whether only what was created before the moment is fetched: of what was, it is known how much there is."""
    starts = query.window.start if query.by == query.resource.slice_on else None
    return slices.can_cut(query) and (starts is None or starts < as_of)


async def count_settled(run: Run, as_of: int | None, window: Window = EVERYTHING) -> int:
    """Count the records in a window that last changed before the moment."""
    return await run.client.count(settled(run.query, as_of), window)


def _spell(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
