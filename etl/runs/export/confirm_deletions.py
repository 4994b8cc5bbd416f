"""Confirm that records that are no longer listed are really withdrawn: request each on its own, from another endpoint.

`index_changes` draws the conclusions.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
import polars as pl

from etl.completeness import index_changes
from etl.completeness.index_changes import Fate
from etl.errors import AnswerError, DownError, LimitedError, RefusedError
from etl.events import Noted, counted
from etl.runs.context import Run
from etl.runs.export.listing import HEAD, Known
from etl.steps import together

MOST = 1_000
"""Maximum number of single requests: if more records vanish at once, something else is wrong."""
_FEW = 5
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LISTED = "findable"


async def fates(run: Run, names: Sequence[str], listed: pl.DataFrame, *, since: int) -> dict[str, Fate]:
    """Return the fates of records that are no longer listed.

    A "not found" counts only if a listed record can be fetched the same way.
    """
    if not names:
        return {}
    if len(names) > MOST or not await _answers_singly(run, listed):
        known = dict.fromkeys(names, Fate.UNKNOWN)
    else:
        answers = await asyncio.gather(*(_fate(run, name, since) for name in names))
        known = dict(zip(names, answers, strict=True))
    if doubtful := [name for name in names if known[name] is Fate.UNKNOWN]:
        examples = ", ".join(doubtful[:3]) + (" …" if len(doubtful) > 3 else "")
        run.observe(
            Noted(
                text=f"{counted(len(doubtful), 'record')} no longer listed, but not known to be withdrawn: {examples}"
            )
        )
    return known


async def find_survivor(run: Run, names: Sequence[str], *, since: int) -> str | None:
    """Request a few of many records that are no longer listed; name one that still exists and has not changed since."""
    sample = names[:: max(1, len(names) // _FEW)][:_FEW]
    answers = await together(_fate(run, name, since) for name in sample)
    return next((name for name, fate in zip(sample, answers, strict=True) if fate is Fate.UNKNOWN), None)


async def _answers_singly(run: Run, listed: pl.DataFrame) -> bool:
    if listed.is_empty():
        return True
    return await _fate(run, listed["id"][0], 0) is not Fate.GONE


async def _fate(run: Run, name: str, since: int) -> Fate:
    """Request one record, and return its fate since a moment."""
    try:
        page = await run.client.single(run.query.resource, name)
        record = HEAD.decode(page.records[0])
    except (LimitedError, DownError):
        raise
    except RefusedError as error:
        return Fate.GONE if error.status in _GONE else Fate.UNKNOWN
    except (AnswerError, msgspec.MsgspecError, LookupError):
        return Fate.UNKNOWN
    known = record.attributes or Known()
    if str(record.id).lower() != name:
        return Fate.UNKNOWN
    if known.state not in (None, _LISTED):
        return Fate.GONE
    return Fate.CHANGED if (index_changes.moment_of(known.updated) or 0) >= since else Fate.UNKNOWN
