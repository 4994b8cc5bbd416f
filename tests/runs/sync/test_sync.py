"""A dataset that is brought up to date equals a fresh export."""

import asyncio
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.dataset.store import read_manifest
from etl.dataset.verify import verify
from etl.runs.sync import reconcile
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.answer import Answer, document
from etl.sandbox.faults.fault import Fault, Turn, honest
from etl.settings import Settings
from etl.storage import paths
from etl.storage.files import LocalFiles
from tests.conftest import Command, data_files
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.miscounting import miscounting
from tests.support.synced import Asked, brought_up, exported, same

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
TABLES = ("doi_titles", "doi_creators", "doi_subjects", "doi_relationships", "links")


@dataclass(frozen=True)
class Event:
    """One change of the server: to the records at some positions, `late` by less than the overlap."""

    kind: str
    which: tuple[int, ...]
    late: timedelta

    def happen(self, corpus: Corpus, now: datetime) -> None:
        """Change the corpus."""
        every = sorted(corpus.now.frame["uid"].to_list())
        ids = [every[number % len(every)] for number in self.which]
        at = now - self.late
        match self.kind:
            case "create":
                corpus.create(len(ids), at=at)
            case "update":
                corpus.update(ids, at=at)
            case "withdraw":
                corpus.withdraw(ids)
            case "reappear":
                corpus.restore(ids, at=at)


EVENTS = st.builds(
    Event,
    st.sampled_from(["create", "update", "withdraw", "reappear"]),
    st.lists(st.integers(0, 200), min_size=1, max_size=8).map(tuple),
    st.timedeltas(timedelta(0), timedelta(hours=5)),
)


@dataclass(frozen=True)
class Night:
    """The changes before a sync, and the change of the disk at which the machine stops, if any."""

    events: tuple[Event, ...]
    crash: int | None
    after: bool


NIGHTS = st.lists(
    st.builds(
        Night,
        st.lists(EVENTS, max_size=4).map(tuple),
        st.one_of(st.none(), st.integers(1, 60)),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def synced(box: Sandbox, to: Path, night: Night, now: datetime) -> None:
    """Bring a dataset up to date, with a power failure during it if the night has one."""
    if night.crash is not None:
        try:
            asyncio.run(brought_up(box.base_url, FaultyFiles(to, night.crash, after=night.after), now.timestamp()))
        except PowerLoss:
            pass
        else:
            return
    ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), now.timestamp()))
    assert ended.proof.verdict == "complete"


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@example(nights=[Night((Event("create", (1,), timedelta(0)),), 46, False)], partition=(), kind="parquet", seed=0)
@given(
    nights=NIGHTS,
    partition=st.sampled_from([(), ("created_year",), ("resource_type_id",)]),
    kind=st.sampled_from(["parquet", "delta", "parquet,ndjson"]),
    seed=st.integers(0, 5),
)
def test_after_any_history_a_synced_dataset_equals_a_fresh_export(
    nights: list[Night], partition: tuple[str, ...], kind: str, seed: int
) -> None:
    """After creations, updates, withdrawals, reappearances and crashes, all rows equal those of a fresh export."""
    asked = Asked(tables=TABLES, delivery=Delivery(formats=tuple(kind.split(",")), partition_by=partition))
    corpus = Corpus.generate(records=30, seed=seed)
    with running(corpus) as box, tempfile.TemporaryDirectory() as folder:
        to, fresh = Path(folder) / "a", Path(folder) / "b"
        now = START
        asyncio.run(exported(box.base_url, to, asked, now.timestamp()))
        for night in nights:
            now += DAY
            for event in night.events:
                event.happen(corpus, now)
            synced(box, to, night, now)
        asyncio.run(exported(box.base_url, fresh, asked, now.timestamp()))
        same(to, fresh)
        if kind == "delta":
            assert verify(LocalFiles(to)).ok, "the logs list the files of the manifest"
            return
        ours = {path: content for path, content in data_files(to).items() if not path.startswith("withdrawn/")}
        assert ours == data_files(fresh), "the layout of one part is the same, and so are the bytes"


@pytest.fixture
def lively() -> "Sandbox":  # type: ignore[misc]
    """A sandbox of 80 DOIs that the test changes."""
    with running(Corpus.generate(records=80, seed=7)) as sandbox:
        yield sandbox


def manifest(to: Path) -> Manifest:
    proof = read_manifest(LocalFiles(to))
    assert proof is not None
    return proof


def test_the_summary_the_feed_and_the_tombstones_tell_what_happened(
    lively: Sandbox, command: Command, tmp_path: Path
) -> None:
    """`--json` counts added, changed and withdrawn; the feed names records and columns, `withdrawn` has last values."""
    to = tmp_path / "o"
    assert command("export", "dois", "--base-url", lively.base_url, "--to", to, "--quiet").code == 0
    ids, now = lively.corpus.ids(), datetime.now(UTC)
    title = pl.read_parquet(to / "dois/**/*.parquet").filter(doi=ids[9])["url"][0]
    lively.corpus.update(ids[:3], at=now)
    lively.corpus.withdraw(ids[9:11])
    new = lively.corpus.create(2, at=now)
    ran = command("sync", to, "--json", "--quiet")
    assert ran.code == 0, ran.err
    assert {name: ran.json[name] for name in ("added", "changed", "withdrawn", "verdict", "expected", "unique")} == {
        "added": 2, "changed": 3, "withdrawn": 2, "verdict": "complete", "expected": 80, "unique": 80,
    }  # fmt: skip
    feed = pl.read_parquet(to / ran.json["changes"])
    facts = {kind: set(feed.filter(change=kind)["doi"]) for kind in ("added", "changed", "withdrawn")}
    assert facts == {"added": set(new), "changed": set(ids[:3]), "withdrawn": set(ids[9:11])}
    assert all({"updated", "metadata_version"} <= set(names) for names in feed.filter(change="changed")["columns"])
    checks = manifest(to).facets
    assert {"created", "clients"} <= {one.name for one in checks if one.ok and one.compared}
    gone = pl.read_parquet(to / "withdrawn/*.parquet")
    assert gone.filter(doi=ids[9])["url"][0] == title
    assert gone["seen_missing"].null_count() == 0
    assert command("verify", to).code == 0


def test_a_record_that_comes_back_is_no_longer_withdrawn(lively: Sandbox, tmp_path: Path) -> None:
    """It is in the dataset again, and its tombstone is removed."""
    to, files = tmp_path / "o", LocalFiles(tmp_path / "o")
    asked = Asked(tables=TABLES, include=())
    asyncio.run(exported(lively.base_url, to, asked, START.timestamp()))
    gone = lively.corpus.ids()[:2]
    lively.corpus.withdraw(gone)
    assert asyncio.run(brought_up(lively.base_url, files, START.timestamp())).summary()["withdrawn"] == 2
    lively.corpus.restore(gone[:1], at=START)
    assert asyncio.run(brought_up(lively.base_url, files, START.timestamp())).summary()["added"] == 1
    assert pl.read_parquet(to / "withdrawn/*.parquet")["doi"].to_list() == gone[1:]
    assert gone[0] in pl.read_parquet(to / "dois/**/*.parquet")["doi"].to_list()


def test_files_without_a_changed_row_stay_the_same_files(lively: Sandbox, tmp_path: Path) -> None:
    """Only tables and partitions with changes are rewritten; a sync without changes writes no data at all."""
    to, files = tmp_path / "o", LocalFiles(tmp_path / "o")
    asyncio.run(exported(lively.base_url, to, Asked(tables=TABLES, include=()), START.timestamp()))

    def inodes() -> dict[str, int]:
        return {str(path): path.stat().st_ino for path in to.rglob("*.parquet") if "_etl" not in path.parts}

    before = inodes()
    asyncio.run(brought_up(lively.base_url, files, START.timestamp()))
    assert before.items() <= inodes().items()
    frame = pl.read_parquet(to / "dois/**/*.parquet", hive_partitioning=True)
    doi, year = frame.select("doi", "created_year").row(0)
    lively.corpus.update([doi], at=START)
    asyncio.run(brought_up(lively.base_url, files, START.timestamp()))
    written = {path for path, inode in inodes().items() if before.get(path, inode) != inode}
    assert written
    assert all(f"created_year={year}" in path for path in written)


def test_what_cannot_be_brought_up_to_date_is_refused(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """A sample, a place without a dataset, and an invalid duration each say what to do instead."""
    sample = tmp_path / "s"
    assert command("export", "dois", "--base-url", lively.base_url, "--to", sample, "--limit", 5, "--quiet").code == 0
    ran = command("sync", sample)
    assert (ran.code, "without --limit" in ran.err) == (2, True)
    ran = command("sync", tmp_path / "none")
    assert (ran.code, "export one there first" in ran.err) == (1, True)
    assert command("sync", sample, "--overlap", "soon").code == 2


def test_the_unfinished_work_of_an_export_is_not_taken_for_a_sync(lively: Sandbox, tmp_path: Path) -> None:
    """A sync sets it aside, and makes a plan of its own."""
    to, asked = tmp_path / "o", Asked(tables=TABLES, include=())
    asyncio.run(exported(lively.base_url, to, asked, START.timestamp()))
    with pytest.raises(PowerLoss):
        asyncio.run(exported(lively.base_url, to, asked, START.timestamp(), FaultyFiles(to, 6)))
    assert asyncio.run(brought_up(lively.base_url, LocalFiles(to), START.timestamp())).published
    assert LocalFiles(to).exists(paths.parked("export"))


def test_a_burst_of_updates_is_cut_into_slices(tmp_path: Path) -> None:
    """However many records were updated in one second, they are fetched in slices by time of creation."""
    with running(Corpus.generate(records=12_000, seed=2)) as box:
        to, fresh, asked = tmp_path / "o", tmp_path / "f", Asked(tables=("doi_titles",), include=())
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
        box.corpus.update(box.corpus.ids(), at=START)
        before = len(box.targets)
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert ended.summary()["changed"] == 12_000
        firsts = {t for t in box.targets[before:] if "updated%3A" in t or "updated:" in t}
        assert (
            len({target for target in firsts if "page[cursor]=1&" in target or target.endswith("page[cursor]=1")}) > 1
        )
        asyncio.run(exported(box.base_url, fresh, asked, START.timestamp()))
        same(to, fresh)
        before = len(box.targets)
        box.corpus.withdraw(box.corpus.ids()[:3])
        later = (START + DAY).timestamp()
        assert asyncio.run(brought_up(box.base_url, LocalFiles(to), later)).summary()["withdrawn"] == 3
        walks = [target for target in box.targets[before:] if "fields[dois]=doi" in target and "cursor" in target]
        assert 0 < len(walks) < 12, "ids are asked for in the one slice whose count differs"


def test_remote_tells_what_moved_since(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """`verify --remote` names slices with other counts today; that is not damage, but --strict fails."""
    to = tmp_path / "o"
    assert command("export", "dois", "--base-url", lively.base_url, "--to", to, "--quiet").code == 0
    ran = command("verify", to, "--remote", "--strict", "--json")
    assert (ran.code, ran.json["remote"]["same"]) == (0, True)
    lively.corpus.withdraw(lively.corpus.ids()[:3])
    ran = command("verify", to, "--remote", "--json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    facts = ran.json["remote"]
    assert (facts["held"], facts["today"], facts["elsewhere"]) == (80, 77, 0)
    assert [(one["held"], one["today"]) for one in facts["moved"]] == [(80, 77)]
    assert command("verify", to, "--remote", "--strict").code == 3


def test_remote_without_a_server_is_one_line(lively: Sandbox, command: Command, tmp_path: Path) -> None:
    """However many counts are requested concurrently, one failure is reported."""
    to = tmp_path / "o"
    asyncio.run(exported(lively.base_url, to, Asked(tables=("doi_titles",), include=()), START.timestamp()))
    ran = command("verify", to, "--remote", "--base-url", "http://127.0.0.1:9", "--attempts", 1, "--patience", 0)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "127.0.0.1:9" in ran.err


def given_records(count: int, views: int) -> list[dict]:
    """Return DOIs that are served unchanged, each with some views."""
    return [
        {
            "id": f"10.5072/{number}",
            "type": "dois",
            "attributes": {
                "doi": f"10.5072/{number}",
                "titles": [{"title": f"Title {number}"}],
                "created": f"20{10 + number % 3}-01-01T00:00:00Z",
                "updated": "2024-01-01T00:00:00Z",
                "state": "findable",
                "viewCount": views + number,
                "citationCount": 1,
            },
            "relationships": {"client": {"data": {"id": "a.b", "type": "clients"}}},
        }
        for number in range(count)
    ]


def test_counts_that_move_without_updated_are_refreshed_on_demand(command: Command, tmp_path: Path) -> None:
    """A plain sync does not notice them; `--metrics` does, names the columns, and changes no other table."""
    to, fresh = tmp_path / "o", tmp_path / "f"
    with running(Corpus.from_records(given_records(9, views=1))) as box:
        export = ("export", "dois", "--base-url", box.base_url, "--quiet", "--to")
        assert command(*export, to).code == 0
        box.corpus.put(given_records(4, views=100))
        before = data_files(to)
        assert command("sync", to, "--quiet", "--json").json["changed"] == 0
        ran = command("sync", to, "--metrics", "--quiet", "--json")
        assert (ran.code, ran.json["changed"], ran.json["verdict"]) == (0, 4, "complete")
        feed = pl.read_parquet(to / ran.json["changes"])
        assert feed["columns"].to_list() == [["view_count"]] * 4
        assert {path for path, content in data_files(to).items() if before.get(path, content) != content} == {
            path for path in before if path.startswith("dois/")
        }
        assert command(*export, fresh).code == 0
        same(to, fresh)
        assert command("verify", to).code == 0
        assert manifest(to).watermark is not None


def test_an_incomplete_dataset_is_made_whole(tmp_path: Path) -> None:
    """Missing records are noticed by the count of their slice, and their windows are fetched."""
    to, fresh = tmp_path / "o", tmp_path / "f"
    asked = Asked(tables=("doi_titles",), include=())
    with running(Corpus.generate(records=60, seed=4)) as box:
        ids = box.corpus.ids()
        box.corpus.withdraw(ids[5:9])
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
        # Silently listed again, as by an index that had lost them for a while.
        box.corpus._swap(box.corpus.now.frame.with_columns(findable=True))
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert (ended.summary()["added"], ended.proof.verdict) == (4, "complete")
        asyncio.run(exported(box.base_url, fresh, asked, START.timestamp()))
        same(to, fresh)


def test_equal_counts_of_other_records_are_seen_when_every_id_is_compared(tmp_path: Path) -> None:
    """If one record leaves and another returns without an update, counts agree, and `every_id` finds both."""
    to, fresh = tmp_path / "o", tmp_path / "f"
    asked = Asked(tables=("doi_titles",), include=())
    with running(Corpus.generate(records=40, seed=4)) as box:
        ids = box.corpus.ids()
        box.corpus.withdraw(ids[5:6])
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
        box.corpus._swap(box.corpus.now.frame.with_columns(findable=pl.col("uid") != ids[20]))
        assert asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp())).summary()["withdrawn"] == 0
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp(), every_id=True))
        assert (ended.summary()["added"], ended.summary()["withdrawn"]) == (1, 1)
        asyncio.run(exported(box.base_url, fresh, asked, START.timestamp()))
        same(to, fresh)


@pytest.mark.parametrize("request_number", range(1, 9))
def test_a_record_that_joins_during_a_sync_does_not_hide_one_that_left(
    request_number: int, command: Command, tmp_path: Path
) -> None:
    """Whenever it joins, its count is not taken for that of the withdrawn record."""
    with running(Corpus.generate(records=40, seed=4)) as box:
        exported_here = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--quiet")
        assert exported_here.code == 0
        left = box.corpus.ids()[7]
        box.corpus.withdraw([left])
        first = box.asked

        def join(turn: Turn) -> Answer:
            if box.asked == first + request_number:
                turn.corpus.create(1, at=datetime.now(UTC))
            return honest(turn)

        box.faults.append(Fault(name="joins", act=join))
        assert command("sync", tmp_path / "o", "--base-url", box.base_url, "--quiet").code == 0
    assert left not in pl.read_parquet(tmp_path / "o" / "dois" / "**" / "*.parquet")["doi"].to_list()


def test_a_sync_that_came_short_is_made_whole_by_the_next_one(monkeypatch, tmp_path: Path) -> None:
    """A window that an unfinished sync has fetched is out of date: it is fetched again."""
    monkeypatch.setattr("tests.support.synced.Settings", partial(Settings, attempts=1))
    to, asked = tmp_path / "o", Asked(tables=("doi_titles",), include=())
    with running(Corpus.generate(records=60, seed=4)) as box:
        ids = box.corpus.ids()
        box.corpus.withdraw(ids[5:9])
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
        box.corpus._swap(box.corpus.now.frame.with_columns(findable=True))
        box.faults.append(Fault(name="hidden", act=partial(without, {one.lower() for one in ids[5:7]})))
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert (ended.published, sorted(ended.proof.missing)) == (False, sorted(one.lower() for one in ids[5:7]))
        box.faults.clear()
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), (START + DAY).timestamp()))
        assert (ended.proof.verdict, ended.summary()["added"]) == ("complete", 4)


def without(hidden: set[str], turn: Turn) -> Answer:
    """Answer lists of whole records without some of them."""
    found = honest(turn)
    whole = json.loads(found.plain()) if "landingPage" in turn.request.query else {}
    if not whole.get("data"):
        return found
    return document({**whole, "data": [one for one in whole["data"] if one["id"].lower() not in hidden]})


def test_an_index_that_lost_a_part_of_itself_withdraws_nothing(monkeypatch, tmp_path: Path) -> None:
    """Its counts and its lists agree, but a few of the many vanished records can still be fetched alone."""
    monkeypatch.setattr(reconcile, "MANY", 10)
    to, asked = tmp_path / "o", Asked(tables=("doi_titles",), include=())
    with running(Corpus.generate(records=60, seed=4)) as box:
        ids = box.corpus.ids()
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
        box.faults.append(Fault(name="lost", act=partial(forgetful, {one.lower() for one in ids[5:25]})))
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert (ended.published, ended.summary()["withdrawn"]) == (False, 0)
        box.faults.clear()
        box.corpus.withdraw(ids[5:25])
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert (ended.proof.verdict, ended.summary()["withdrawn"]) == ("complete", 20)


def forgetful(lost: set[str], turn: Turn) -> Answer:
    """Answer as if some records were in no list and no count."""
    found = honest(turn)
    if not turn.request.path.endswith("/dois") or "updated:%5B2" in turn.request.query:
        return found
    whole = json.loads(found.plain())
    kept = [one for one in whole["data"] if one["id"].lower() not in lost]
    return document({**whole, "data": kept, "meta": {**whole["meta"], "total": whole["meta"]["total"] - len(lost)}})


def test_a_withdrawn_record_that_never_said_when_it_was_created_is_found(tmp_path: Path) -> None:
    """It cannot be assigned to either side of a moment, so its window is compared by id."""
    to, records = tmp_path / "o", given_records(9, views=1)
    del records[4]["attributes"]["created"]
    with running(Corpus.from_records(records)) as box:
        asyncio.run(exported(box.base_url, to, Asked(tables=("doi_titles",), include=()), START.timestamp()))
        box.corpus.withdraw([records[4]["id"]])
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), START.timestamp()))
        assert (ended.proof.verdict, ended.summary()["withdrawn"]) == ("complete", 1)


def test_a_server_that_counts_nothing_for_a_moment_withdraws_nothing(tmp_path: Path) -> None:
    """Lists of ids find withdrawn records, even where the counts say that there is nothing to list."""
    to, asked = tmp_path / "o", Asked(tables=("doi_titles",), include=())
    corpus = Corpus.generate(records=60, seed=4)
    nothing = iter([0] * 2)

    def blank(query: str, total: int) -> int:
        return total if "query=updated" in query else next(nothing, total)

    with running(corpus) as box:
        asyncio.run(exported(box.base_url, to, asked, START.timestamp()))
    with miscounting(corpus, blank) as url:
        ended = asyncio.run(brought_up(url, LocalFiles(to), START.timestamp()))
    assert next(nothing, None) is None, "it has counted nothing, twice"
    assert (ended.summary()["withdrawn"], ended.summary()["unique"], ended.proof.verdict) == (0, 60, "complete")


def test_a_server_that_moves_during_a_sync_is_explained_and_caught_up_with(tmp_path: Path) -> None:
    """The verdict is `drifted` or `complete`, and the next sync of a quiet server equals a fresh export."""
    to, fresh = tmp_path / "o", tmp_path / "f"
    asked = Asked(tables=("doi_titles",), include=())
    corpus = Corpus.generate(records=300, seed=8)
    with running(corpus) as quiet, running(corpus, faults=["drift=1:created,updated,withdrawn:200"]) as moving:
        asyncio.run(exported(quiet.base_url, to, asked, datetime.now(UTC).timestamp()))
        ended = asyncio.run(brought_up(moving.base_url, LocalFiles(to), datetime.now(UTC).timestamp()))
        assert ended.proof.verdict == "drifted"
        assert ended.published
        now = datetime.now(UTC).timestamp()
        assert asyncio.run(brought_up(quiet.base_url, LocalFiles(to), now)).proof.verdict == "complete"
        asyncio.run(exported(quiet.base_url, fresh, asked, now))
        same(to, fresh)


def test_a_resumed_run_reaches_as_far_as_its_first_beginning(lively: Sandbox, tmp_path: Path) -> None:
    """Records fetched before a crash are as old as the crashed run, and the watermark says so."""
    to, asked = tmp_path / "o", Asked(tables=("doi_titles",), include=())
    with pytest.raises(PowerLoss):
        asyncio.run(exported(lively.base_url, to, asked, START.timestamp(), FaultyFiles(to, 6)))
    asyncio.run(exported(lively.base_url, to, asked, (START + DAY).timestamp()))
    assert manifest(to).watermark == "2026-11-19T23:50:00Z"


def test_what_was_asked_for_by_id_is_named_until_it_is_there(command: Command, tmp_path: Path) -> None:
    """A record registered after the export is no longer named as absent by the sync that fetches it."""
    corpus, moment = Corpus.generate(records=30, seed=1), datetime.now(UTC)
    [later] = Corpus.generate(records=30, seed=1).create(1, at=moment)
    with running(corpus) as box:
        asked = ("--filter", f"ids={corpus.ids()[0]},10.9999/no-such,{later}", "--tables", "doi_titles")
        made = command("export", "dois", *asked, "--base-url", box.base_url, "--to", tmp_path / "o", "--json", "-q")
        before = command("sync", tmp_path / "o", "--json", "-q")
        corpus.create(1, at=moment)
        after = command("sync", tmp_path / "o", "--json", "-q")
    assert (after.json["added"], after.json["unique"]) == (1, 2)
    facts = [ran.json["absent"] for ran in (made, before, after)]
    assert facts == [["10.9999/no-such", later], ["10.9999/no-such", later], ["10.9999/no-such"]]
