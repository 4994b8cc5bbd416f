"""What the flows need from a Prefect server, made by one command: a work pool, the shared budget, a notification.

`python -m flows.setup` may be repeated; what is there already is brought up to date.
"""

import asyncio
from datetime import timedelta

from cyclopts import App
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.events import AutomationCore, EventTrigger, Posture
from prefect.events.actions import SendNotification
from prefect.exceptions import ObjectNotFound

from etl.budget import allowance
from etl.config import WINDOW_SECONDS, Settings
from flows.budget import Terms
from flows.steps import EVENT

POOL, BUDGET = "exports", "datacite-api"
AUTOMATION = "datacite-etl: an export is incomplete"
BODY = (
    "{{ event.resource.name }}: {{ event.payload.unique }} of {{ event.payload.expected }} records came. "
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
        Address of a webhook (Slack, Teams, your own) that gets `{"text": ...}` when an export is incomplete.
    private
        Allow a webhook on this machine or in a private network.
    """
    asyncio.run(_setup(Terms.of(rate, window), budget, pool, side_by_side=side_by_side, webhook=(notify, private)))


async def _setup(terms: Terms, budget: str, pool: str, *, side_by_side: int, webhook: tuple[str, bool]) -> None:
    async with get_client() as client:
        await _pool(client, pool, side_by_side)
        await client.upsert_global_concurrency_limit_by_name(budget, terms.slots, terms.decay)
        if webhook[0]:
            await _notification(client, *webhook)


async def _pool(client: PrefectClient, name: str, side_by_side: int) -> None:
    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process", concurrency_limit=side_by_side))
    else:
        await client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=side_by_side))


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
        description="Tells people when an export did not get every record.",
        trigger=EventTrigger(
            expect={f"{EVENT}.incomplete"},
            match={"prefect.resource.id": f"{EVENT}.dataset.*"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=identity, subject="DataCite export incomplete", body=BODY)],
    )
    there = await client.read_automations_by_name(AUTOMATION)
    if there:
        await client.update_automation(there[0].id, wanted)
    else:
        await client.create_automation(wanted)


if __name__ == "__main__":
    app()
