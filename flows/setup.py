"""What the flows need from a Prefect server, made by one command: a work pool, the shared budget, a notification.

`python -m flows.setup` may be repeated; what is there already is brought up to date.
"""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cyclopts import App
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.events import AutomationCore, EventTrigger, Posture
from prefect.events.actions import SendNotification
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from etl.api.limits.rate_limit import allowance
from etl.errors import UsageError
from etl.settings import WINDOW_SECONDS, Settings
from flows.budget import LimitTerms
from flows.steps import EVENT

POOL, BUDGET = "exports", "datacite-api"
AUTOMATION = "datacite-etl: an export is incomplete or failed"
BODY = (
    "{{ event.resource.name }}: "
    "{% if event.payload.error %}{{ event.payload.error }}.{% else %}"
    "{{ event.payload.unique }} of {{ event.payload.expected }} records came.{% endif %} "
    "Nothing was published unless that was asked for; run the flow again to fetch the rest."
)
app = App(name="python -m flows.setup", result_action="return_value")


@app.default
def setup(
    *,
    rate: int = allowance(Settings()),
    window: float = WINDOW_SECONDS,
    budget: str = BUDGET,
    pool: str = POOL,
    side_by_side: int = 4,
    notify: str = "",
    private: bool = False,
    secret: tuple[str, ...] = (),
) -> None:
    """Create the work pool, the budget that all flows share, and the notification of incomplete exports.

    Parameters
    ----------
    rate
        Requests that the whole installation may send in a window: 475, 950 with an e-mail address, 2850 with
        credentials.
    window
        Seconds in which the server counts requests.
    budget
        Name of the global concurrency limit.
    pool
        Name of the work pool.
    side_by_side
        Flow runs at work at once in the pool.
    notify
        Address of a webhook (Slack, Teams, your own) that gets `{"text": ...}` when an export is incomplete or
        breaks.
    private
        Allow a webhook on this machine or in a private network.
    secret
        VARIABLE=BLOCK: the worker opens that Secret block when a run begins, and the run has its value in the variable;
        may be repeated, e.g. `--secret DATACITE_ETL_TOKEN=datacite-token`.
    """
    blocks = dict(map(_pair, secret))
    work = Pool(name=pool, side_by_side=side_by_side, blocks=blocks)
    asyncio.run(_setup(LimitTerms.of(rate, window), budget, work, webhook=(notify, private)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The work pool that is wanted; `blocks` are names of Secret blocks by variable of the runs' environment."""

    name: str
    side_by_side: int
    blocks: Mapping[str, str]

    def template(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return a pool's template of runs with the references to the blocks in it.

        They must not be in a deployment: `prefect deploy` would open the blocks and store their content.
        """
        template = deepcopy(before or ProcessWorker.get_default_base_job_template())
        environment = template["variables"]["properties"].setdefault("env", {"type": "object"})
        held = {variable: f"{{{{ prefect.blocks.secret.{block} }}}}" for variable, block in self.blocks.items()}
        environment["default"] = {**(environment.get("default") or {}), **held}
        return template


async def _setup(terms: LimitTerms, budget: str, pool: Pool, *, webhook: tuple[str, bool]) -> None:
    async with get_client() as client:
        await _pool(client, pool)
        await client.upsert_global_concurrency_limit_by_name(budget, terms.slots, terms.decay)
        if webhook[0]:
            await _notification(client, *webhook)


async def _pool(client: PrefectClient, wanted: Pool) -> None:
    try:
        before = (await client.read_work_pool(wanted.name)).base_job_template
    except ObjectNotFound:
        before = {}
        await client.create_work_pool(WorkPoolCreate(name=wanted.name, type="process"))
    changed = WorkPoolUpdate(concurrency_limit=wanted.side_by_side)
    if wanted.blocks:
        changed.base_job_template = wanted.template(before)
    await client.update_work_pool(wanted.name, changed)


def _pair(text: str) -> tuple[str, str]:
    variable, equals, block = text.partition("=")
    if not (variable and equals and block):
        raise UsageError(f"--secret {text!r} is not VARIABLE=BLOCK", fix="write DATACITE_ETL_TOKEN=datacite-token")
    return variable, block


async def _notification(client: PrefectClient, url: str, private: bool) -> None:
    block = CustomWebhookNotificationBlock(
        name="incomplete",
        url=url,
        method="POST",
        json_data={"text": "{{subject}}\n{{body}}"},
        headers=None,
        cookies=None,
        allow_private_urls=private,
    )
    identity = await block.save("datacite-etl-incomplete", overwrite=True)
    wanted = AutomationCore(
        name=AUTOMATION,
        description="Notifies people when an export is incomplete or fails.",
        trigger=EventTrigger(
            expect={f"{EVENT}.incomplete", f"{EVENT}.failed"},
            match={"prefect.resource.id": f"{EVENT}.dataset.*"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=identity, subject="DataCite export not complete", body=BODY)],
    )
    there = await client.read_automations_by_name(AUTOMATION)
    if there:
        await client.update_automation(there[0].id, wanted)
    else:
        await client.create_automation(wanted)


if __name__ == "__main__":
    app()
