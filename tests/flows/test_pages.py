"""A run on Prefect's own pages, in a real browser; `SCREENSHOTS` names a folder for pictures."""

import os
from pathlib import Path
from typing import Any

import pytest

from etl.sandbox import Corpus, running
from tests.flows.server import Server
from tests.support.browser import Tab, needs_chromium, opened
from tests.support.miscounting import overcounting

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]

ARTIFACTS = """
[...document.querySelectorAll("*")].findLast(e => !e.children.length && e.textContent.trim() == "Artifacts").click()
"""


async def look(tab: Tab, url: str, name: str, *texts: str) -> None:
    """Open a page, wait for its texts, and keep a picture of it."""
    await tab.open(url)
    await seen(tab, name, *texts)


async def seen(tab: Tab, name: str, *texts: str) -> None:
    """Wait for texts on the open page, and keep a picture of it."""
    await tab.shows(*texts)
    picture = await tab.screenshot()
    assert picture.startswith(b"\x89PNG")
    if folder := os.environ.get("SCREENSHOTS"):
        (Path(folder) / f"{name}.png").write_bytes(picture)


def run_of(server: Server, to: Path) -> dict[str, Any]:
    """Return the flow run that wrote to a destination."""
    runs = server.post("/flow_runs/filter", {"flow_runs": {"name": {"like_": str(to)}}})
    found: dict[str, Any] = runs[0]
    return found


def artifacts(server: Server, run: dict[str, Any]) -> dict[str, str]:
    """Return the ids of a run's artifacts by the first word of their keys."""
    found = server.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    return {one["key"].partition("-")[0]: one["id"] for one in found}


async def test_a_complete_run_is_to_be_read_on_prefects_pages(prefect: None, server: Server, tmp_path: Path) -> None:
    """The run's page names the export and each step; the artifacts show slices, rows and the next steps."""
    from flows.export import export

    to, pages = tmp_path / "tcia", server.api.removesuffix("/api")
    with running(Corpus.generate(records=12_000, seed=3)) as box:
        await export("dois", str(to), tables="doi_titles,doi_creators", base_url=box.base_url)
    run = run_of(server, to)
    own = artifacts(server, run)
    async with opened(pages) as tab:
        await tab.prefer("light")
        await look(tab, f"{pages}/runs/flow-run/{run['id']}", "run", f"dois to {to}", "Completed", "prove and publish")
        await tab.run(ARTIFACTS)
        await seen(tab, "run-artifacts", "complete: 12,000")
        for name, text in {
            "completeness": "expected before",
            "tables": "doi_creators",
            "report": "Next watermark",
            "progress": "12,000 of 12,000 records",
        }.items():
            await look(tab, f"{pages}/artifacts/artifact/{own[name]}", name, text)


async def test_an_incomplete_run_says_so_where_people_look_first(prefect: None, server: Server, tmp_path: Path) -> None:
    """The state of a failed run says how many records are missing; its table begins with the worst slice."""
    from flows.export import export

    to, pages = tmp_path / "short", server.api.removesuffix("/api")
    with overcounting(Corpus.generate(records=50, seed=1)) as url:
        await export("dois", str(to), tables="doi_titles", base_url=url, return_state=True)  # type: ignore[call-arg]
    run = run_of(server, to)
    own = artifacts(server, run)
    async with opened(pages) as tab:
        await tab.prefer("light")
        await look(tab, f"{pages}/runs/flow-run/{run['id']}?tab=Details", "failed", "Failed")
        await look(tab, f"{pages}/artifacts/artifact/{own['completeness']}", "failed-completeness", "incomplete")
        await look(tab, f"{pages}/artifacts/artifact/{own['report']}", "failed-report", "50 of 51")
