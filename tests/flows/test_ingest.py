"""The ingest as a Prefect flow: the bytes of the command line, one task per part, and a failed one resumed."""

import asyncio
import shutil
from pathlib import Path

import pytest

from etl import cli
from etl.errors import StoreError
from etl.sandbox import Corpus, datafile
from tests.conftest import data_files
from tests.flows.test_export import artifacts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data file of a dozen parts."""
    folder = tmp_path_factory.mktemp("file")
    datafile.write_data_file(Corpus.generate(records=60, seed=5), folder, part_records=5)
    return folder


async def artifact(name: str, to: Path) -> str:
    from flows.steps import slug

    return str((await artifacts(f"{name}-{slug(str(to))}"))[-1].data)


async def test_the_flow_gives_the_same_bytes_as_the_command_line(
    prefect: None, published: Path, tmp_path: Path
) -> None:
    """Flow and command line write the same tables; the artifacts show their completeness and the watermark."""
    from flows.ingest import ingest

    options = [str(published), "--to", str(tmp_path / "cli"), "--partition-by", "none", "--quiet"]
    assert await asyncio.to_thread(cli.run, ["ingest", *options]) == 0
    summary = await ingest(str(published), str(tmp_path / "flow"), partition_by="none")
    assert (summary["verdict"], summary["unique"]) == ("complete", 60)
    ours, theirs = (
        {name: data for name, data in data_files(tmp_path / to).items() if "withdrawn" not in name}
        for to in ("flow", "cli")
    )
    assert ours == theirs
    assert await artifact("progress", tmp_path / "flow") == "100"
    assert "complete" in await artifact("completeness", tmp_path / "flow")
    assert "Next watermark" in await artifact("report", tmp_path / "flow")


def damaged(folder: Path) -> tuple[Path, bytes]:
    """Change a byte of the last part; return the part and its original content."""
    last = max(folder.rglob("part_*.jsonl.gz"))
    content = last.read_bytes()
    last.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    return last, content


async def test_a_failed_ingest_is_gone_on_with(prefect: None, published: Path, tmp_path: Path) -> None:
    """A damaged part fails the flow by name and publishes nothing; once it is whole the flow completes."""
    from flows.ingest import ingest

    copy = Path(shutil.copytree(published, tmp_path / "file"))
    last, content = damaged(copy)
    with pytest.raises(StoreError, match=last.name.partition(".")[0]):
        await ingest(str(copy), str(tmp_path / "o"), partition_by="none")
    assert not data_files(tmp_path / "o")
    last.write_bytes(content)
    summary = await ingest(str(copy), str(tmp_path / "o"), partition_by="none")
    assert summary["verdict"] == "complete"
