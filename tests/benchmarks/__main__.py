"""The benchmark: `python -m tests.benchmarks` prints the table of docs/performance.md.

    python -m tests.benchmarks [--only cpu,memory,latency] [--records 50000] [--rounds 5] [--peers PYTHON]

`--peers` is the interpreter of an environment that has `dlt[parquet]`, `pandas`, `tcia_utils`, `orjson`, `aiohttp` and
`isal`; without it the peers are skipped, unless this environment has them.
"""

import argparse
import importlib.util
import json
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Contender, run, served, show, taken_turns

Json = Any
Show = Callable[[str], None]

DOWNLOAD = Contender(title="download and discard", name="download")
DECODE = Contender(title="download + orjson.loads, gc off", name="decode")
OURS = Contender(title="export", name="ours")
RAW = Contender(title="export --keep-raw", name="ours", options=("--keep-raw",))
LAG = Contender(title="lag of the event loop", name="ours", options=("--lag",))
BURST = 1_564_730_071
"""The second in which the sandbox's burst was created: a third of all records."""


def peers(python: str | None) -> list[Contender]:
    """Return the other programs that are installed."""
    titles = {
        "normalize": "download + pandas.json_normalize",
        "dlt": "dlt, REST API to Parquet, child tables",
        "tcia_utils": "tcia_utils.datacite.getDoi",
    }
    needs = {"normalize": "pandas", "dlt": "dlt", "tcia_utils": "tcia_utils"}
    return [
        Contender(title=title, name=name, python=python or sys.executable)
        for name, title in titles.items()
        if python or importlib.util.find_spec(needs[name])
    ]


def cpu(options: argparse.Namespace) -> dict[str, Json]:
    """Compare CPU seconds; the ratios are of medians of interleaved runs."""
    few = max(1000, options.records // 10)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with served(options.records) as url:
        runs = taken_turns([DOWNLOAD, DECODE, OURS, RAW], url, options.records, options.rounds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    others = peers(options.peers)
    if others:
        with served(few) as url:
            for peer in others:
                try:
                    runs |= taken_turns([peer], url, few, options.rounds)
                except RuntimeError as stopped:
                    show(f"{peer.title:40} stopped: {str(stopped).splitlines()[-1]}")
    medians = {title: statistics.median(one["cpu"] / one["records"] for one in found) for title, found in runs.items()}
    own = medians[OURS.title]
    for title, seconds in medians.items():
        each = sorted(one["cpu"] / one["records"] * 1e5 for one in runs[title])
        show(
            f"{title:40} {seconds * 1e5:8.2f} CPU s/100k ({each[0]:.2f} to {each[-1]:.2f})"
            f" {1 / seconds:9,.0f} records/CPU s {runs[title][0]['rss_mb']:5.0f} MB, export / it {own / seconds:5.2f},"
            f" {runs[title][0]['records']:,} records"
        )
    contenders = sum(one["whole_cpu"] for found in list(runs.values())[:4] for one in found)
    both = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    serving = (both - contenders) / (4 * options.rounds * options.records)
    show(f"{'sandbox, serving':40} {serving * 1e5:8.2f} CPU s/100k   export / it {own / serving:5.2f}")
    return {"seconds_per_100k": {title: seconds * 1e5 for title, seconds in medians.items()}, "rounds": options.rounds}


def memory(options: argparse.Namespace) -> dict[str, Json]:
    """Run the export on increasing numbers of records: peak memory, requests, time, and the lag of its event loop."""
    curve = []
    for records in options.sizes:
        with served(records) as url:
            plain = run(OURS, url, records)
            lag = (
                run(Contender(title="lag", name="ours", options=("--lag",)), url, records) if records <= 50_000 else {}
            )
        ideal = -(-records // 1000)
        curve.append({**plain, **{name: lag[name] for name in ("lag_p99", "lag_max") if lag}})
        show(
            f"{records:9,} records {plain['rss_mb']:6.0f} MB {plain['seconds']:7.1f} s {plain['cpu']:7.1f} CPU s"
            f" {plain['requests']:6} requests ({plain['requests'] / ideal:.2f} of ideal)"
            + (f"  loop lag p99 {lag['lag_p99'] * 1e3:.1f} ms" if lag else "")
        )
    return {"curve": curve}


def latency(options: argparse.Namespace) -> dict[str, Json]:
    """Compare wall time with a slow server: one slice page by page, then many slices concurrently."""
    one_slice = ("--since", str(BURST), "--until", str(BURST + 1))
    found: dict[str, Json] = {"one_slice": []}
    for milliseconds in options.latencies:
        with served(options.slow, "--fault", f"latency={milliseconds}") as url:
            plain = run(Contender(title="", name="download", options=one_slice), url, 0, free=True)
            ours = run(Contender(title="", name="ours", options=one_slice), url, 0, free=True)
        share = plain["seconds"] / ours["seconds"]
        found["one_slice"].append({"milliseconds": milliseconds, **ours, "discard": plain["seconds"]})
        show(f"{milliseconds} ms a page, one slice of {ours['records']:,}: {share:.2f} of the speed of discarding")
    with served(options.wide, "--fault", "latency=1000") as url:
        wide = ("--since", str(BURST + 1), "--concurrency", "16")
        ours = run(Contender(title="", name="ours", options=wide), url, 0, free=True)
    ideal = ours["requests"] / 16
    found["wide"] = {**ours, "ideal": ideal}
    times = ours["seconds"] / ideal
    show(f"1 s a page, 16 at a time, {ours['records']:,} records: {ours['seconds']:.1f} s, {times:.2f} x ideal")
    return found


PARTS = {"cpu": cpu, "memory": memory, "latency": latency}


def main(arguments: list[str] | None = None) -> None:
    """Run the requested parts; figures are also written as JSON for `charts`."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", default=",".join(PARTS))
    asked.add_argument("--records", type=int, default=50_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--peers", help="interpreter of the peers' environment")
    asked.add_argument("--sizes", type=_numbers, default=[1000, 10_000, 50_000, 100_000, 500_000, 1_000_000])
    asked.add_argument("--latencies", type=_numbers, default=[0, 50, 250])
    asked.add_argument("--slow", type=int, default=300_000, help="records of the server with latency; a third is asked")
    asked.add_argument("--wide", type=int, default=250_000, help="records of the server for 16 at a time")
    asked.add_argument("--json", type=Path, help="write the figures there")
    options = asked.parse_args(arguments)
    figures: dict[str, Json] = {}
    for name in options.only.split(","):
        figures[name] = PARTS[name](options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
