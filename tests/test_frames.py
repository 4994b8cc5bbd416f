"""Tables in memory, for notebooks: the whole query, proved, or an exported dataset as lazy frames."""

from pathlib import Path

import polars as pl
import pytest

import etl
from etl.errors import StoreError, UsageError
from etl.sandbox import Sandbox
from tests.conftest import Command

TCIA = {"client-id": "nihnci.tcia"}


async def test_fetch_gives_every_record_of_a_query(box: Sandbox) -> None:
    """`await etl.fetch` has the records of the query, in all tables or those named."""
    tables = await etl.fetch("dois", filters=TCIA, names=["dois", "doi_titles"], base_url=box.base_url)
    assert set(tables) == {"dois", "doi_titles"}
    assert set(tables["dois"]["doi"]) == set(box.corpus.ids({"client-id": "nihnci.tcia"}))


async def test_fetch_sync_works_inside_a_running_loop(box: Sandbox) -> None:
    """A notebook has a running loop; the twin without `await` works there too."""
    tables = etl.fetch_sync("dois", filters=TCIA, base_url=box.base_url, limit=5)
    assert tables["dois"].height == 5


async def test_fetch_refuses_names_that_are_not_there(box: Sandbox) -> None:
    """A filter that the API would silently ignore is an error."""
    with pytest.raises(UsageError, match="client-id"):
        await etl.fetch("dois", filters={"client_idd": "x"}, base_url=box.base_url)


def test_scan_gives_the_tables_of_a_dataset(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`etl.scan` maps table names to lazy frames with the partition column; no dataset is an error."""
    to = tmp_path / "o"
    command("export", "dois", "--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "--to", to, "--quiet")
    tables = etl.scan(str(to))
    assert isinstance(tables["dois"], pl.LazyFrame)
    joined = tables["dois"].join(tables["doi_titles"], on="doi").select("doi", "created_year", "title").collect()
    assert joined.height >= len(box.corpus.ids({"client-id": "nihnci.tcia"}))
    with pytest.raises(StoreError, match="holds no dataset"):
        etl.scan(str(tmp_path))
