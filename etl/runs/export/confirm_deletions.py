"""Whether records that a list has no more are really gone: each is asked for alone, which is another road to it.

What follows from the answers is decided in `moves`.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
import polars as pl

from etl.completeness import index_changes
from etl.completeness.index_changes import Fate
from etl.errors import AnswerError, DownError, LimitedError, RefusedError
from etl.events import Noted
from etl.runs.context import Run
from etl.runs.export.listing import HEAD, Known
from etl.steps import together

MOST = 1_000
"""So many records are asked for alone at most: where more vanish at once, something else is wrong."""
_FEW = 5
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LISTED = "findable"


async def fates(run: Run, names: Sequence[str], listed: pl.DataFrame, *, since: int) -> dict[str, Fate]:
    """Return what has become of records that a list has no more.

    A "not found" is believed only if a record that is listed can be had the same way.
    """
    if not names:
        return {}
    if len(names) > MOST or not await _can_be_asked(run, listed):
        found = dict.fromkeys(names, Fate.UNKNOWN)
    else:
        answers = await asyncio.gather(*(_fate(run, name, since) for name in names))
        found = dict(zip(names, answers, strict=True))
    if doubtful := [name for name in names if found[name] is Fate.UNKNOWN]:
        some = ", ".join(doubtful[:3]) + (" …" if len(doubtful) > 3 else "")
        run.observe(
            Noted(text=f"{len(doubtful):,} records are no longer listed, but not known to be withdrawn: {some}")
        )
    return found


async def still_there(run: Run, names: Sequence[str], *, since: int) -> str | None:
    """Ask for a few of many records that a list has no more; name one that can be had and has not changed since."""
    some = names[:: max(1, len(names) // _FEW)][:_FEW]
    answers = await together(_fate(run, name, since) for name in some)
    return next((name for name, found in zip(some, answers, strict=True) if found is Fate.UNKNOWN), None)


async def _can_be_asked(run: Run, listed: pl.DataFrame) -> bool:
    if listed.is_empty():
        return True
    return await _fate(run, listed["id"][0], 0) is not Fate.GONE


async def _fate(run: Run, name: str, since: int) -> Fate:
    """Ask for one record, and tell what has become of it since a moment."""
    try:
        found = await run.client.single(run.query.resource, name)
        record = HEAD.decode(found.records[0])
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
