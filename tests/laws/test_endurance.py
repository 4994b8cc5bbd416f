"""A large export under all conditions at once (failures, a moving index, five kills) ends with correct data.

`DATACITE_ETL_ENDURANCE_RECORDS=1000000 pytest tests/laws/test_endurance.py -s` tests a large repository, and prints
its figures.
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
from tests.support.program import PROGRAM

pytestmark = pytest.mark.slow

RECORDS = int(os.environ.get("DATACITE_ETL_ENDURANCE_RECORDS", "20000"))
DEATHS = 5
MEGABYTES = 512
FAILURES = ("error=503:0.003", "reset=0.002", "truncate=0.002", "html200=0.001", "error=504:0.001", "429=0.001")
"""A hundredth of all requests."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """How a process ended: its exit code, what it printed, the most memory it had, and its processor time."""

    code: int
    out: str
    err: str
    megabytes: float
    cpu: float


def lived(box: Sandbox, to: Path, *, until: int | None = None) -> Lived:
    """Export in a process; kill it after a number of further requests."""
    out, err = to.with_name("out"), to.with_name("err")
    before = box.asked
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            [*PROGRAM, "export", "dois", "--base-url", box.base_url, "--to", str(to), "--json"],
            stdout=stdout,
            stderr=stderr,
        )
        most = 0.0
        while (here := _megabytes(process.pid)) is not None and not (until and box.asked >= before + until):
            most = max(most, here)
            time.sleep(0.02)
        if until is not None:
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


@pytest.mark.filterwarnings("ignore:subprocess")
def test_after_failures_drift_and_five_deaths_the_dataset_is_the_truth(tmp_path: Path) -> None:
    """Every record is in the tables once, and unchanged; the few that moved meanwhile are listed by name."""
    corpus, rng = Corpus.generate(records=RECORDS, seed=3), random.Random(3)
    begun = datetime.now(UTC)
    pages = RECORDS // 1000
    drift = f"drift={max(5, pages // 40)}:created,updated,withdrawn:{20 + pages}"  # what moves after the proof is news
    lives = []
    with running(corpus, faults=[*FAILURES, drift], seed=7) as box:
        share = pages // (DEATHS + 1)
        for _ in range(DEATHS):
            lives.append(lived(box, tmp_path / "o", until=rng.randint(share // 2, share)))
            assert lives[-1].code == -9, lives[-1].err
            assert not list((tmp_path / "o").glob("dois/**/*.parquet"))
        lives.append(lived(box, tmp_path / "o"))
        asked = box.asked
        failed = sum(one.status != 200 for one in box.requests)
    last = lives[-1]
    assert last.code == 0, last.err
    summary = json.loads(last.out)
    moved = {one["id"] for one in json.loads((tmp_path / "o" / "_etl" / "manifest.json").read_text())["moved"]}
    print(
        f"\n{RECORDS:,} records, {asked:,} requests, at least {failed} refused; verdict {summary['verdict']}, "
        f"{summary['unique']:,} of {summary['expected']:,}, {len(moved)} named as moved; "
        f"{[round(one.megabytes) for one in lives]} MB, {[round(one.cpu) for one in lives]} s of CPU"
    )
    with running(Corpus(corpus.now)) as box:
        truth = lived(box, tmp_path / "truth")
    assert truth.code == 0, truth.err
    index = corpus.now.frame.filter("findable")
    ours = pl.scan_parquet(tmp_path / "o" / "dois" / "**" / "*.parquet").select("doi").collect()["doi"]
    assert ours.n_unique() == ours.len()
    assert set(ours) ^ set(index["uid"]) <= moved
    still = index.filter(pl.max_horizontal("created", "updated") < int(begun.timestamp()) * 1000)["uid"]
    rows = {name: same(name, tmp_path / "o", tmp_path / "truth", still) for name in summary["tables"]}
    assert rows["dois"] == still.len() > 0.9 * RECORDS
    print(f"{sum(rows.values()):,} rows of {len(rows)} tables are those of an export that nothing disturbs")
    assert summary["verdict"] in ("complete", "drifted")
    assert max(one.megabytes for one in lives) < MEGABYTES
