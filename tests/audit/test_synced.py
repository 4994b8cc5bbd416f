"""An audit of a dataset that was brought up to date is that of a fresh export."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from etl.sandbox import Corpus, running
from tests.conftest import Command

pytestmark = pytest.mark.slow

LATER = datetime(2026, 6, 1, tzinfo=UTC)


def test_an_audit_does_not_care_how_the_dataset_came_about(command: Command, tmp_path: Path) -> None:
    """After records came, changed and went: same coverage, findings, rules and profile, and no withdrawn record."""
    export = ("export", "dois", "--include", "client", "--quiet")
    with running(Corpus.generate(records=300, seed=6)) as box:
        command(*export, "--base-url", box.base_url, "--to", tmp_path / "synced")
        ids = box.corpus.ids()
        box.corpus.withdraw(ids[:9])
        box.corpus.update(ids[50:90], at=LATER)
        box.corpus.create(11, at=LATER)
        assert command("sync", tmp_path / "synced", "--quiet").code == 0
        command(*export, "--base-url", box.base_url, "--to", tmp_path / "fresh")
    results = {}
    for name in ("synced", "fresh"):
        ran = command("audit", tmp_path / name, "--to", tmp_path / f"audit-{name}", "--profile", "fair", "--json")
        results[name] = {key: value for key, value in ran.json.items() if key != "page"}
    assert results["synced"] == results["fresh"]
    assert results["fresh"]["findings"] > 50
    for table in ("audit_coverage", "audit_findings", "audit_rules", "audit_profile"):
        one, other = (pl.read_parquet(tmp_path / f"audit-{name}" / f"{table}.parquet") for name in ("synced", "fresh"))
        key = [name for name, dtype in one.schema.items() if dtype != pl.Float64]
        assert one.sort(key).equals(other.sort(key)), table
    found = pl.read_parquet(tmp_path / "audit-synced" / "audit_findings.parquet")["doi"]
    assert not set(found) & set(ids[:9])
