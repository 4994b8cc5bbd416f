"""The moment as of which a run is complete, and the counts bounded by it.

The index never stands still: DataCite lists a new or changed record seconds to minutes after its timestamp
(api-notes 3.1). So a run proves the records that last changed before a moment of the server's clock, which lies in the
past by an allowance for that lag. The number of such records can only decrease.
"""

from dataclasses import replace
from functools import partial
from math import floor

from etl.api.query import Query
from etl.api.window import EVERYTHING, Window
from etl.completeness import slices
from etl.completeness.slices import Plan
from etl.errors import RefusedError
from etl.events import Noted
from etl.runs.context import Run
from etl.runs.export.listing import count_moved
from etl.schema.declarations import Type

_NOTICEABLE = 5.0
"""Seconds by which clocks may differ without a warning."""
_WITHOUT_A_CLOCK = 3600.0
"""The allowance if the server does not send the time: this machine's clock may be wrong by that much."""


def moment_of(run: Run) -> int:
    """Return the moment, in epoch seconds; call it after the first response of the server."""
    here, there = run.clock(), run.client.server_time()
    if there is None:
        lag = max(run.settings.lag, _WITHOUT_A_CLOCK)
        text = f"note: the server does not send the time; using this machine's clock, less {_spell(lag)}"
        run.observe(Noted(text=text))
        return floor(here - lag)
    if abs(there - here) > _NOTICEABLE:
        difference = f"{_spell(abs(there - here))} {'behind' if there > here else 'ahead of'}"
        run.observe(Noted(text=f"note: this machine's clock is {difference} the server's; using the server's"))
    return floor(there - run.settings.lag)


def note_a_jump(run: Run) -> None:
    """Say so if the server's clock jumped during the run, which stays as of the moment when it was planned."""
    if run.client.server_clock_jumped:
        run.observe(Noted(text="note: the server's clock jumped during the run; the manifest says as of when it is"))


def settled_query(query: Query, as_of: int | None) -> Query:
    """Return the query of the records that last changed before the moment; the same query without a moment."""
    return query if as_of is None else replace(query, changed=Window(None, as_of))


def column_of_change(query: Query) -> str | None:
    """Return the column of the main table with the time of a record's last change, which also names its window.

    None if the list cannot be filtered by the time of change, or its records do not have it.
    """
    times = {column.name for column in query.resource.main.columns if column.type is Type.TIMESTAMP}
    return query.changed_by if query.changed_by in times else None


async def plan_as_of(run: Run) -> Plan:
    """Cut the run's query into slices, counted as of a moment of the server's clock."""
    listed = await run.client.count(run.query)
    as_of = moment_of(run)
    moved = None
    if column_of_change(run.query) is not None:
        moved = await count_moved(run, as_of)
        if moved is None:
            await _refuse_what_is_ignored(run, listed)
    bound = None if moved is None else as_of
    until = as_of if moved is None and _ends_at(run.query, as_of) else None
    total = None if moved or until is not None else listed
    planned = await slices.plan(run.query, *counting(run, bound), year=run.year, until=until, total=total)
    if planned.uncut:
        run.observe(Noted(text=f"note: the query cannot be cut into slices: {planned.uncut}; fetching it as one"))
        return replace(slices.single_slice(planned, listed), as_of=as_of)
    return replace(slices.bounded(planned, bound), as_of=as_of, listed=listed if until is None else None)


async def _refuse_what_is_ignored(run: Run, listed: int) -> None:
    """Refuse a selection if the server ignores it: what it lists is more than was requested.

    A server that has records from before 1970 ignores searches; it ignores filters, too, if they change no count.
    """
    query = run.query
    if not slices.can_cut(query) or not await run.client.count(query, Window(None, 0)):
        return
    everything = replace(query, filters=(), text="", window=EVERYTHING)
    searched = bool(query.text) or query.window != EVERYTHING
    if searched or (query.filters and await run.client.count(everything) == listed):
        message = "the server ignores what is asked for, and lists everything"
        raise RefusedError(message, fix="use another server, or export everything: without --query, --filter and dates")


def _ends_at(query: Query, as_of: int) -> bool:
    """Return whether to fetch only records created before the moment: their number is known."""
    starts = query.window.start if query.by == query.resource.slice_on else None
    return slices.can_cut(query) and (starts is None or starts < as_of)


def counting(run: Run, as_of: int | None) -> tuple[slices.Count, slices.Moment]:
    """Return what windows are cut by: the number of records that last changed before the moment, and their seconds."""
    query = settled_query(run.query, as_of)
    return partial(run.client.count, query), partial(run.client.moment, query)


async def count_settled(run: Run, as_of: int | None, window: Window = EVERYTHING) -> int:
    """Count the records in a window that last changed before the moment."""
    return await run.client.count(settled_query(run.query, as_of), window)


def _spell(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
