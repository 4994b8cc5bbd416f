"""A dataset on a real S3 server: the same bytes, published so that a reader sees the old one or the new one."""

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import etl
from etl.dataset import store
from etl.dataset.store import hold
from etl.dataset.verify import verify
from etl.errors import StoreError
from etl.sandbox import Corpus, Sandbox, datafile, running
from etl.storage import paths
from etl.storage.files import LocalFiles
from etl.storage.location import SplitFiles, open_files
from tests.conftest import Command, data_files
from tests.support.bucket import unique
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.small import claim, data, layout, owner, publish, work
from tests.support.synced import Asked, exported, frames

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OLD = [work("a", 2018, title="old", tags=[{"tag": "x"}]), work("b", 2019), work("d", 2020)]
NEW = [work("a", 2018, title="new"), work("c", None), work("d", 2020)]
FEW = layout(tables=("work_tags",))
FLAT = ("--partition-by", "none")
HTTP = {"aws_allow_http": "true"}


@pytest.fixture(scope="module")
def small():
    """A sandbox of 200 DOIs that does not change."""
    with running(Corpus.generate(records=200, seed=5)) as box:
        yield box


def listed(files) -> dict[str, list[tuple[object, ...]]]:
    """Read every table by the manifest, sorted."""
    found = {}
    for name, facts in store.published_manifest(files).tables.items():
        wanted = [column.name for column in facts.columns if column.name != "year"]
        parts = [pl.read_parquet(io.BytesIO(files.read(file.path))) for file in facts.files]
        found[name] = sorted(pl.concat(parts).select(wanted).rows(), key=str)
    return found


def downloaded(where: str, folder: Path, work: Path) -> Path:
    """Copy a dataset to this machine."""
    files = open_files(where, work)
    for key in files.listing(""):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(files.read(key))
    return folder


def faulty(where: str, work: Path, changes: int, *, after: bool):
    """Open a destination whose n-th change, on either side, is the last of its machine."""
    files = open_files(where, work)
    clock = FaultyFiles(work, changes, after=after)

    def counted(method):
        def change(*arguments, **options):
            with clock.change(writes=True):
                return method(*arguments, **options)

        return change

    for part in (files._work, files._published):
        for name in ("write", "claim", "link", "move", "remove", "upload"):
            if hasattr(part, name):
                setattr(part, name, counted(getattr(part, name)))
    return files


def test_an_export_has_the_bytes_of_a_local_one(small: Sandbox, command: Command, bucket: str, tmp_path: Path) -> None:
    """Every data file, under the same key; nothing of the work is left, on either side."""
    where = unique(bucket)
    asked = [
        "export",
        "dois",
        "--base-url",
        small.base_url,
        "--keep-raw",
        "--tables",
        "doi_titles",
        "--quiet",
        "--json",
    ]
    assert command(*asked, "--to", tmp_path / "here").code == 0
    ran = command(*asked, "--to", where)
    assert ran.code == 0
    assert ran.json["manifest"] == f"{where}/_etl/manifest.json"
    there = downloaded(where, tmp_path / "there", tmp_path / "work")
    assert data_files(there) == data_files(tmp_path / "here")
    kept = {path.name for path in (there / "_etl").iterdir()}
    assert kept == {path.name for path in (tmp_path / "here" / "_etl").iterdir()}
    assert command("verify", where).code == 0
    assert etl.scan(where)["dois"].select(pl.len()).collect().item() == 200


def test_a_data_file_is_ingested_from_one_store_to_another(bucket: str, command: Command, tmp_path: Path) -> None:
    """Parts and lists are read from the store and checked as anywhere, tables go to the store."""
    where = unique(bucket)
    datafile.write_data_file(Corpus.generate(records=30, seed=5), tmp_path / "file")
    files = open_files(f"{where}/file", tmp_path / "work")
    for path in (path for path in (tmp_path / "file").rglob("*") if path.is_file()):
        files.write(path.relative_to(tmp_path / "file").as_posix(), path.read_bytes())
    ran = command("ingest", f"{where}/file", "--to", f"{where}/tables", "--quiet", "--json", *FLAT)
    assert (ran.json["verdict"], ran.json["unique"]) == ("complete", 30)
    assert etl.scan(f"{where}/tables")["dois"].collect().height == 30


def test_what_reads_a_dataset_reads_it_there(small: Sandbox, command: Command, bucket: str, tmp_path: Path) -> None:
    """Audits and loads work from one object store to the other, a Delta lake on one included."""
    where = unique(bucket)
    asked = ["export", "dois", "--base-url", small.base_url, "--tables", "doi_titles", "--quiet", "--json", *FLAT]
    assert command(*asked, "--to", f"{where}/data").code == 0
    assert command("audit", f"{where}/data", "--json").json["records"] == 200
    assert command("audit", f"{where}/data", "--against", f"{where}/data", "--to", tmp_path / "audit").code == 0
    assert command("load", f"{where}/data", "--into", f"duckdb:///{tmp_path / 'w.db'}", "--quiet").code == 0
    for state in ("created", "unchanged"):
        assert command("load", f"{where}/data", "--into", f"{where}/lake", "--json").json["state"] == state
    assert pl.read_delta(f"{where}/lake/dois", storage_options=HTTP).height == 200


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_synced_dataset_is_a_fresh_one(kind: str, command: Command, bucket: str, tmp_path: Path) -> None:
    """Files that change get new names, the others stay, and the rows are those of a fresh export."""
    where, corpus = unique(bucket), Corpus.generate(records=80, seed=2)
    with running(corpus) as box:
        asked = [
            "export",
            "dois",
            "--base-url",
            box.base_url,
            "--quiet",
            "--json",
            "--tables",
            "doi_titles",
            "--format",
        ]
        assert command(*asked, kind, "--to", where).code == 0
        before = set(open_files(where, tmp_path / "work").listing("dois"))
        ids = corpus.ids()
        corpus.withdraw(ids[:3])
        corpus.update(ids[10:15], at=datetime.now(UTC) + timedelta(seconds=1))
        corpus.create(4, at=datetime.now(UTC) + timedelta(seconds=1))
        ran = command("sync", where, "--quiet", "--json")
        assert (ran.code, ran.json["added"], ran.json["withdrawn"]) == (0, 4, 3)
        assert command(*asked, "parquet", "--to", tmp_path / "fresh").code == 0
    there = downloaded(where, tmp_path / "there", tmp_path / "work")
    mine, fresh = frames(there), frames(tmp_path / "fresh")
    assert [name for name in fresh if not fresh[name].equals(mine[name])] == []
    after = set(open_files(where, tmp_path / "work").listing("dois"))
    assert before & after
    assert verify(open_files(where, tmp_path / "work")).ok
    if kind == "delta":
        assert pl.read_delta(f"{where}/dois", storage_options=HTTP).height == 81


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_leaves_the_old_dataset_or_the_new_one(bucket: str, tmp_path: Path, after: bool) -> None:
    """By the manifest it is one of the two, whole, at every moment; running again, here or elsewhere, gives the new."""
    old, new = (open_files(unique(bucket), tmp_path / "work") for _ in range(2))
    publish(old, OLD, FEW)
    publish(new, NEW, FEW)
    whole = [listed(old), listed(new)]
    seen = set()
    for step in range(1 + after, 200, 3):
        where, work = unique(bucket), tmp_path / f"{step}"
        publish(open_files(where, work), OLD, FEW)
        try:
            publish(faulty(where, work, step, after=after), NEW, FEW)
        except PowerLoss:
            pass
        else:
            break
        seen.add(whole.index(listed(open_files(where, work))))
        again = open_files(where, work if step % 2 else tmp_path / f"elsewhere{step}")
        again.remove(paths.LOCK)
        publish(again, NEW, FEW)
        assert listed(again) == whole[1]
        assert verify(again).ok
        assert sorted(data(again)) == sorted(
            file.path for facts in store.published_manifest(again).tables.values() for file in facts.files
        )
    assert seen == {0, 1}
    assert step > 15


def test_an_interrupted_export_goes_on_and_ends_in_the_same_bytes(small: Sandbox, bucket: str, tmp_path: Path) -> None:
    """What has arrived on this machine is kept, and asked for no more."""
    where, asked = unique(bucket), Asked(tables=("doi_titles",))
    at = NOW.timestamp()
    asyncio.run(exported(small.base_url, tmp_path / "here", asked, at))
    cut = faulty(where, tmp_path / "work", 12, after=False)
    with pytest.raises(PowerLoss):
        asyncio.run(exported(small.base_url, tmp_path, asked, at, files=cut))
    open_files(where, tmp_path / "work").remove(paths.LOCK)
    ended = asyncio.run(exported(small.base_url, tmp_path, asked, at, files=open_files(where, tmp_path / "work")))
    fresh = json.loads((tmp_path / "here" / "_etl" / "manifest.json").read_text())
    assert ended.proof.requests < fresh["requests"]
    there = downloaded(where, tmp_path / "there", tmp_path / "work")
    assert data_files(there) == data_files(tmp_path / "here")


def test_a_second_run_is_told_who_is_at_work(small: Sandbox, command: Command, bucket: str, tmp_path: Path) -> None:
    """A destination in use is refused with owner, process, machine and time, whichever machine asks."""
    where = unique(bucket)
    with hold(open_files(where, tmp_path / "work"), claim(), replace(owner(), host="afar")):
        ran = command("export", "dois", "--base-url", small.base_url, "--to", where)
    assert ran.code == 1
    assert "in use by ann, process 1 on afar, since 2026-01-01T00:00:00Z" in ran.err
    assert f"remove {where}/_etl/lock" in ran.err


def test_work_that_another_machine_has_overtaken_is_thrown_away(bucket: str, tmp_path: Path) -> None:
    """A run that returns after somebody else has published starts over."""
    where = unique(bucket)
    here, there = (open_files(where, tmp_path / name) for name in ("here", "there"))
    with hold(here, claim(), owner()) as held:
        held.begin(claim(), 1)
    publish(there, OLD, FEW)
    with hold(here, claim(), owner()) as held:
        assert held.plan() is None


def test_somebody_elses_manifest_is_not_replaced(bucket: str, tmp_path: Path) -> None:
    """If the lock was taken away, the conditional switch is what is left."""
    files = open_files(unique(bucket), tmp_path / "work")
    publish(files, OLD, FEW)
    before = files.read(paths.MANIFEST)
    claimed = files._published.claim
    files._published.claim = lambda key, content, instead_of: (
        key != paths.MANIFEST and claimed(key, content, instead_of=instead_of)
    )
    with pytest.raises(StoreError, match="has just published to"):
        publish(files, NEW, FEW)
    assert files.read(paths.MANIFEST) == before


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    """`file:///folder` is spelled otherwise and means the same."""
    assert isinstance(open_files(f"file://{tmp_path}", tmp_path / "work"), LocalFiles)


def test_a_file_that_is_taken_over_replaces_what_was_staged_in_its_place(tmp_path: Path) -> None:
    """A run that crashed had staged another one there, which nobody may read any more."""
    published, work = LocalFiles(tmp_path / "there"), LocalFiles(tmp_path / "here")
    files, key = SplitFiles(published, work), "dois/a.parquet"
    published.write(key, b"as it was")
    files.write(paths.staged(key), b"of a run that crashed")
    files.link(key, paths.staged(key))
    assert files.read(paths.staged(key)) == b"as it was"
    assert files.listing(paths.staged("dois")) == [paths.staged(key)]


def test_work_of_another_purpose_waits_on_this_machine(bucket: str, tmp_path: Path) -> None:
    """Set aside and taken up again, it never goes to the object store."""
    files, sync = open_files(unique(bucket), tmp_path), claim(purpose="sync")
    with hold(files, claim(), owner()) as held:
        held.begin(claim(), "export")
    with hold(files, sync, owner()) as held:
        assert held.plan() is None
        assert files.exists(paths.parked("export"))
        assert list(tmp_path.rglob("parked/export/plan.json"))
    with hold(files, claim(), owner()) as held:
        assert held.plan() == "export"
        assert not files.exists(paths.parked("export"))
