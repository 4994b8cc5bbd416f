"""Large exports, and many nights of them, under all conditions at once end with correct data.

`DATACITE_ETL_ENDURANCE_RECORDS=1000000 pytest tests/laws/test_endurance.py -s` tests a large repository, and prints
its figures. `DATACITE_ETL_ENDURANCE_NIGHTS=60` lives through two months of exports and syncs.
"""

import json
import os
import random
import re
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import etl
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.churn import settled
from tests.support.program import PROGRAM

pytestmark = pytest.mark.slow

NIGHTS = int(os.environ.get("DATACITE_ETL_ENDURANCE_NIGHTS", "4"))
RECORDS = int(os.environ.get("DATACITE_ETL_ENDURANCE_RECORDS", "20000"))
DEATHS = 5
MEGABYTES = 512
FAILURES = ("error=503:0.003", "reset=0.002", "truncate=0.002", "html200=0.001", "error=504:0.001", "429=0.001")
"""A hundredth of all requests."""
BAD_NIGHTS = ("error=503:0.02", "reset=0.01", "truncate=0.01", "html200=0.005", "429=0.005")
"""A twentieth of all requests."""
ALLOWANCE = 30
"""Seconds of lag that runs allow for, of an index that lists five seconds late."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """How a process ended: its exit code, what it printed, the most memory it had, and its processor time."""

    code: int
    out: str
    err: str
    megabytes: float
    cpu: float


def lived(box: Sandbox, to: Path, *asked: object, until: int | None = None) -> Lived:
    """Export in a process, or do what is asked; kill it after a number of further requests."""
    out, err = to.with_name("out"), to.with_name("err")
    before = box.asked
    command = [*map(str, asked or ("export", "dois", "--to", to)), "--base-url", box.base_url, "--json"]
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen([*PROGRAM, *command], stdout=stdout, stderr=stderr)
        most = 0.0
        while (here := _megabytes(process.pid)) is not None and not (until and box.asked >= before + until):
            most = max(most, here)
            time.sleep(0.02)
        if until is not None and here is not None:
            process.kill()
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = used.ru_utime + used.ru_stime
    return Lived(code=process.returncode, out=out.read_text(), err=err.read_text(), megabytes=most, cpu=cpu)


def _megabytes(pid: int) -> float | None:
    """Return the peak memory of a process, None once it has ended; wait4 would include that of its parent."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return None if found is None else int(found[1]) / 1024


def same(name: str, ours: Path, truth: Path, records: pl.Series) -> int:
    """Compare a table of two datasets, row by row, for these records; return the number of rows."""
    found = []
    for to in (ours, truth):
        table = etl.scan(str(to))[name]
        key = next(column for column in ("doi", "source_id") if column in table.collect_schema())
        found.append(table.filter(pl.col(key).is_in(records.implode())).collect())
    rows, wanted = (frame.sort(frame.columns) for frame in found)
    assert rows.equals(wanted), name
    return rows.height


def check_ids(box: Sandbox, to: Path) -> None:
    """Compare the ids of a dataset with what the index listed as of its moment, and from then on."""
    as_of = datetime.fromisoformat(json.loads((to / "_etl" / "manifest.json").read_text())["as_of"])
    ids = pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"]
    assert ids.n_unique() == ids.len()
    now = box.time()
    assert settled(box.listed(now), as_of) <= set(ids)
    moments = [*range(int(as_of.timestamp()), int(now), 10), now]
    assert set(ids) <= set().union(*(box.listed(float(moment))["uid"] for moment in moments))


@pytest.mark.filterwarnings("ignore:subprocess")
def test_after_failures_churn_and_five_deaths_the_dataset_is_the_truth(tmp_path: Path) -> None:
    """Every record that was listed as of the export's moment is in the tables once, with the values of then."""
    corpus, rng, to = Corpus.generate(records=RECORDS, seed=3), random.Random(3), tmp_path / "o"
    begun = datetime.now(UTC)
    share = RECORDS // 1000 // (DEATHS + 1)
    lives = []
    with running(corpus, faults=FAILURES, churn=2.0, seed=7) as box:
        asked = ("export", "dois", "--to", to, "--lag", "0s")
        for _ in range(DEATHS):
            lives.append(lived(box, to, *asked, until=rng.randint(share // 2, share)))
            assert lives[-1].code == -9, lives[-1].err
            assert not list(to.glob("dois/**/*.parquet"))
        lives.append(lived(box, to, *asked))
        assert lives[-1].code == 0, lives[-1].err
        check_ids(box, to)
        failed = sum(one.status != 200 for one in box.requests)
    summary = json.loads(lives[-1].out)
    print(
        f"\n{RECORDS:,} records, {box.asked:,} requests, at least {failed} refused; verdict {summary['verdict']}, "
        f"{summary['unique']:,} of {summary['expected']:,}; "
        f"{[round(one.megabytes) for one in lives]} MB, {[round(one.cpu) for one in lives]} s of CPU"
    )
    with running(Corpus(corpus.now)) as box:
        truth = lived(box, tmp_path / "truth")
    assert truth.code == 0, truth.err
    listed = corpus.now.frame.filter("findable")
    still = listed.filter(pl.max_horizontal("created", "updated") < int(begun.timestamp()) * 1000)["uid"]
    rows = {name: same(name, to, tmp_path / "truth", still) for name in summary["tables"]}
    assert rows["dois"] == still.len() > 0.9 * RECORDS
    print(f"{sum(rows.values()):,} rows of {len(rows)} tables are those of an export that nothing disturbs")
    assert summary["verdict"] in ("complete", "drifted")
    assert max(one.megabytes for one in lives) < MEGABYTES


@pytest.mark.filterwarnings("ignore:subprocess")
def test_after_many_bad_nights_the_dataset_is_the_truth(tmp_path: Path) -> None:
    """Exports and syncs in turn, of an index that moves and lists late; requests fail, and processes are killed."""
    rng, to, night, kills, verdicts = random.Random(8), tmp_path / "o", 0, 0, list[str]()
    moved = 0.0
    with running(Corpus.generate(records=RECORDS, seed=3), faults=[*BAD_NIGHTS, "lag=5"], churn=0.5, seed=7) as box:
        box.now = lambda: time.time() + moved
        pages = RECORDS // 1000
        for night in range(NIGHTS):
            moved += 240.0
            asked = ("export", "dois", "--to", to) if night % 5 == 0 else ("sync", to)
            asked = (*asked, "--lag", f"{ALLOWANCE}s")
            while rng.random() < 0.5:
                kills += lived(box, to, *asked, until=rng.randint(1, pages)).code == -9
            last = lived(box, to, *asked)
            assert last.code == 0, (night, last.err)
            verdicts.append(json.loads(last.out)["verdict"])
            check_ids(box, to)
        stopped = box.time() + ALLOWANCE + 1
        box.now = lambda: stopped
        assert lived(box, to, "sync", to, "--lag", "0s").code == 0
        box.faults.clear()
        truth = lived(box, tmp_path / "truth", "export", "dois", "--to", tmp_path / "truth")
        assert truth.code == 0, truth.err
        listed = box.listed(stopped)["uid"]
    assert set(pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"]) == set(listed)
    rows = sum(same(name, to, tmp_path / "truth", listed) for name in json.loads(truth.out)["tables"])
    print(f"\n{NIGHTS} nights of {RECORDS:,} records, {kills} kills, {box.asked:,} requests: {rows:,} rows are right")
    assert set(verdicts) <= {"complete", "drifted"}
