"""Exports from servers that ignore searches, or whose time is wrong or missing: the verdict stays right."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from etl.sandbox import Corpus, running
from tests.conftest import Command

COMMON = ("--tables", "doi_titles", "--attempts", "2")
DAY = 86400


def dois(to: Path) -> list[str]:
    return sorted(pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"].to_list())


def notes(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("note: ")]


def test_a_server_that_ignores_searches_is_read_as_one_list_with_few_requests(command: Command, tmp_path: Path) -> None:
    corpus = Corpus.generate(records=21_000, seed=3)
    with running(corpus, faults=["ignore-query"]) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *COMMON, "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "complete")
    (said,) = notes(ran.err)
    assert said.startswith("note: the query cannot be cut into slices: ")
    assert box.asked < 200
    assert dois(tmp_path / "o") == sorted(corpus.ids())


@pytest.mark.parametrize(
    "selection", [("--query", "glacier"), ("--filter", "client-id=nihnci.tcia"), ("--since", "2020-01-01")]
)
def test_what_a_server_ignores_is_refused_in_one_line(
    command: Command, tmp_path: Path, selection: tuple[str, ...]
) -> None:
    with running(Corpus.generate(records=300, seed=3), faults=["ignore-query"]) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *COMMON, *selection)
    assert ran.code == 1
    assert "the server ignores what is asked for, and lists everything" in ran.err.splitlines()[-1]
    assert not (tmp_path / "o" / "_etl" / "manifest.json").exists()
    assert box.asked < 10


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no-date", "note: the server does not send the time; using this machine's clock, less 60 min"),
        (f"clock={DAY}", "note: this machine's clock is 24.0 h behind the server's; using the server's"),
        (f"clock={-DAY}", "note: this machine's clock is 24.0 h ahead of the server's; using the server's"),
    ],
)
def test_a_time_that_is_wrong_or_missing_is_noted_and_costs_no_record(
    command: Command, tmp_path: Path, fault: str, said: str
) -> None:
    corpus = Corpus.generate(records=300, seed=3)
    with running(corpus, faults=[fault]) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *COMMON, "--json")
    assert (ran.code, ran.json["verdict"], notes(ran.err)) == (0, "complete", [said])
    assert dois(tmp_path / "o") == sorted(corpus.ids())
    as_of = json.loads((tmp_path / "o" / "_etl" / "manifest.json").read_text())["as_of"]
    assert as_of in (tmp_path / "o" / "_etl" / "report.html").read_text()
    allowed = 3600 if fault == "no-date" else 600  # a clock that nobody could compare may be wrong by an hour
    assert box.time() - 120 < datetime.fromisoformat(as_of).timestamp() + allowed < box.time() + 2


@pytest.mark.parametrize("seconds", [3600, -3600])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_time_that_jumps_at_any_request_costs_no_record(
    command: Command, tmp_path: Path, at: int, seconds: int
) -> None:
    corpus = Corpus.generate(records=300, seed=3)
    with running(corpus, faults=[f"clock-jump={at}:{seconds}"]) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *COMMON, "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "complete")
    assert at in (1, 5) or "the server's clock jumped during the run" in ran.err
    assert dois(tmp_path / "o") == sorted(corpus.ids())
