"""The pipeline in a notebook or a script: a whole query in memory, on the budget and the credentials of the user.

A shell like `cli`: what becomes of the records is the business of `frames`.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import polars as pl

from etl import resources
from etl.api.query import Query, check
from etl.errors import UsageError
from etl.options.arguments import path_of
from etl.options.server import ServerOptions
from etl.runs import in_memory
from etl.runs.in_memory import Tables

T = TypeVar("T")


async def fetch(  # noqa: PLR0913 - a whole question in one call
    resource: str,
    *,
    filters: Mapping[str, str | int] | None = None,
    query: str = "",
    of: str = "",
    names: Sequence[str] = (),
    limit: int | None = None,
    base_url: str = "",
    mailto: str = "",
    rate: int | None = None,
    sandbox: bool = False,
) -> Tables[pl.DataFrame]:
    """Fetch every record of a query into polars frames by table name, all tables or those named.

    `of` is the record whose activities are meant, such as `doi/10.5438/0012`; `sandbox` asks the embedded API. Requests
    count for the budget that all runs of a user on a machine share; `rate` are those of 5 minutes, by default what the
    API grants. Credentials come from the environment. Raises UsageError for unknown names, IncompleteError if fewer
    records came than the API counts (unless there is a `limit`), and the client's errors.
    """
    declared = resources.load(resource)
    filtered = tuple((name, _spelled(name, value)) for name, value in (filters or {}).items())
    request = check(Query(resource=declared, filters=filtered, text=query, of=of, tables=tuple(names)))
    with ServerOptions(base_url=base_url, sandbox=sandbox, mailto=mailto, rate=rate).settings(
        declared.dialect
    ) as settings:
        return await in_memory.fetch(request, settings, limit)


def scan(destination: str) -> Tables[pl.LazyFrame]:
    """Return the tables of a published dataset as lazy frames by name, partition columns included.

    Raises StoreError if there is no dataset, or its publication is unfinished.
    """
    return in_memory.scan(path_of(destination))


def fetch_sync(resource: str, **options: Any) -> Tables[pl.DataFrame]:
    """Do `fetch` from code that is not asynchronous, in a notebook's running event loop too."""
    return _finish(fetch(resource, **options))


def _spelled(name: str, value: object) -> str:
    """Write a filter's value as on the command line; UsageError for one that has no such form."""
    if isinstance(value, str | int):
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise UsageError(f"filter {name} does not take {value!r}", fix="give text; several values have commas between them")


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a thread of its own: a notebook's loop is running already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
