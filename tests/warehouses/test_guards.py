"""Load guards: a wrong dataset does not delete what a warehouse holds, and the message names the option."""

import json
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from etl.errors import EtlError, IncompleteError, UsageError
from etl.events import ignore
from etl.options.load import LoadOptions
from etl.storage.files import LocalFiles
from etl.warehouses import Loaded
from etl.warehouses import load as conductor
from tests.conftest import Command
from tests.support.small import local, publish, work
from tests.warehouses.places import Duck, Lake, Place, Postgres

pytestmark = pytest.mark.slow

ALL = [f"w{number}" for number in range(60)]


def dataset(folder: Path, keys: Iterable[str], **facts: object) -> Path:
    """Publish works in partitions, and change facts of the manifest."""
    publish(local(folder), [work(key, year=2000 + int(key[1:]) % 3) for key in keys])
    manifest = folder / "_etl" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **facts}))
    return folder


def load(folder: Path, place: Place, **options: object) -> Loaded:
    permission = LoadOptions(**options).permission()
    return conductor.load(LocalFiles(folder), place.url, stamp="2026-12-01", observe=ignore, permission=permission)


def held(place: Place) -> set[str]:
    return set(place.frame("works")["id"])


@pytest.mark.parametrize(
    ("facts", "error", "option"),
    [
        ({"verdict": "sample"}, IncompleteError, "--replace"),
        ({"verdict": "incomplete"}, IncompleteError, "--allow-incomplete"),
        ({"base_url": "https://api.test.datacite.org"}, UsageError, "--replace"),
        ({"fingerprint": "f2"}, UsageError, "--replace"),
    ],
)
def test_a_dataset_that_proves_less_or_is_of_another_origin_is_refused(
    place: Place, tmp_path: Path, facts: dict[str, str], error: type[EtlError], option: str
) -> None:
    """The tables stay as they are, also for the right dataset afterwards; the named option loads it."""
    first = dataset(tmp_path / "one", ALL)
    load(first, place)
    second = dataset(tmp_path / "two", ALL[1:], **facts)
    with pytest.raises(error, match=option):
        load(second, place)
    assert held(place) == set(ALL)
    assert load(first, place).state == "unchanged"
    load(second, place, **{option.removeprefix("--").replace("-", "_"): True})
    assert held(place) == set(ALL[1:])


@pytest.mark.parametrize("facts", [{"verdict": "sample"}, {"verdict": "incomplete"}])
def test_what_proves_as_much_or_more_is_loaded(place: Place, tmp_path: Path, facts: dict[str, str]) -> None:
    """A sample follows a sample, and a complete dataset anything."""
    load(dataset(tmp_path / "one", ALL, **facts), place)
    load(dataset(tmp_path / "two", ALL[1:], **facts), place)
    load(dataset(tmp_path / "three", ALL[2:]), place)
    assert held(place) == set(ALL[2:])


@pytest.mark.parametrize("columns", ["the same columns", "other columns"])
def test_a_load_that_would_withdraw_too_much_changes_nothing(place: Place, tmp_path: Path, columns: str) -> None:
    """Twenty may go by default; counts and option are named, and the suggested number is enough."""
    load(dataset(tmp_path / "one", ALL), place)
    if columns == "other columns":
        forget_a_column(place)
    second = dataset(tmp_path / "two", ALL[21:])
    with pytest.raises(IncompleteError, match="21 of 60 records would be withdrawn") as refused:
        load(second, place)
    assert held(place) == set(ALL)
    assert refused.value.fix.endswith("--max-withdrawn 21")
    with pytest.raises(IncompleteError):
        load(second, place, max_withdrawn="30%")
    load(second, place, max_withdrawn="21")
    assert held(place) == set(ALL[21:])


def forget_a_column(place: Place) -> None:
    """Change what the last load recorded, as if the tables had had other columns."""
    if isinstance(place, Lake):
        pointer = place.folder / "_datacite_etl.json"
        pointer.write_text(pointer.read_text().replace("title string", "title integer"))
        return
    change = "UPDATE datacite_etl_loads SET contents = replace(contents, 'title string', 'title integer')"
    if isinstance(place, Postgres):
        place.do(change)
    elif isinstance(place, Duck):
        place.change(change)


def test_records_that_move_between_partitions_are_not_withdrawn(place: Place, tmp_path: Path) -> None:
    """Every record has another year, and all are still there."""
    load(dataset(tmp_path / "one", ALL), place)
    publish(local(tmp_path / "two"), [work(key, year=2000 + (int(key[1:]) + 1) % 3) for key in ALL])
    load(tmp_path / "two", place, max_withdrawn="0")
    assert held(place) == set(ALL)


def test_two_first_loads_at_once_both_end_well(database: Callable[[], Postgres], tmp_path: Path) -> None:
    """The second waits for the first, and finds its own run there."""
    place, folder = database(), dataset(tmp_path / "one", ALL)
    states: list[str] = []

    def work_on() -> None:
        try:
            states.append(load(folder, place).state)
        except EtlError as error:
            states.append(str(error))

    threads = [threading.Thread(target=work_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == ["created", "unchanged", "unchanged", "unchanged"]


@pytest.mark.parametrize("url", ["duckdb:///:memory:", "duckdb://:memory:", "duckdb:///:memory:name"])
def test_a_database_in_memory_is_refused(url: str, tmp_path: Path, command: Command) -> None:
    """A load into it would report success, and keep nothing."""
    ran = command("load", dataset(tmp_path / "one", ALL), "--into", url)
    assert ran.code == 2
    assert re.search(r"in memory.*duckdb:///file.duckdb", ran.err)


def test_an_invalid_limit_is_a_usage_error_before_anything_is_opened(tmp_path: Path, command: Command) -> None:
    """The fix shows both forms."""
    ran = command("load", dataset(tmp_path / "one", ALL), "--into", Duck(tmp_path).url, "--max-withdrawn", "many")
    assert (ran.code, Duck(tmp_path).file.exists()) == (2, False)
    assert "5%" in ran.err
