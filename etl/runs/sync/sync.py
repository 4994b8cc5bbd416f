"""The conductor of a sync: fetch what was updated, find what is gone or lacking, merge, prove, publish.

The changed records are asked for as a query of their own, with the watermark as a bound on `updated`, and are cut into
slices on `created` like any export: that time never changes, so a record that is updated once more meanwhile stays in
its slice, and days with millions of updates are cut like everything else. What is compared and how rows are merged is
decided elsewhere.
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
from etl.runs.export import export
from etl.runs.sync import incoming
from etl.runs.sync.finish import SyncOutcome, close
from etl.runs.sync.reconcile import reconcile
from etl.schema.declarations import Paging
from etl.steps import Step, directly
from etl.storage import paths

PURPOSE = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a sync is to look: `overlap` in seconds; `every_id` compares ids also where the counts agree."""

    overlap: int = watermark.OVERLAP
    every_id: bool = False


async def sync(run: Run, wish: Wish | None = None, step: Step = directly) -> SyncOutcome:
    """Bring the run's dataset up to date; nothing was published if the outcome says so.

    `step` does each step, given its name, so that a shell may make a task of it.
    """
    wish = wish or Wish()
    own = await _fetching(run, wish)
    planned = await step("plan", plan, own, noun="record" if own.query == run.query else "changed record")
    parts = list(planned.parts)
    await export.fetch(own, parts, step)
    settled = await step("reconcile", reconcile, own, run, parts, planned.as_of, every_id=wish.every_id)
    return await step("merge and publish", close, run, planned, settled)


async def _fetching(run: Run, wish: Wish) -> Run:
    """Return the run that fetches what has changed; the server is asked for its time first."""
    held = published_manifest(run.files)
    await run.client.count(run.query)
    since = watermark.begin(held.watermark, wish.overlap, now=run.client.server_time())
    return replace(run, query=changed(run.query, since), layout=incoming.layout(run.layout))


def changed(query: Query, since: int | None) -> Query:
    """Narrow a query to what was updated from a second on; the query itself where the list cannot be asked so."""
    resource = query.resource
    by_id = any(name == "ids" for name, _ in query.filters)  # the server ignores everything beside it (api-notes 4.3)
    if since is None or by_id or resource.paging is not Paging.CURSOR or "updated" not in resource.windows:
        return query
    clause = Window(since, None).clause(resource.windows["updated"])
    return replace(query, text=f"({query.text}) AND {clause}" if query.text else clause)


async def plan(own: Run, noun: str = "record") -> Plan:
    """Return the plan of the unfinished sync in the destination, or count and make one; `noun` is what it fetches."""
    if (kept := own.store.plan()) is not None:
        planned = decode_plan(kept)
        own.observe(Noted(text="going on with the unfinished sync of this destination"))
        export.forget_short(own, planned)
    else:
        cut = await export.count(own)
        parts = tuple(replace(each, key=paths.again(own.started, each.key)) for each in cut.parts)
        planned = replace(cut, parts=parts)
        own.store.begin(own.claim, msgspec.to_builtins(planned), started=own.started)
    requests = planned.requests(own.query.page_size)
    own.observe(Planned(slices=len(planned.slices), records=planned.total, requests=requests, noun=noun))
    return planned
