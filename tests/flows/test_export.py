"""The Prefect flow: the same steps, the same bytes, and the run on Prefect's pages."""

from pathlib import Path

import pytest

from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import Command, data_files
from tests.support.program import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]

TCIA = "client-id=nihnci.tcia"


async def run_flow(box: Sandbox, to: Path, **options: object) -> dict:
    from flows.export import export

    return await export("dois", str(to), base_url=box.base_url, **options)  # type: ignore[arg-type]


async def artifacts(key: str) -> list:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return sorted(found, key=lambda artifact: artifact.created)


async def test_the_flow_gives_the_same_bytes_as_the_command_line(prefect: None, box: Sandbox, tmp_path: Path) -> None:
    """Flow and command line write the same data files; the flow's result is the command's summary."""
    import asyncio

    options = [
        "--base-url",
        box.base_url,
        "--to",
        str(tmp_path / "cli"),
        "--filter",
        TCIA,
        "--include",
        "client",
        "--quiet",
    ]
    process = await asyncio.create_subprocess_exec(*PROGRAM, "export", "dois", *options)
    assert await process.wait() == 0
    summary = await run_flow(box, tmp_path / "flow", filter=(TCIA,), include="client")
    assert summary["verdict"] == "complete"
    assert data_files(tmp_path / "flow") == data_files(tmp_path / "cli")


async def test_a_run_leaves_artifacts_that_show_its_completeness(prefect: None, box: Sandbox, tmp_path: Path) -> None:
    """There is a table of slices with their counts, and a link to the report."""
    from flows.steps import slug

    await run_flow(box, tmp_path / "o", filter=(TCIA,))
    table = (await artifacts(f"completeness-{slug(str(tmp_path / 'o'))}"))[-1]
    assert '"verdict": "complete"' in str(table.data) or "'verdict': 'complete'" in str(table.data)
    assert str(tmp_path / "o") in str((await artifacts(f"report-{slug(str(tmp_path / 'o'))}"))[-1].data)


async def test_an_incomplete_run_fails_the_flow_and_publishes_nothing(prefect: None, tmp_path: Path) -> None:
    """A server that counts more than it has fails the flow with the reason; nothing is published."""
    from etl.errors import EtlError

    with running(Corpus.generate(records=200, seed=1), faults=["truncate=1.0"]) as box, pytest.raises(EtlError):
        await run_flow(box, tmp_path / "o")
    assert not data_files(tmp_path / "o")


def test_python_m_flows_export_takes_the_options_of_the_command_line(command: Command) -> None:
    """The module can be run and describes its options."""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "flows.export", "--help"], capture_output=True, text=True, check=True)
    assert "--filter" in done.stdout
    assert "--to" in done.stdout
