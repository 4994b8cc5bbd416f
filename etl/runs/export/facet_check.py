"""Compare the API's facets with the exported main table: one request at the end of a run.

`completeness` decides what agrees and what a cut-off list may omit; differences are shown, not judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

import polars as pl

from etl.completeness import verdict
from etl.completeness.verdict import FacetCheck
from etl.dataset.manifest import TableFacts
from etl.dataset.reader import reader
from etl.errors import AnswerError
from etl.events import Noted
from etl.runs.context import Run
from etl.schema.declarations import Facet, Json
from etl.storage import paths

APPROXIMATE = 200
"""A list that is cut off is counted by shards: it may miss one record in this many (api-notes 4.10)."""


async def request_facets(run: Run) -> Mapping[str, Json]:
    """Request the facets that the main table has; nothing for a sample, and nothing if the API does not respond."""
    facets = _comparable(run)
    if not facets or run.delivery.limit is not None:
        return {}
    try:
        return await run.client.facets(run.query, tuple(facets))
    except AnswerError as error:
        run.observe(Noted(text=f"facets were not compared: {error}"))
        return {}


def checks(run: Run, meta: Mapping[str, Json], tables: Mapping[str, TableFacts]) -> tuple[FacetCheck, ...]:
    """Compare the requested facets with the staged main table."""
    facets = _comparable(run) if meta else {}
    columns = {facet.column for facet in facets.values() if facet.column}
    counted = _counted(run, tables, sorted(columns)) if columns else {}
    return tuple(compare_facets(facets.values(), meta, counted, dashed=run.query.resource.dialect == "v1"))


def compare_facets(
    facets: Iterable[Facet],
    meta: Mapping[str, Json],
    counted: Mapping[str, Mapping[str, int]],
    *,
    dashed: bool = False,
) -> Iterator[FacetCheck]:
    """Yield a check for each facet in `meta` whose column has values; `dashed` as in `buckets`."""
    for facet in facets:
        buckets = verdict.buckets(meta.get(facet.name), dashed=dashed)
        own = counted.get(facet.column or "", {})
        if buckets and own:
            total = sum(own.values())
            yield verdict.reconcile(
                facet.name,
                buckets,
                _of_years(facet, buckets, own) if _years(facet) else own,
                size=facet.size,
                tolerance=total // APPROXIMATE,
            )


def _comparable(run: Run) -> dict[str, Facet]:
    main = run.query.resource.main
    exported = run.layout.wanted
    known = {column.name for column in main.columns}
    return {
        facet.name: facet
        for facet in run.query.resource.facets
        if main in exported and facet.table == main.name and facet.column in known
    }


def _years(facet: Facet) -> bool:
    return bool(facet.column and facet.column.endswith("_year"))


def _of_years(facet: Facet, buckets: list[tuple[str, int]], own: Mapping[str, int]) -> dict[str, int]:
    """Omit the years that the API does not list: future ones, and older ones if the list is cut off."""
    listed = [int(name) for name, _ in buckets if name.isdecimal()]
    oldest = min(listed, default=0) if len(buckets) >= facet.size else 0
    return {year: count for year, count in own.items() if oldest <= int(year) <= max(listed, default=0)}


def _counted(run: Run, tables: Mapping[str, TableFacts], columns: list[str]) -> dict[str, dict[str, int]]:
    """Count the records of the staged main table by the values of columns, file by file."""
    main = run.query.resource.main
    schema = run.layout.columns(main)
    sink = reader(run.layout)
    sums: dict[str, dict[str, int]] = {name: {} for name in columns}
    for file in tables[run.layout.prefix + main.name].files:
        if file.path.endswith(sink.suffix):
            with run.files.open(paths.staged(file.path)) as source:
                frame = sink.read(source, schema, [name for name in columns if name in schema])
            for column in frame.get_columns():
                _add(sums[column.name], column)
            for name, value in _partition(file.path):
                if name in sums:
                    sums[name][value] = sums[name].get(value, 0) + file.rows
    return sums


def _partition(path: str) -> Iterator[tuple[str, str]]:
    """Yield the partition columns of a file with their values, except nulls."""
    for folder in path.split("/")[1:-1]:
        name, _, value = folder.partition("=")
        if value != paths.NULL:
            yield name, unquote(value)


def _add(sums: dict[str, int], column: pl.Series) -> None:
    for value, count in column.drop_nulls().value_counts().iter_rows():
        sums[str(value)] = sums.get(str(value), 0) + int(count)
