"""Read lists only for ids and times: the records listed now, and those that changed since a moment."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import polars as pl

from etl.api.query import Query
from etl.api.window import Window
from etl.completeness import index_changes
from etl.completeness.index_changes import RECORDS
from etl.dataset.layout import Layout
from etl.runs.context import Run
from etl.schema.declarations import Json, Type

ROUNDS = 3
"""Maximum number of times a list is read until it holds as many records as it counts."""


class Known(msgspec.Struct):
    """The attributes of a record that show whether it exists and when it changed."""

    created: Json = None
    updated: Json = None
    state: Json = None


class Head(msgspec.Struct):
    """The part of a record that shows whether and when it moved."""

    id: Json = None
    attributes: Known | None = None


HEAD = msgspec.json.Decoder(Head)


async def count_moved(run: Run, as_of: int) -> int | None:
    """Count the listed records that changed at or after a moment, by the first page of them.

    None if it has other records too: the server ignores the query.
    """
    async for page in run.client.pages(_moved(run, as_of)):
        return None if _any_older(_rows(page.document.records), as_of) else page.total
    return 0


async def moved_since(run: Run, as_of: int) -> pl.DataFrame | None:
    """Return the ids and times of the listed records that changed at or after a moment.

    None if it returns other records too: the server ignores the query.
    """
    frames = [pl.DataFrame(schema=RECORDS)]
    async for page in run.client.pages(_moved(run, as_of)):
        rows = _rows(page.document.records)
        if _any_older(rows, as_of):
            return None
        frames.append(rows)
    return pl.concat(frames).unique("id", keep="last", maintain_order=True)


async def listed_now(run: Run, window: Window) -> pl.DataFrame | None:
    """Return the ids and times of all records in a window; None if they never add up to their total."""
    for _ in range(ROUNDS):
        frames, total = [pl.DataFrame(schema=RECORDS)], 0
        async for page in run.client.pages(_few(run.query), window):
            frames.append(_rows(page.document.records))
            total = page.total
        listed = pl.concat(frames).unique("id", keep="last", maintain_order=True)
        if listed.height == total:
            return listed
    return None


def _moved(run: Run, as_of: int) -> Query:
    return _few(replace(run.query, changed=Window(as_of, None)))


def _any_older(rows: pl.DataFrame, as_of: int) -> bool:
    return rows.filter(pl.max_horizontal("created", "updated") < as_of).height > 0


def _few(query: Query) -> Query:
    """Return the query for as little of each record as shows when it moved."""
    resource = query.resource
    params = {**resource.params, f"fields[{resource.type}]": "created,updated"}
    return replace(query, resource=replace(resource, params=params), include=(), tables=(), detail=False)


def _rows(records: Sequence[bytes]) -> pl.DataFrame:
    return pl.DataFrame([_row(record) for record in records], schema=RECORDS, orient="row")


def _row(record: bytes) -> tuple[Json, ...]:
    head = HEAD.decode(record)
    times = head.attributes or Known()
    return str(head.id).lower(), index_changes.moment_of(times.created), index_changes.moment_of(times.updated)


def readable(layout: Layout) -> bool:
    """Return whether the main table's files say when a record was created and changed."""
    held = layout.columns(layout.resource.main)
    times = {column.name for column in layout.resource.main.columns if column.type is Type.TIMESTAMP}
    return {"created", "updated"} <= (held.keys() & times) and layout.resource.key.name in held
