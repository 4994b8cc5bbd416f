"""A dataset with raw records is rebuilt from them, without a server, and proved by its manifest."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl import cli, resources
from etl.dataset.request import Delivery
from etl.dataset.verify import verify
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.v1.entry import Manner
from etl.staging import consolidate, pages
from etl.storage.files import LocalFiles
from tests.conftest import Command
from tests.runs.sync.test_sync import NIGHTS, START, Event, Night, synced
from tests.support.bucket import unique
from tests.support.miscounting import overcounting
from tests.support.synced import Asked, brought_up, exported, same

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
KEPT = Asked(delivery=Delivery(keep_raw=True, partition_by=()))
GONE = Night((Event("withdraw", (3, 4), timedelta(0)), Event("update", (9, 10), timedelta(0))), None, False)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox of 200 DOIs that does not change."""
    with running(Corpus.generate(records=200, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def kept(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with its raw records."""
    to = tmp_path_factory.mktemp("kept") / "raw"
    asyncio.run(exported(box.base_url, to, KEPT, START.timestamp()))
    return to


@pytest.fixture
def history(tmp_path: Path) -> Iterator[tuple[Sandbox, Path]]:
    """A dataset with the raw records of an export and of a sync with changes and withdrawals."""
    with running(Corpus.generate(records=60, seed=2)) as sandbox:
        asyncio.run(exported(sandbox.base_url, tmp_path / "raw", KEPT, START.timestamp()))
        for event in GONE.events:
            event.happen(sandbox.corpus, START + DAY)
        synced(sandbox, tmp_path / "raw", GONE, START + DAY)
        yield sandbox, tmp_path / "raw"


def proof(to: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((to / "_etl/manifest.json").read_text())
    return found


def rejects(to: Path) -> set[bytes]:
    return {line for path in (to / "_etl").glob("rejects/*") for line in path.read_bytes().splitlines()}


def ingest(source: Path, to: Path, *options: object) -> int:
    return cli.run(["ingest", str(source), "--to", str(to), "--quiet", *map(str, options)])


def test_tables_are_those_of_the_export(kept: Path, tmp_path: Path, command: Command) -> None:
    """All rows of all tables are equal, also of included records; the manifest is the same, with its origin."""
    ran = command("ingest", kept, "--to", tmp_path / "o", "--quiet", "--json")
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 200)
    same(kept, tmp_path / "o")
    before, after = proof(kept), proof(tmp_path / "o")
    for name in ("resource", "request", "fingerprint", "base_url", "totals", "slices", "included", "watermark"):
        assert after[name] == before[name]
    assert after["dataset"] == {"name": str(kept), "run_id": before["run_id"], "raw": True}
    assert rejects(tmp_path / "o") == rejects(kept)
    assert verify(LocalFiles(tmp_path / "o")).ok


def test_formats_and_partitions_are_those_that_are_asked_for(kept: Path, tmp_path: Path) -> None:
    """Options work as in an export; raw records may be kept again, so that the result can be rebuilt too."""
    wishes = ("--format", "parquet,ndjson", "--partition-by", "created_year", "--keep-raw")
    assert ingest(kept, tmp_path / "a", *wishes) == 0
    assert proof(tmp_path / "a")["partition_by"] == ["created_year"]
    lines = [line for path in (tmp_path / "a/dois").rglob("*.ndjson") for line in path.read_bytes().splitlines()]
    assert len(lines) == 200
    shutil.rmtree(tmp_path / "a/dois")
    assert ingest(tmp_path / "a", tmp_path / "b") == 1  # records are taken of NDJSON, if it is there
    assert ingest(kept, tmp_path / "c", "--keep-raw") == 0
    assert ingest(tmp_path / "c", tmp_path / "d") == 0
    same(kept, tmp_path / "d")


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@example(nights=[GONE, Night((Event("reappear", (3,), timedelta(0)),), 20, True)], seed=1)
@given(nights=NIGHTS, seed=st.integers(0, 5))
def test_after_any_history_the_newest_receptions_count(nights: list[Night], seed: int) -> None:
    """After creations, updates, withdrawals, reappearances and crashes, all rows equal those of the dataset."""
    corpus = Corpus.generate(records=30, seed=seed)
    with running(corpus) as sandbox, tempfile.TemporaryDirectory() as folder:
        to, again, now = Path(folder) / "a", Path(folder) / "b", START
        asyncio.run(exported(sandbox.base_url, to, KEPT, now.timestamp()))
        for night in nights:
            now += DAY
            for event in night.events:
                event.happen(corpus, now)
            synced(sandbox, to, night, now)
        assert ingest(to, again) == 0
        assert proof(again)["verdict"] == "complete"
        same(to, again)
        gone = [pl.read_parquet(one / "withdrawn/*.parquet").sort("doi") for one in (to, again)]
        assert gone[0].equals(gone[1])
        assert rejects(again) == rejects(to)


def test_a_sync_goes_on_from_it(history: tuple[Sandbox, Path], tmp_path: Path) -> None:
    """It starts at the dataset's own watermark and server, and keeps its tombstones."""
    sandbox, kept = history
    assert ingest(kept, tmp_path / "o", "--keep-raw") == 0
    Event("update", (1, 2, 30), timedelta(0)).happen(sandbox.corpus, START + 2 * DAY)
    for to in (kept, tmp_path / "o"):
        ended = asyncio.run(brought_up(sandbox.base_url, LocalFiles(to), (START + 2 * DAY).timestamp()))
        assert (ended.proof.verdict, ended.summary()["changed"]) == ("complete", 3)
    same(kept, tmp_path / "o")
    assert ingest(tmp_path / "o", tmp_path / "again") == 0
    same(kept, tmp_path / "again")


@pytest.mark.parametrize("name", [name for name in resources.names() if resources.load(name).listed])
def test_every_resource_can_be_made_again(name: str, tmp_path: Path, whole: Sandbox) -> None:
    """This holds for every resource exported with --keep-raw and its included records."""
    resource = resources.load(name)
    include = ["--include", ",".join(one.name for one in resource.includes)] if resource.includes else []
    base = f"{whole.base_url}/v1" if resource.dialect == "v1" else whole.base_url
    asked = ["export", name, "--base-url", base, "--quiet", "--keep-raw", *include]
    assert cli.run([*asked, "--to", str(tmp_path / "a")]) == 0
    assert ingest(tmp_path / "a", tmp_path / "b") == 0
    assert proof(tmp_path / "b")["verdict"] == "complete"
    same(tmp_path / "a", tmp_path / "b")


@pytest.fixture(scope="module")
def whole() -> Iterator[Sandbox]:
    """A sandbox of both dialects."""
    with running(Corpus.generate(records=150, seed=7, manner=Manner(generation="1.1", agents=True))) as sandbox:
        yield sandbox


def test_a_complete_dataset_of_records_is_complete_as_tables(box: Sandbox, tmp_path: Path, command: Command) -> None:
    """With `--format ndjson` it is proved by its manifest, with its own request; the progress has the total."""
    asked = ["export", "dois", "--base-url", box.base_url, "--format", "ndjson", "--filter", "client-id=nihnci.tcia"]
    many = command(*asked, "--to", tmp_path / "a", "--quiet", "--json").json["unique"]
    ran = command("ingest", tmp_path / "a", "--to", tmp_path / "b", "--json")
    assert (ran.code, ran.json["verdict"], ran.json["expected"]) == (0, "complete", many)
    [planned] = [line for line in ran.err.splitlines() if line.startswith("planned: ")]
    assert planned.startswith(f"planned: {many} records in ")
    assert "request" not in planned
    assert proof(tmp_path / "b")["request"]["filters"] == {"client-id": "nihnci.tcia"}
    assert proof(tmp_path / "b")["watermark"] == proof(tmp_path / "a")["watermark"]
    assert command("sync", tmp_path / "b", "--base-url", box.base_url, "--quiet").code == 0


def test_a_sample_stays_a_sample(box: Sandbox, tmp_path: Path, command: Command) -> None:
    """It claims no more than before, and cannot be brought up to date."""
    asked = ["export", "dois", "--base-url", box.base_url, "--limit", 5, "--keep-raw", "--quiet"]
    assert command(*asked, "--to", tmp_path / "a").code == 0
    ran = command("ingest", tmp_path / "a", "--to", tmp_path / "b", "--json", "--quiet")
    assert (ran.json["verdict"], ran.json["unique"]) == ("sample", 5)
    assert "is a sample" in command("sync", tmp_path / "b", "--sandbox").err


def test_an_incomplete_dataset_stays_incomplete(tmp_path: Path, command: Command) -> None:
    """It is published again only if that is allowed again, with the same reasons."""
    with overcounting(Corpus.generate(records=20, seed=1)) as url:
        asked = ["export", "dois", "--base-url", url, "--allow-incomplete", "--keep-raw", "--quiet"]
        assert command(*asked, "--to", tmp_path / "a").code == 0
    assert command("ingest", tmp_path / "a", "--to", tmp_path / "b", "--quiet").code == 3
    ran = command("ingest", tmp_path / "a", "--to", tmp_path / "b", "--quiet", "--json", "--allow-incomplete")
    assert (ran.code, ran.json["verdict"]) == (0, "incomplete")
    assert ran.json["reasons"] == proof(tmp_path / "a")["reasons"]


def test_records_of_which_the_last_reception_is_lost_are_missed(
    history: tuple[Sandbox, Path], tmp_path: Path, command: Command
) -> None:
    """Records without raw ones are named or counted; a sync then fetches everything again."""
    sandbox, kept = history
    [late] = [path for path in (kept / "_etl/raw").iterdir() if path.name[:4] != "0min"]
    late.unlink()
    ran = command("ingest", kept, "--to", tmp_path / "o", "--quiet", "--json")
    assert (ran.code, ran.json["verdict"]) == (3, "incomplete")
    assert ran.json["reasons"] == ["2 records older here than in the dataset"]
    assert ingest(kept, tmp_path / "o", "--allow-incomplete") == 0
    assert proof(tmp_path / "o")["watermark"] is None
    asyncio.run(brought_up(sandbox.base_url, LocalFiles(tmp_path / "o"), (START + 2 * DAY).timestamp()))
    same(kept, tmp_path / "o")


def test_records_that_were_never_kept_are_named(
    history: tuple[Sandbox, Path], tmp_path: Path, command: Command
) -> None:
    """--max-missing allows a number of missing records, as in an export."""
    _, kept = history
    [early] = (kept / "_etl/raw").glob("0min*")
    early.unlink()
    ran = command("ingest", kept, "--to", tmp_path / "o", "--quiet", "--json")
    assert (ran.code, ran.json["unique"], len(ran.json["missing"])) == (3, 2, 56)
    assert ran.json["reasons"] == ["56 short of the dataset's records (2 of 58)"]
    assert ingest(kept, tmp_path / "o", "--max-missing", 55) == 3
    assert ingest(kept, tmp_path / "o", "--max-missing", 56) == 0
    assert proof(tmp_path / "o")["missing"] == ran.json["missing"]


def test_a_dataset_whose_tables_are_lost_is_made_again(
    history: tuple[Sandbox, Path], tmp_path: Path, command: Command
) -> None:
    """Raw records make this possible: they are compared by number, and withdrawn ones stay away."""
    _, kept = history
    whole = shutil.copytree(kept, tmp_path / "whole")
    shutil.rmtree(kept / "dois")
    shutil.rmtree(kept / "doi_titles")
    ran = command("ingest", kept, "--to", tmp_path / "o", "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "complete")
    assert "records are compared with the manifest by their number" in ran.err
    same(whole, tmp_path / "o")
    shutil.rmtree(kept / "clients")
    ran = command("ingest", kept, "--to", tmp_path / "p", "--json", "--quiet")
    assert (ran.code, ran.json["verdict"]) == (3, "incomplete")
    [reason] = ran.json["reasons"]
    assert reason.startswith("clients is empty, because it cannot be copied: ")


def test_damaged_raw_records_are_named(kept: Path, tmp_path: Path, command: Command) -> None:
    """One line names the file; nothing is published."""
    bad = shutil.copytree(kept, tmp_path / "bad")
    [raw] = (bad / "_etl/raw").iterdir()
    content = raw.read_bytes()
    for wrong in (content[: len(content) // 2], b"\0" * 200 + content[200:], pages.compress([b"{}"])[:-1]):
        raw.write_bytes(wrong)
        ran = command("ingest", bad, "--to", tmp_path / "o", "--quiet")
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert f"{raw} is damaged" in ran.err
    assert not (tmp_path / "o/dois").exists()


def test_a_dataset_of_older_tables_gets_those_of_today(kept: Path, tmp_path: Path) -> None:
    """With raw records, a new column needs no new fetch."""
    old = shutil.copytree(kept, tmp_path / "old")
    older = proof(old) | {"schema_version": "0", "fingerprint": "0"}
    (old / "_etl/manifest.json").write_text(json.dumps(older))
    assert ingest(old, tmp_path / "o") == 0
    assert proof(tmp_path / "o")["fingerprint"] == proof(kept)["fingerprint"]


def test_what_cannot_be_made_again_is_told(kept: Path, tmp_path: Path, box: Sandbox, command: Command) -> None:
    """A dataset at its own destination, even by another spelling, and one without records, are refused."""
    for to in (kept, kept / ".." / kept.name):
        ran = command("ingest", kept, "--to", to, "--quiet")
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "choose another --to" in ran.err
    command("export", "dois", "--base-url", box.base_url, "--limit", 3, "--to", tmp_path / "bare", "--quiet")
    ran = command("ingest", tmp_path / "bare", "--to", tmp_path / "o", "--quiet")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "--keep-raw" in ran.err


def test_a_dataset_that_is_published_to_meanwhile_is_not_mixed(
    history: tuple[Sandbox, Path], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither manifest would prove records of two states."""
    _, kept = history
    closed = consolidate.consolidate

    def meanwhile(*arguments: Any) -> Any:
        (kept / "_etl/manifest.json").write_text(json.dumps(proof(kept) | {"run_id": "another"}))
        return closed(*arguments)

    monkeypatch.setattr(consolidate, "consolidate", meanwhile)
    ran = command("ingest", kept, "--to", tmp_path / "o", "--quiet")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "was published to meanwhile; run this again" in ran.err


def test_from_an_object_store_to_another_place(box: Sandbox, tmp_path: Path, bucket: str, command: Command) -> None:
    """Raw records are read at the dataset; it cannot be ingested into itself there either."""
    where = unique(bucket)
    asked = ["export", "dois", "--base-url", box.base_url, "--keep-raw", "--tables", "doi_titles", "--quiet"]
    assert command(*asked, "--partition-by", "none", "--to", f"{where}/a").code == 0
    assert command("ingest", f"{where}/a", "--to", f"{where}/b", "--quiet", "--json").json["verdict"] == "complete"
    assert command("verify", f"{where}/b").code == 0
    assert command("ingest", f"{where}/a", "--to", f"{where}/a", "--quiet").code == 2


def test_refreshed_counts_are_pointed_out(history: tuple[Sandbox, Path], tmp_path: Path, command: Command) -> None:
    """`sync --metrics` changes tables but no records: these keep the counts of their arrival."""
    sandbox, kept = history
    assert command("sync", kept, "--base-url", sandbox.base_url, "--metrics", "--quiet").code == 0
    ran = command("ingest", kept, "--to", tmp_path / "o", "--quiet")
    assert ran.code == 0
    assert "sync --metrics can refresh them" in ran.err


def test_a_dataset_without_records_is_one_again(box: Sandbox, tmp_path: Path) -> None:
    """There is nothing to keep, and nothing is missing."""
    asked = [
        "export",
        "dois",
        "--base-url",
        box.base_url,
        "--filter",
        "client-id=no.body",
        "--keep-raw",
        "--allow-empty",
        "--quiet",
    ]
    assert cli.run([*asked, "--to", str(tmp_path / "a")]) == 0
    assert ingest(tmp_path / "a", tmp_path / "b", "--allow-empty") == 0
    same(tmp_path / "a", tmp_path / "b")
