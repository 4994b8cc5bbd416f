"""Ingest, load and sync in figures: `python -m tests.benchmarks.lake [--records 20000] [--only ingest,load,sync]`.

Each is a process of its own, with its own CPU seconds: records per CPU second for an ingest of DataCite's
data file with one thread and with two, rows per second for a load into PostgreSQL, and the cost of a sync of 1 % of the
records next to that of a full export.
"""

import argparse
import gzip
import json
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.sandbox import Corpus, datafile, running
from tests.benchmarks.measuring import show
from tests.support.program import PROGRAM

Json = Any


@dataclass(frozen=True, kw_only=True)
class Took:
    """The cost of a command, and its output."""

    seconds: float
    cpu: float
    said: dict[str, Json]


def command(*arguments: object) -> Took:
    """Run a command line."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments), "--quiet", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds=time.perf_counter() - start, cpu=cpu, said=json.loads(done.stdout))


def ingest(records: int, folder: Path) -> None:
    """Ingest a data file of generated records, with one thread and with two.

    All of them are moved to one month first: parts of the real file are full.
    """
    corpus = Corpus.generate(records=records, seed=3)
    corpus.update(corpus.ids(), at=datetime(2026, 10, 5, tzinfo=UTC))
    datafile.write_data_file(corpus, folder / "file")
    parts = list((folder / "file").rglob("*.jsonl.gz"))
    size = sum(len(gzip.decompress(part.read_bytes())) for part in parts)
    for threads in (1, 2):
        took = command("ingest", folder / "file", "--to", folder / f"by{threads}", "--threads", threads)
        found = took.said["unique"]
        show(
            f"ingest, {threads} threads: {found:,} records of {size / found:,.0f} bytes in {took.seconds:.1f} s, "
            f"{found / took.cpu:,.0f} records a CPU second, {found / took.seconds:,.0f} a second"
        )


def load(records: int, folder: Path) -> None:
    """Load an export in full view into PostgreSQL, and load it again."""
    from tests.warehouses.places import server

    with running(Corpus.generate(records=records, seed=3)) as box:
        command("export", "dois", "--base-url", box.base_url, "--detail", "--to", folder / "full")
    place = folder / "pg"
    folder.chmod(0o755)
    with server(place) as database:
        url = database().url
        took = command("load", folder / "full", "--into", url)
        rows = sum(took.said["tables"].values())
        again = command("load", folder / "full", "--into", url)
    show(f"load into PostgreSQL: {records:,} records, {rows:,} rows, {rows / took.seconds:,.0f} rows a second")
    show(f"load of the same run again: {again.said['state']} in {again.seconds:.1f} s")


def sync(records: int, folder: Path) -> None:
    """Bring a dataset up to date after 1 % of it has changed."""
    corpus = Corpus.generate(records=records, seed=3)
    with running(corpus) as box:
        full = command("export", "dois", "--base-url", box.base_url, "--to", folder / "synced")
        ids = corpus.ids()
        corpus.update(ids[:: 125 if records >= 125 else 1], at=datetime.now(UTC) + timedelta(seconds=1))
        corpus.create(max(1, records // 1000), at=datetime.now(UTC) + timedelta(seconds=1))
        corpus.withdraw(ids[1::1000])
        took = command("sync", folder / "synced")
    changes = {name: took.said[name] for name in ("added", "changed", "withdrawn")}
    show(
        f"sync of {records:,} records, {changes}: {took.seconds:.1f} s, {took.cpu:.1f} CPU s "
        f"({took.seconds / full.seconds:.0%} of the export's {full.seconds:.1f} s)"
    )


PARTS = {"ingest": ingest, "load": load, "sync": sync}


def main(arguments: list[str] | None = None) -> None:
    """Run the requested parts."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", default=",".join(PARTS))
    asked.add_argument("--records", type=int, default=20_000)
    options = asked.parse_args(arguments)
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="lake", ignore_cleanup_errors=True) as folder:
            PARTS[name](options.records, Path(folder))


if __name__ == "__main__":
    main()
