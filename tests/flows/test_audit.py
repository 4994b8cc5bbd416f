"""The audit as a Prefect flow: its findings as artifacts, its thresholds as states."""

from pathlib import Path

import pytest

from etl.errors import ThresholdError
from etl.sandbox import Sandbox
from tests.flows.test_export import TCIA, artifacts, run_flow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]


@pytest.fixture
async def exported(prefect: None, box: Sandbox, tmp_path: Path) -> Path:
    """A dataset exported by a flow."""
    await run_flow(box, tmp_path / "o", filter=(TCIA,))
    return tmp_path / "o"


async def test_an_audit_flow_leaves_its_findings_and_fails_below_a_threshold(exported: Path) -> None:
    """The findings are an artifact; a missed threshold fails the run by name."""
    from flows.audit import audit
    from flows.steps import slug

    summary = await audit(str(exported))
    assert summary["records"] > 0
    assert (await artifacts(f"findings-{slug(str(exported))}"))[-1].data
    with pytest.raises(ThresholdError, match="orcid"):
        await audit(str(exported), fail_under=("orcid=1",))
