"""The benchmark of the audit: `python -m tests.benchmarks.audit` prints seconds and memory, the target beside.

    python -m tests.benchmarks.audit [--records 100000] [--rounds 3] [--profile tcia] [--keep FOLDER]

The dataset is exported from the sandbox once (`--keep` uses it again), and audited in processes of their own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from etl.sandbox.process import embedded

SECONDS, BYTES, RECORDS = 90.0, 2_000_000_000, 1_000_000
"""What an audit of so many records may take on two cores."""
_MAIN = "from etl.cli import main; main()"


def dataset(folder: Path, records: int) -> Path:
    """Export so many made-up records, unless that was done before."""
    to = folder / f"dois-{records}"
    if not (to / "_etl" / "manifest.json").exists():
        with embedded(["--records", str(records)]) as url:
            export = ["export", "dois", "--base-url", url, "--include", "client", "--to", str(to), "--quiet"]
            subprocess.run([sys.executable, "-c", _MAIN, *export], check=True, stdout=subprocess.DEVNULL)
    return to


def audited(folder: Path, profile: str) -> dict[str, float]:
    """Audit once and return wall and CPU seconds, the peak of memory in bytes, and the size of the page."""
    with tempfile.TemporaryDirectory() as to:
        asked = ["audit", str(folder), "--to", to, "--json", *(["--profile", profile] if profile else [])]
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-c", _MAIN, *asked], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"the audit ended with status {status}")
        return {
            "wall": time.monotonic() - began,
            "cpu": used.ru_utime + used.ru_stime,
            "rss": used.ru_maxrss * 1024,
            "page": (Path(to) / "audit.html").stat().st_size,
        }


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="tcia")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        folder = dataset(options.keep or Path(beside), options.records)
        runs = [audited(folder, options.profile) for _ in range(options.rounds)]
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    if options.json:
        print(json.dumps({"records": options.records, "median": middle, "runs": runs}))
        return
    share = options.records / RECORDS
    print(f"audit of {options.records:,} records, median of {options.rounds}, {os.cpu_count()} cores")
    print(f"  wall    {middle['wall']:8.1f} s      ({SECONDS * share:,.0f} s would be the target's share)")
    print(f"  CPU     {middle['cpu']:8.1f} s")
    print(f"  memory  {middle['rss'] / 1e6:8.0f} MB     (target for {RECORDS:,}: {BYTES / 1e6:,.0f} MB)")
    print(f"  page    {middle['page'] / 1e6:8.2f} MB     (target: 3 MB)")


if __name__ == "__main__":
    main()
