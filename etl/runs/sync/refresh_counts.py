"""Refresh only the counts: views, downloads and citations change without `updated` (api-notes 3.6).

Only the counts of each record are requested, and only main tables with other counts are rewritten. The set of records,
and what the dataset proves, stays the same: `sync` updates them.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace

import polars as pl

from etl.api.query import Query
from etl.api.window import iso
from etl.completeness.slices import Plan
from etl.completeness.verdict import State, Verdict
from etl.dataset import reader
from etl.dataset.manifest import DataFile, Manifest, TableFacts
from etl.dataset.reader import Place, Published
from etl.dataset.request import Delivery
from etl.dataset.store import published_manifest
from etl.errors import UsageError
from etl.records import row_changes
from etl.records.parser import Parser
from etl.runs.context import Run
from etl.runs.export import commit, export
from etl.runs.sync import carry_over, finish, incoming, merge, sync
from etl.runs.sync.finish import SyncOutcome
from etl.runs.sync.incoming import Incoming, Rows
from etl.schema.declarations import Json, Resource
from etl.staging import part as part_files
from etl.steps import Step, directly


async def refresh(run: Run, step: Step = directly) -> SyncOutcome:
    """Bring the counts of the run's dataset up to date; the outcome says whether it was published."""
    if run.layout.lines:
        raise UsageError("NDJSON holds records as received, with their counts", fix="run sync without --metrics")
    query = counts_query(run.query)
    bare = replace(run.layout, resource=query.resource, partition_by=(), tables=())
    own = replace(
        run,
        query=query,
        layout=incoming.incoming_layout(bare),
        parser=Parser(query.resource),
        related={},
        delivery=Delivery(),
    )
    planned = await step("plan", sync.plan, own)
    parts = list(planned.parts)
    await export.fetch_parts(own, parts, step)
    return await step("merge and publish", merge_and_publish, run, own, planned)


def counts_query(query: Query) -> Query:
    """Return the query for the counts of the same records; UsageError for a resource without any."""
    resource = query.resource
    counts = [column for column in resource.main.columns if column.name.endswith("_count") and column.path]
    if not counts:
        raise UsageError(f"{resource.name} has no counts to refresh", fix="run sync without --metrics")
    names = [str(column.path).removeprefix("attributes.") for column in counts]
    main = replace(resource.main, columns=(resource.key, *counts))
    params = {**resource.params, f"fields[{resource.type}]": ",".join(names)}
    bare: Resource = replace(resource, tables=(main,), includes=(), params=params)
    return replace(query, resource=bare, include=(), tables=(), detail=False)


async def merge_and_publish(run: Run, own: Run, planned: Plan) -> SyncOutcome:
    """Merge the counts into the dataset and publish it, unless records are missing."""
    return await run.in_thread(_merge_and_publish, run, own, planned)


def _merge_and_publish(run: Run, own: Run, planned: Plan) -> SyncOutcome:
    before = published_manifest(run.files)
    standing = reader.open_published(run.files, run.layout, before)
    receipts = [group for part in planned.parts for group in part_files.read_receipts(run.files, part.key)]
    came = incoming.gather(run.files, own.layout, receipts)
    main = run.layout.prefix + run.layout.resource.main.name
    counts = came.rows(came.layout.resource.main)
    merged = {place: _merged(run, standing, came, counts, place) for place in standing.places}
    stale = {file.path for place, (new, _) in merged.items() if new for file in standing.tables[main][place]}
    for file in (file for facts in before.tables.values() for file in facts.files if file.path not in stale):
        run.store.keep(file.path)
    fresh = [file for new, _ in merged.values() for file in new]
    carry_over.carry_over(run.store, [receipt.key for receipt in receipts], replaced=_no_keys(), withdrawn=_no_keys())
    feed = row_changes.feed(
        run.layout.resource.key.name,
        added=_no_keys(),
        changed=[differences for _, differences in merged.values()],
        withdrawn=_no_keys(),
        order=[column.name for column in run.layout.resource.main.columns],
    )
    files = [*(file for file in before.tables[main].files if file.path not in stale), *fresh]
    short = finish.shortfall_reasons(finish.short_slices(run, planned))
    latest, feed_file = finish.describe_change(run, feed, receipts)
    proof = replace(_proof(run, before, {main: files}, short), changes=(*before.history, latest))
    state = State.INCOMPLETE if short else State.COMPLETE
    verdict = Verdict(state=state, unique=before.totals.unique, missing=len(short), reasons=short)
    return SyncOutcome(outcome=commit.publish(run, proof, verdict, feed_file))


def _merged(
    run: Run, standing: Published, came: Incoming, counts: Rows, place: Place
) -> tuple[list[DataFile], pl.DataFrame]:
    """Stage the main table of one place if counts differ; return its files, none if it stays, and the differences."""
    resource, main = run.layout.resource, run.layout.resource.main
    key, names = resource.key.name, list(came.layout.resource.main.columns[1:])
    old = standing.frame(main, place)
    wanted = came.keys.join(old.select(pl.col(key).alias("key")), on="key", how="semi")
    new = counts(wanted).with_columns(pl.lit(value=True).alias(_MATCHED))
    both = old.join(new, on=key, how="left", suffix=_NEW, maintain_order="left")
    fresh = both.with_columns(
        pl.when(_MATCHED).then(pl.col(column.name + _NEW)).otherwise(pl.col(column.name)).alias(column.name)
        for column in names
    ).select(old.columns)
    differences = row_changes.changed_columns(old, fresh, key)
    return (
        list(merge.write_place(run.store, run.layout, main, place, fresh)) if differences.height else []
    ), differences


_MATCHED, _NEW = " matched", " new"


def _proof(run: Run, before: Manifest, files: Mapping[str, list[DataFile]], short: tuple[str, ...]) -> Manifest:
    """Return the new manifest: its proof is as before, with some new files and the latest run."""
    changed = {name: _with_files(before.tables[name], new) for name, new in files.items()}
    run_facts: dict[str, Json] = asdict(commit.provenance(run))
    proof = replace(before, **run_facts, tables={**before.tables, **changed}, metrics=iso(int(run.started)))
    return replace(proof, verdict=State.INCOMPLETE, reasons=short) if short else proof


def _with_files(facts: TableFacts, files: list[DataFile]) -> TableFacts:
    return replace(facts, files=tuple(sorted(files, key=lambda file: file.path)))


def _no_keys() -> pl.Series:
    return pl.Series("key", dtype=pl.String)
