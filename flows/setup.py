"""What the flows need from a Prefect server, made by one command: a work pool, the shared budget, automations.

`python -m flows.setup` may be repeated; what is there already is brought up to date.
"""

import asyncio
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cyclopts import App
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events import AutomationCore, EventTrigger, Posture
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.exceptions import ObjectNotFound
from prefect.utilities.urls import validate_restricted_url
from prefect.workers.process import ProcessWorker

from etl.api.limits.rate_limit import allowance
from etl.cli.show import Failure, fail
from etl.errors import EtlError, UsageError
from etl.settings import WINDOW_SECONDS, Settings
from flows.budget import LimitTerms
from flows.steps import EVENT

POOL, BUDGET = "exports", "datacite-api"
AUTOMATION = "datacite-etl: an export is incomplete or failed"
ZOMBIES = "datacite-etl: a flow run is dead"
_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDS = ("Completed", "Failed", "Crashed", "Cancelled")
_DIED = "its process has sent no heartbeat; run it again to resume"
BODY = (
    "{{ event.resource.name }}: "
    "{% if event.payload.error %}{{ event.payload.error }}.{% else %}"
    "{{ event.payload.unique }} of {{ event.payload.expected }} records came.{% endif %} "
    "Nothing was published unless that was asked for; run the flow again to fetch the rest."
)
app = App(name="python -m flows.setup", result_action="return_value")


@app.default
def setup(  # noqa: PLR0913 (options of the program)
    *,
    rate: int = allowance(Settings()),
    window: float = WINDOW_SECONDS,
    budget: str = BUDGET,
    pool: str = POOL,
    side_by_side: int = 4,
    notify: str = "",
    private: bool = False,
    dead_after: float = 300.0,
    secret: tuple[str, ...] = (),
) -> None:
    """Create the work pool, the budget that all flows share, and the automations for dead runs and incomplete exports.

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
    dead_after
        Seconds without a heartbeat after which a run counts as crashed; 300 by default. Its worker died with it.
    secret
        VARIABLE=BLOCK: the worker opens that Secret block when a run begins, and the run has its value in the variable;
        may be repeated, e.g. `--secret DATACITE_ETL_TOKEN=datacite-token`.
    """
    blocks = dict(map(_pair, secret))
    work = Pool(name=pool, side_by_side=side_by_side, blocks=blocks)
    hook = Webhook(notify, private=private) if notify else None
    asyncio.run(_setup(LimitTerms.of(rate, window), budget, work, hook, timedelta(seconds=dead_after)))


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that Prefect will call; UsageError for one that it would refuse to call, silently, every time."""

    url: str
    private: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        host = _host(self.url)
        if not host:
            raise UsageError("--notify is not the address of a webhook", fix="begin it with https://")
        if self.private:
            return
        try:
            validate_restricted_url(self.url)
        except ValueError as error:
            fix = "add --private if that is intended"
            raise UsageError(f"--notify: {host} is private, or not known here", fix=fix) from error


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


def _host(url: str) -> str:
    """Return the host of a web address, or nothing for other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""


async def _setup(terms: LimitTerms, budget: str, pool: Pool, webhook: Webhook | None, silence: timedelta) -> None:
    async with get_client() as client:
        await _pool(client, pool)
        await client.upsert_global_concurrency_limit_by_name(budget, terms.slots, terms.decay)
        block = await _webhook_block(webhook) if webhook else None
        if block:
            await _automate(client, _notification(block))
        await _automate(client, _end_of_zombies(block, silence))


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


async def _webhook_block(webhook: Webhook) -> UUID:
    block = CustomWebhookNotificationBlock(
        name="incomplete",
        url=webhook.url,
        method="POST",
        json_data={"text": "{{subject}}\n{{body}}"},
        headers=None,
        cookies=None,
        allow_private_urls=webhook.private,
    )
    return UUID(str(await block.save("datacite-etl-incomplete", overwrite=True)))


def _notification(block: UUID) -> AutomationCore:
    return AutomationCore(
        name=AUTOMATION,
        description="Notifies people when an export is incomplete or fails.",
        trigger=EventTrigger(
            expect={f"{EVENT}.incomplete", f"{EVENT}.failed"},
            match={"prefect.resource.id": f"{EVENT}.dataset.*"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=block, subject="DataCite export not complete", body=BODY)],
    )


def _end_of_zombies(block: UUID | None, silence: timedelta) -> AutomationCore:
    """Return the automation for runs whose worker died: nobody else ends them, and they block their deployment."""
    crashed = ChangeFlowRunState(name="Crashed", state=StateType.CRASHED, message=_DIED, force=False)
    body = f"{{{{ flow_run.name }}}}: {_DIED}"
    notify = [SendNotification(block_document_id=block, subject=ZOMBIES, body=body)] if block else []
    return AutomationCore(
        name=ZOMBIES,
        description="Marks flow runs as crashed that stay Running although their process is gone.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *(f"prefect.flow-run.{end}" for end in _ENDS)},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
        ),
        actions=[crashed, *notify],
    )


async def _automate(client: PrefectClient, wanted: AutomationCore) -> None:
    there = await client.read_automations_by_name(wanted.name)
    if there:
        await client.update_automation(there[0].id, wanted)
    else:
        await client.create_automation(wanted)


def main() -> None:
    """Run this module as a program: an error ends in one line."""
    try:
        app()
    except EtlError as error:
        sys.exit(fail(Failure(error.message, error.fix, error.exit_code), json=False))


if __name__ == "__main__":
    main()
