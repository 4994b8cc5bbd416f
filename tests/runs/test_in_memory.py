"""An exported dataset as lazy frames."""

from pathlib import Path

import polars as pl
import pytest

import etl
from etl.errors import StoreError
from etl.sandbox import Sandbox
from tests.conftest import Command

pytestmark = pytest.mark.slow


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


def test_partitions_keep_their_types(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A prefix that looks like a number stays text, and a year stays a number even without records."""
    options = ("export", "dois", "--base-url", box.base_url, "--tables", "doi_titles", "--quiet")
    command(*options, "--partition-by", "prefix", "--to", tmp_path / "some")
    for name, table in etl.scan(str(tmp_path / "some")).items():
        found = table.select("doi", "prefix").collect()
        assert found.filter(~pl.col("doi").str.starts_with(pl.col("prefix") + "/")).is_empty(), name
        assert found["prefix"].str.ends_with("0").any(), name
    command(*options, "--filter", "client-id=no.such", "--allow-empty", "--to", tmp_path / "none")
    for table in etl.scan(str(tmp_path / "none")).values():
        assert table.collect_schema()["created_year"] == pl.Int64()
