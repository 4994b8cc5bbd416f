"""Metrics of runs: a Prometheus parser reads the numbers of the summaries; JSON logs have the run's id."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from etl.cli import openmetrics
from etl.sandbox import Sandbox
from tests.conftest import Command

pytestmark = pytest.mark.slow


def read(text: str) -> dict[tuple[str, str, str], float]:
    """Return the samples by name, destination and verdict."""
    return {
        (sample.name, sample.labels["destination"], sample.labels.get("verdict", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_export_leaves_its_metrics_for_prometheus(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Every number of the summary is a sample, and exactly one verdict is 1."""
    file, to = tmp_path / "etl.prom", tmp_path / "o"
    asked = (
        "--base-url",
        box.base_url,
        "--filter",
        "client-id=nihnci.tcia",
        "--metrics-file",
        file,
        "--json",
        "--quiet",
    )
    summary = command("export", "dois", "--to", to, *asked).json
    found = read(file.read_text())
    assert found["datacite_etl_run_records", str(to), ""] == summary["unique"]
    assert found["datacite_etl_run_requests", str(to), ""] == summary["requests"]
    assert found["datacite_etl_run_retries", str(to), ""] == summary["retries"]
    assert found["datacite_etl_run_downloaded_bytes", str(to), ""] == summary["bytes_downloaded"]
    assert found["datacite_etl_run_duration_seconds", str(to), ""] == summary["seconds"]
    verdicts = {verdict: value for (name, _, verdict), value in found.items() if name == "datacite_etl_run_verdict"}
    assert [verdict for verdict, value in verdicts.items() if value] == ["complete"]
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []
    proof = json.loads((to / "_etl" / "manifest.json").read_text())
    assert {"requests", "retries", "bytes_downloaded", "seconds", "verdict"} <= proof.keys()


def test_a_failed_run_has_metrics_too_and_odd_names_are_escaped() -> None:
    """A run without numbers is failed and unpublished; quotes, backslashes and line ends in a path survive."""
    name = 'a "b" \\ c\nd'
    found = read(openmetrics.render_metrics({name: {"verdict": "failed"}}, 5.0))
    assert found["datacite_etl_run_verdict", name, "failed"] == 1
    assert found["datacite_etl_run_published", name, ""] == 0
    assert found["datacite_etl_run_finished_timestamp_seconds", name, ""] == 5.0


def test_json_logs_have_the_id_of_the_run_in_every_line(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Each line on stderr is one JSON object with the id that the manifest has."""
    asked = ("--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "--log-format", "json")
    ran = command("export", "dois", "--to", tmp_path / "o", *asked)
    lines = [json.loads(line) for line in ran.err.splitlines()]
    proof = json.loads((tmp_path / "o" / "_etl" / "manifest.json").read_text())
    assert {line["run_id"] for line in lines} == {proof["run_id"]}
    assert {"Planned", "PageFetched", "SliceDone", "PartWritten"} <= {line["event"] for line in lines}
    assert all(line["time"].endswith("Z") for line in lines)
