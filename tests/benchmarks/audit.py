"""The benchmark of the audit: `python -m tests.benchmarks.audit` prints the cost of audits, next to the target.

    python -m tests.benchmarks.audit [--records 100000] [--times 1] [--rounds 3] [--profile tcia] [--keep FOLDER]

The dataset is exported from the sandbox once (`--keep` uses it again), and audited in processes of their own.
`--times 10` makes it ten times as large by copies with other DOIs and titles, which is quicker than an export.
"""

import argparse
import asyncio
import json
import math
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from etl.sandbox.process import embedded
from tests.support.browser import CHROMIUM, opened
from tests.support.program import PROGRAM

SECONDS, BYTES, RECORDS = 90.0, 2_000_000_000, 1_000_000
"""What an audit of so many records may take on two cores."""


def dataset(folder: Path, records: int) -> Path:
    """Export a number of generated records, unless that was done before."""
    to = folder / f"dois-{records}"
    if not (to / "_etl" / "manifest.json").exists():
        with embedded(["--records", str(records)]) as url:
            export = ["export", "dois", "--base-url", url, "--include", "client", "--to", str(to), "--quiet"]
            subprocess.run([*PROGRAM, *export], check=True, stdout=subprocess.DEVNULL)
    return to


def multiplied(folder: Path, times: int) -> Path:
    """Return a dataset with several copies of each record, with their own DOIs, titles and files."""
    to = folder.with_name(f"{folder.name}-x{times}")
    if times == 1 or (to / "_etl" / "manifest.json").exists():
        return folder if times == 1 else to
    proof = json.loads((folder / "_etl" / "manifest.json").read_text())
    for name, facts in proof["tables"].items():
        own = [file for file in facts["files"] if file["rows"] and facts["of"] == "dois"]
        rest = [file for file in facts["files"] if file not in own]
        for file in rest:
            _copied(folder / file["path"], to / file["path"])
        facts["files"] = [*rest, *(made for file in own for made in _copies(folder, to, file, name, times))]
        facts["rows"] = sum(file["rows"] for file in facts["files"])
    (to / "_etl").mkdir()
    (to / "_etl" / "manifest.json").write_text(json.dumps(proof))
    return to


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _copies(folder: Path, to: Path, file: dict[str, Any], table: str, times: int) -> Iterator[dict[str, Any]]:
    frame = pl.read_parquet(folder / file["path"], hive_partitioning=False)
    for number in range(times):
        path = Path(file["path"])
        copy = path.with_name(f"{number}x{path.name}")
        mark = pl.lit(f".x{number}")
        marked = [(pl.col("doi") + mark).alias("doi"), *([pl.col("title") + mark] if table == "doi_titles" else [])]
        (to / copy).parent.mkdir(parents=True, exist_ok=True)
        frame.with_columns(marked).write_parquet(to / copy, compression_level=1, row_group_size=100_000)
        yield {**file, "path": str(copy), "bytes": (to / copy).stat().st_size}


def audited(folder: Path, profile: str) -> dict[str, float]:
    """Audit once and return wall and CPU seconds, the peak of memory in bytes, and the size of the page."""
    with tempfile.TemporaryDirectory() as to:
        asked = ["audit", str(folder), "--to", to, "--json", *(["--profile", profile] if profile else [])]
        began = time.monotonic()
        process = subprocess.Popen([*PROGRAM, *asked], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        if status:
            raise RuntimeError(f"the audit ended with status {status}")
        return {
            "wall": wall,
            "paint": asyncio.run(painted(Path(to) / "audit.html")) if CHROMIUM else math.nan,
            "cpu": used.ru_utime + used.ru_stime,
            "rss": used.ru_maxrss * 1024,
            "page": (Path(to) / "audit.html").stat().st_size,
        }


async def painted(page: Path) -> float:
    """Return the milliseconds from opening a page in Chromium to its first paint."""
    async with opened(page) as tab:
        await tab.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        found = await tab.run("performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)")
        return float(found[0])


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="tcia")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        folder = multiplied(dataset(options.keep or Path(beside), options.records), options.times)
        runs = [audited(folder, options.profile) for _ in range(options.rounds)]
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    records = options.records * options.times
    if options.json:
        print(json.dumps({"records": records, "median": middle, "runs": runs}))
        return
    share = records / RECORDS
    print(f"audit of {records:,} records, median of {options.rounds}, {os.cpu_count()} cores")
    print(f"  wall    {middle['wall']:8.1f} s      ({SECONDS * share:,.0f} s would be the target's share)")
    print(f"  CPU     {middle['cpu']:8.1f} s")
    print(f"  memory  {middle['rss'] / 1e6:8.0f} MB     (target for {RECORDS:,}: {BYTES / 1e6:,.0f} MB)")
    print(f"  page    {middle['page'] / 1e6:8.2f} MB     (target: 3 MB)")
    print(f"  paint   {middle['paint']:8.0f} ms     (target: 1,000 ms; nan without Chromium)")


if __name__ == "__main__":
    main()
