"""Durations, and the age at which records must be present, from every source of options."""

import json
from pathlib import Path

import pytest

from etl.errors import UsageError
from etl.options import job_file
from etl.options.durations import seconds
from etl.options.server import FetchOptions
from etl.sandbox import Sandbox
from tests.conftest import Command

SPELLED = {"30s": 30, "10m": 600, "1h": 3600, "2d": 172_800, "45": 45, "0": 0, "1.5h": 5400, " 10 m ": 600}
BAD = ("", "soon", "-5", "-5m", "10 minutes", "1e3", "nan", "10m30s", "٣m", "99999d")
CLIENTS = '[[export]]\nresource = "clients"\nto = "{to}"\n'


@pytest.mark.parametrize(("text", "expected"), SPELLED.items())
def test_a_duration_is_a_number_with_or_without_a_unit(text: str, expected: float) -> None:
    """Seconds, minutes, hours and days; a bare number means seconds."""
    assert seconds(text, "--lag") == expected


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_duration_is_refused_by_the_name_of_its_option(text: str) -> None:
    """The fix shows the form."""
    with pytest.raises(UsageError, match=r"^--lag ") as refused:
        seconds(text, "--lag")
    assert "6h" in refused.value.fix


@pytest.mark.parametrize("name", ["export", "sync", "plan"])
def test_a_bad_lag_is_one_line_and_exit_2(name: str, box: Sandbox, command: Command, tmp_path: Path) -> None:
    """No command accepts it, neither as an option nor from the environment."""
    to = tmp_path / "o"
    server = ("--base-url", box.base_url, "--quiet")
    assert command("export", "clients", "--to", to, *server).code == 0
    arguments = {"export": ("clients", "--to", to), "sync": (to,), "plan": ("clients",)}[name]
    ran = command(name, *arguments, *server, "--lag", "soon")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "--lag 'soon' is not a duration" in ran.err


@pytest.mark.parametrize("value", ['"1h"', "3600", "3600.0"])
def test_a_job_file_has_the_lag_in_its_defaults(value: str, tmp_path: Path) -> None:
    """As text, or as a number of seconds."""
    file = tmp_path / "jobs.toml"
    file.write_text(f"[defaults]\nlag = {value}\n{CLIENTS.format(to=tmp_path)}")
    with job_file.read_job_file(file).server.settings() as settings:
        assert settings.lag == 3600


def test_the_lag_is_ten_minutes_by_default() -> None:
    """Options and settings have the same default."""
    with FetchOptions().settings() as settings:
        assert settings.lag == 600


def test_a_dataset_is_as_of_the_lag_before_now(
    box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later export with a longer lag, from the environment, is as of an earlier moment."""
    options = ("export", "clients", "--base-url", box.base_url, "--quiet", "--to")
    assert command(*options, tmp_path / "first", "--lag", "30s").code == 0
    monkeypatch.setenv("DATACITE_ETL_LAG", "2h")
    assert command(*options, tmp_path / "second").code == 0
    first, second = (
        json.loads((tmp_path / name / "_etl" / "manifest.json").read_text())["as_of"] for name in ("first", "second")
    )
    assert second < first
