"""The load as a Prefect flow: a warehouse holds the dataset, and no password becomes a parameter unnoticed."""

from pathlib import Path

import pytest

from etl.errors import UsageError
from tests.flows.test_export import artifacts
from tests.support.small import local, publish, work

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]


async def test_a_dataset_is_in_the_warehouse_and_the_run_says_what_differed(prefect: None, tmp_path: Path) -> None:
    """First everything is new, then nothing differs; an artifact has the rows of each table."""
    from flows.load import load
    from flows.steps import slug

    publish(local(tmp_path / "o"), [work("a"), work("b")])
    into = f"duckdb:///{tmp_path / 'w.duckdb'}"
    first = await load(str(tmp_path / "o"), into)
    assert (first["state"], first["tables"]["works"]) == ("created", 2)
    assert (await load(str(tmp_path / "o"), into))["state"] == "unchanged"
    shown = await artifacts(f"loaded-{slug(str(tmp_path / 'o'))}-{slug(into)}")
    assert '"rows": 2' in str(shown[-1].data)


@pytest.mark.parametrize("into", ["postgresql://ann:s3cret@host/db", "postgresql://ann@host/db?password=s3cret"])
async def test_a_password_in_the_address_is_refused(prefect: None, into: str) -> None:
    """Prefect stores parameters: a password among them is refused, and not repeated."""
    from flows.load import load

    with pytest.raises(UsageError, match="PGPASSWORD") as refused:
        await load("nowhere", into)
    assert "s3cret" not in str(refused.value)
