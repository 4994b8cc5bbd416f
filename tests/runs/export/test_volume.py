"""Volume guards: empty datasets, datasets that are too small, and syncs that would withdraw too much."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.dataset.request import Withdrawable
from etl.errors import UsageError
from etl.options.delivery import DeliveryOptions
from etl.options.withdrawals import withdrawable
from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import Command, Ran, data_files

NOBODY = ("--filter", "client-id=nobody.nowhere")


@pytest.fixture
def lively() -> Iterator[Sandbox]:
    """A server with 100 records that tests may change."""
    with running(Corpus.generate(records=100, seed=7)) as sandbox:
        yield sandbox


def exported(command: Command, box: Sandbox, to: Path, *options: object) -> Ran:
    server = ("--base-url", box.base_url, "--tables", "dois", "--json", "--quiet")
    return command("export", "dois", "--to", to, *server, *options)


def test_an_export_that_matches_nothing_is_refused_unless_allowed(
    box: Sandbox, command: Command, tmp_path: Path
) -> None:
    """The exit code is 3, nothing is published, and the option is named; with it, the dataset is empty and complete."""
    ran = exported(command, box, tmp_path / "o", *NOBODY)
    assert (ran.code, ran.json["verdict"], ran.json["published"]) == (3, "incomplete", False)
    assert "0 records" in ran.err
    assert "--allow-empty" in ran.err.splitlines()[-1]
    assert not data_files(tmp_path / "o")
    ran = exported(command, box, tmp_path / "o", *NOBODY, "--allow-empty")
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 0)


def test_a_sample_of_nothing_is_refused_too(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A sample proves nothing, but an empty one shows nothing either."""
    assert exported(command, box, tmp_path / "o", *NOBODY, "--limit", "5").code == 3


def test_what_cannot_be_enough_is_not_fetched(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """The counts of the plan show it; both numbers are named, and a lower limit publishes the dataset."""
    ran = exported(command, lively, tmp_path / "o", "--min-records", "101", "--allow-incomplete")
    assert (ran.code, ran.json["received"], ran.json["published"]) == (3, 0, False)
    assert ran.json["reasons"] == ["there are 100 records, fewer than --min-records 101"]
    assert exported(command, lively, tmp_path / "o", "--min-records", "100").code == 0


def test_a_small_dataset_stays_when_the_new_one_is_smaller(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """Yesterday's files are untouched when today's server has lost records."""
    assert exported(command, lively, tmp_path / "o").code == 0
    before = data_files(tmp_path / "o")
    lively.corpus.withdraw(lively.corpus.ids()[:50])
    assert exported(command, lively, tmp_path / "o", "--min-records", "90").code == 3
    assert data_files(tmp_path / "o") == before


def test_a_sync_that_would_withdraw_too_much_publishes_nothing(
    lively: Sandbox, command: Command, tmp_path: Path
) -> None:
    """By default 20 of a small dataset; counts and option are named, and the suggested number is enough."""
    assert exported(command, lively, tmp_path / "o").code == 0
    before = data_files(tmp_path / "o")
    lively.corpus.withdraw(lively.corpus.ids()[:21])
    ran = command("sync", tmp_path / "o", "--json", "--quiet", "--allow-incomplete")
    assert (ran.code, ran.json["withdrawn"], ran.json["published"]) == (3, 21, False)
    assert "21 of 100 records" in ran.err
    assert ran.err.strip().endswith("--max-withdrawn 21")
    assert data_files(tmp_path / "o") == before
    assert command("sync", tmp_path / "o", "--quiet", "--max-withdrawn", "20%").code == 3
    ran = command("sync", tmp_path / "o", "--json", "--quiet", "--max-withdrawn", "21")
    assert (ran.code, ran.json["withdrawn"], ran.json["unique"]) == (0, 21, 79)


def test_a_sync_withdraws_twenty_of_a_small_dataset(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """So few withdrawals raise no alarm, however small the dataset is."""
    assert exported(command, lively, tmp_path / "o").code == 0
    lively.corpus.withdraw(lively.corpus.ids()[:20])
    assert command("sync", tmp_path / "o", "--quiet").code == 0


@pytest.mark.parametrize(
    ("given", "held", "allowed"),
    [("", 100, 20), ("", 5_000, 500), ("10%", 100, 10), ("2.5 %", 1_000, 25), ("0", 10_000, 0), ("7", 10_000, 7)],
)
def test_max_withdrawn_is_a_number_or_a_share(given: str, held: int, allowed: int) -> None:
    """Only the default has a minimum."""
    assert withdrawable(given).of(held) == allowed


@pytest.mark.parametrize("given", ["many", "-1", "10 percent", "%", "1e3"])
def test_another_max_withdrawn_is_a_usage_error(given: str) -> None:
    """The fix shows both forms."""
    with pytest.raises(UsageError, match="--max-withdrawn") as refused:
        withdrawable(given)
    assert "5%" in refused.value.fix


@pytest.mark.parametrize(
    "options", [{"min_records": 0}, {"min_records": 20, "limit": 10}, {"min_records": 5, "allow_empty": True}]
)
def test_contradictory_guards_are_usage_errors(options: dict) -> None:
    """A sample cannot have more records than its limit, and an empty dataset has none."""
    with pytest.raises(UsageError, match="--min-records"):
        DeliveryOptions(**options).delivery()


def test_no_guard_allows_nothing_beyond_its_numbers() -> None:
    """A share of an odd number is rounded down."""
    assert Withdrawable(percent=10).of(99) == 9
