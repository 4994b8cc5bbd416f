"""Conduct a sync: fetch updated records, find withdrawn or missing ones, merge, prove, publish.

The changed records are a query of their own, with the watermark as a bound on `updated`, cut into slices on `created`
like any export: that time never changes, so a record that is updated again meanwhile stays in its slice, and days with
millions of updates are cut like everything else. Other modules compare records and merge rows.
"""

from dataclasses import dataclass, replace

import msgspec

from etl.api.query import Query
from etl.api.window import Window
from etl.completeness import watermark
from etl.completeness.slices import Plan, decode_plan
from etl.dataset.store import published_manifest
from etl.events import Noted, Planned
from etl.runs.context import Run
from etl.runs.export import as_of, export
from etl.runs.sync import incoming
from etl.runs.sync.finish import SyncOutcome, merge_and_publish
from etl.runs.sync.reconcile import reconcile
from etl.schema.declarations import Paging
from etl.steps import Step, directly
from etl.storage import paths


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncScope:
    """How much a sync checks: `overlap` in seconds before the watermark; with `every_id` all ids are compared."""

    overlap: int = watermark.OVERLAP
    every_id: bool = False


async def sync(run: Run, scope: SyncScope | None = None, step: Step = directly) -> SyncOutcome:
    """Bring the run's dataset up to date; the outcome says whether it was published.

    `step` runs each step, given its name, so that a shell may make a task of it.
    """
    scope = scope or SyncScope()
    own = await _fetching(run, scope)
    planned = await step("plan", plan, own, noun="record" if own.query == run.query else "changed record")
    parts = list(planned.parts)
    await export.fetch_parts(own, parts, step)
    settled = await step("reconcile", reconcile, own, run, parts, planned.as_of, every_id=scope.every_id)
    as_of.note_a_jump(run)
    return await step("merge and publish", merge_and_publish, run, planned, settled)


async def _fetching(run: Run, scope: SyncScope) -> Run:
    """Return the run that fetches the changed records; the first request returns the server's time."""
    held = published_manifest(run.files)
    await run.client.count(run.query)
    since = watermark.begin(held.watermark, scope.overlap, now=run.client.server_time())
    return replace(run, query=changed_query(run.query, since), layout=incoming.incoming_layout(run.layout))


def changed_query(query: Query, since: int | None) -> Query:
    """Narrow a query to records updated since a second; the query itself if the list cannot be filtered like this."""
    resource = query.resource
    by_id = any(name == "ids" for name, _ in query.filters)  # the server then ignores all other filters (api-notes 4.3)
    if since is None or by_id or resource.paging is not Paging.CURSOR or "updated" not in resource.windows:
        return query
    clause = Window(since, None).clause(resource.windows["updated"])
    return replace(query, text=f"({query.text}) AND {clause}" if query.text else clause)


async def plan(own: Run, noun: str = "record") -> Plan:
    """Return the plan of the unfinished sync at the destination, or make a new one; `noun` names what it fetches."""
    if (kept := own.store.plan()) is not None:
        planned = decode_plan(kept)
        own.observe(Noted(text="resuming the unfinished sync of this destination"))
        export.discard_short_parts(own, planned)
    else:
        cut = await export.count_slices(own)
        parts = tuple(replace(part, key=paths.refetched_part(own.started, part.key)) for part in cut.parts)
        planned = replace(cut, parts=parts)
        own.store.begin(own.claim, msgspec.to_builtins(planned), started=own.started)
    requests = planned.requests(own.query.page_size)
    own.observe(Planned(slices=len(planned.slices), records=planned.total, requests=requests, noun=noun))
    return planned
