"""The sync as a Prefect flow: the same steps and the same bytes as on the command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.sandbox import Corpus, running
from tests.conftest import data_files
from tests.flows.test_export import artifacts
from tests.support.synced import Asked, exported

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]

NOW = datetime(2026, 11, 20, tzinfo=UTC)


async def test_the_flow_brings_a_dataset_up_to_date(prefect: None, tmp_path: Path) -> None:
    """Its result is the command's summary, the dataset equals a fresh export, and the artifacts name the watermark."""
    from flows.steps import slug
    from flows.sync import sync

    to, fresh, asked = tmp_path / "o", tmp_path / "f", Asked(tables=("doi_titles",))
    with running(Corpus.generate(records=40, seed=4)) as box:
        await exported(box.base_url, to, asked, NOW.timestamp())
        box.corpus.update(box.corpus.ids()[:3], at=NOW)
        box.corpus.withdraw(box.corpus.ids()[5:7])
        summary = await sync(str(to))
        assert (summary["changed"], summary["withdrawn"], summary["verdict"]) == (3, 2, "complete")
        await exported(box.base_url, fresh, asked, NOW.timestamp())
    ours = {path: content for path, content in data_files(to).items() if not path.startswith("withdrawn/")}
    assert ours == data_files(fresh)
    assert "Next watermark" in str((await artifacts(f"report-{slug(str(to))}"))[-1].data)
