"""The job file as a flow, and the states of flows after their runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from etl.errors import IncompleteError, TransientError
from etl.sandbox import Corpus, Sandbox
from tests.flows.server import Server, eventually
from tests.flows.test_export import artifacts
from tests.support.miscounting import overcounting

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]

SUMMARY = {
    "resource": "dois",
    "published": True,
    "expected": 3,
    "unique": 3,
    "requests": 4,
    "retries": 0,
    "seconds": 1.0,
    "manifest": "m",
    "reasons": [],
}


def written(tmp_path: Path, *urls: str) -> str:
    """Write a job file with an export of clients from each server, with its own defaults."""
    entries = (f'[[export]]\nresource = "clients"\nto = "{tmp_path}/{number}"\n' for number in range(2))
    path = tmp_path / "many.toml"
    path.write_text(f'[defaults]\nbase-url = "{urls[0]}"\n' + "".join(entries))
    return str(path)


async def test_the_flow_does_every_entry_of_the_file(prefect: None, box: Sandbox, tmp_path: Path) -> None:
    """All datasets exist, and one table shows the result of each entry."""
    from flows.run import run
    from flows.steps import slug

    file = written(tmp_path, box.base_url)
    summary = await run(file)
    assert summary["verdicts"] == {"complete": 2}
    assert all((tmp_path / name / "_etl" / "manifest.json").is_file() for name in ("0", "1"))
    assert '"verdict": "complete"' in str((await artifacts(f"run-{slug(file)}"))[-1].data)


async def test_an_entry_that_is_incomplete_fails_the_flow_by_name(prefect: None, tmp_path: Path) -> None:
    """The failure names the unpublished datasets."""
    from flows.run import run

    with overcounting(Corpus.generate(records=50, seed=1)) as url, pytest.raises(IncompleteError, match=str(tmp_path)):
        await run(written(tmp_path, url))


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("complete", "Completed"), ("drifted", "Drifted"), ("sample", "Sample"), ("incomplete", "Incomplete")],
)
async def test_what_is_published_completes_under_the_name_of_its_verdict(
    prefect: None, verdict: str, state: str
) -> None:
    """Only a proved run is plainly Completed; the others say what they are."""
    from prefect import flow

    from flows.steps import final_state

    @flow(name="ending")
    def ending() -> object:
        return final_state("somewhere", {**SUMMARY, "verdict": verdict})

    found = ending(return_state=True)
    assert (found.type.value, found.name) == ("COMPLETED", state)


async def test_what_is_not_published_fails_with_its_reasons(prefect: None) -> None:
    """The state's message has the counts and the reasons."""
    from prefect import flow

    from flows.steps import final_state

    @flow(name="ending")
    def ending() -> object:
        short = {"verdict": "incomplete", "published": False, "unique": 2, "reasons": ["slice a: 1 short"]}
        return final_state("somewhere", SUMMARY | short)

    found = ending(return_state=True)
    assert found.type.value == "FAILED"
    assert "2 of 3 records" in str(found.message)
    assert "slice a: 1 short" in str(found.message)


async def test_a_flow_that_breaks_is_told_to_automations(prefect: None, server: Server, tmp_path: Path) -> None:
    """The event `datacite-etl.failed` has the destination and the text of the error."""
    from flows.export import export

    to = tmp_path / "o"
    with pytest.raises(TransientError):
        await export("dois", str(to), base_url="http://127.0.0.1:9", attempts=1, patience=0.0)

    def heard() -> dict[str, Any] | None:
        found = server.post("/events/filter", {"filter": {"event": {"name": ["datacite-etl.failed"]}}})["events"]
        return next((one for one in found if one["resource"]["prefect.resource.name"] == str(to)), None)

    event = await asyncio.to_thread(eventually, heard, 60, "the event")
    assert "127.0.0.1:9" in event["payload"]["error"]
