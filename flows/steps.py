"""What all flows share: steps as tasks, option groups from parameters, and the state at the end of a run.

A flow says what it runs; the rest is here, so that a flow is one small file.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from etl.errors import IncompleteError
from etl.schema.declarations import Json

P = ParamSpec("P")
T = TypeVar("T")
EVENT = "datacite-etl"
_RAISED = "Flow run encountered an exception: "
_FACTS = ("resource", "verdict", "published", "expected", "unique", "requests", "retries", "seconds", "manifest")


async def as_task(name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Take a step as a task of the running flow; its arguments stay in this process.

    Nothing is retried here: the client retries requests, and running a flow again resumes it.
    """

    @task(name=name.partition(" ")[0], task_run_name=name, cache_policy=NO_CACHE, persist_result=False, retries=0)
    async def step() -> T:
        return await function(*args, **kwargs)

    return await step()


def options_from(group: type[T], given: Mapping[str, Json]) -> T:
    """Make an option group from the parameters with the names of its fields; other fields keep their defaults."""
    names = [field.name for field in fields(group) if field.name in given]  # type: ignore[arg-type]
    return group(**{name: given[name] for name in names})


def slug(name: str) -> str:
    """Write a destination as a key of artifacts and events: lower case, digits, dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def emit(kind: str, name: str, facts: Mapping[str, Json]) -> None:
    """Emit the event of a dataset for Prefect's automations: `datacite-etl.complete`, `.incomplete`, `.drifted`, …"""
    resource = {"prefect.resource.id": f"{EVENT}.dataset.{slug(name)}", "prefect.resource.name": name}
    emit_event(f"{EVENT}.{kind}", resource=resource, payload=dict(facts))


async def emit_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Emit `datacite-etl.failed` for a flow that raised or crashed; one with a verdict has emitted its own event."""
    del flow
    message = state.message or ""
    if state.is_crashed() or message.startswith(_RAISED):
        given = flow_run.parameters
        name = next(
            (str(given[key]) for key in ("to", "destination", "dataset", "file") if given.get(key)), flow_run.name
        )
        emit("failed", name, {"error": message.removeprefix(_RAISED), "run": flow_run.name})


def final_state(name: str, summary: Mapping[str, Json]) -> State[dict[str, Any]]:
    """Emit the event of a run, and return the final state of the flow.

    Completed if it was proved, Completed with the name of the verdict (Drifted, Sample, Incomplete) if it was published
    with that verdict, Failed if nothing was published.
    """
    verdict = str(summary["verdict"])
    emit(verdict, name, {key: summary[key] for key in _FACTS} | {"reasons": list(summary["reasons"])[:10]})
    message = f"{verdict}: {summary['unique']} of {summary['expected']} records of {summary['resource']} in {name}"
    if not summary["published"]:
        error = IncompleteError("; ".join(summary["reasons"]), fix="nothing was published; run it again to resume")
        return Failed(data=error, message=f"{message}; {error}")
    state = "Completed" if verdict == "complete" else verdict.capitalize()
    return Completed(name=state, message=message, data=dict(summary))
