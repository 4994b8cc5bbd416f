"""The programs that are compared, each in a process of its own: `python -m tests.benchmarks.contenders NAME URL`.

A contender takes every record of the server's DOI list and prints one JSON object: the seconds and CPU seconds of its
work (without start-up and imports), its peak memory, and its own figures. The imports of the peers are in
their own functions: an environment needs only what its contender uses.
"""

import argparse
import asyncio
import gc
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

ASKED = "affiliation=true&publisher=true&disable-facets=true&page%5Bsize%5D=1000"
_NEXT = re.compile(rb'"next":"[^"]*page%5Bcursor%5D=([^"&]+)')

Json = Any


async def bodies(url: str, narrowed: str) -> AsyncIterator[bytes]:
    """Fetch the pages one after another, as fast as one connection and isal's inflate allow."""
    import aiohttp
    from isal import isal_zlib

    aiohttp.set_zlib_backend(isal_zlib)
    cursor = "1"
    async with aiohttp.ClientSession(headers={"Accept-Encoding": "gzip"}, read_bufsize=1 << 20) as session:
        while cursor:
            async with session.get(_encoded(f"{url}/dois?{ASKED}{narrowed}&page%5Bcursor%5D={cursor}")) as response:
                body = await response.read()
            yield body
            found = _NEXT.search(body, max(0, len(body) - 4000))
            cursor = found[1].decode() if found else ""


def _encoded(url: str) -> Json:
    from yarl import URL

    return URL(url, encoded=True)


async def download(options: argparse.Namespace) -> dict[str, Json]:
    """Download and discard."""
    size = [len(body) async for body in bodies(options.url, options.narrowed)]
    return {"records": options.records, "requests": len(size), "bytes": sum(size)}


async def decode(options: argparse.Namespace) -> dict[str, Json]:
    """Download and `orjson.loads`, without garbage collection: the minimum for Python programs that read records."""
    import orjson

    gc.disable()
    records = 0
    async for body in bodies(options.url, options.narrowed):
        records += len(orjson.loads(body)["data"])
    return {"records": records}


async def normalize(options: argparse.Namespace) -> dict[str, Json]:
    """Download, decode, and `pandas.json_normalize` each page into one wide frame; lists stay as they are."""
    import orjson
    import pandas as pd

    records = 0
    async for body in bodies(options.url, options.narrowed):
        records += len(pd.json_normalize(orjson.loads(body)["data"]))
    return {"records": records}


def dlt(options: argparse.Namespace) -> dict[str, Json]:
    """Make Parquet files with child tables with dlt's REST client and pipeline."""
    import dlt as peer
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    def every() -> Iterator[list[Json]]:
        client = RESTClient(options.url, paginator=JSONLinkPaginator("links.next"), data_selector="data")
        asked = "/dois?affiliation=true&publisher=true&disable-facets=true&page[size]=1000&page[cursor]=1"
        yield from client.paginate(asked)

    found = peer.resource(every, name="dois", primary_key="id", max_table_nesting=None)
    target = peer.destinations.filesystem(f"file://{options.to}/files")
    pipeline = peer.pipeline("bench", pipelines_dir=f"{options.to}/pipelines", destination=target, dataset_name="bench")
    pipeline.run(found(), loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    return {"records": counts["dois"], "tables": sum(1 for name in counts if not name.startswith("_dlt"))}


def tcia_utils(options: argparse.Namespace) -> dict[str, Json]:
    """Make tcia_utils' frame of DOIs, but for any client and from this server."""
    import requests
    from tcia_utils import datacite

    real = requests.get

    def get(url: str, *, params: dict[str, Json], **rest: Json) -> Json:
        return real(f"{options.url}/dois", params={"page[size]": params["page[size]"]}, **rest)

    datacite.requests.get = get
    return {"records": len(datacite.getDoi())}


async def ours(options: argparse.Namespace) -> dict[str, Json]:
    """Export with this program like the command line: all tables, proof and publication."""
    from etl import resources
    from etl.api.query import Query, check
    from etl.api.window import Window
    from etl.dataset.request import Delivery
    from etl.events import ignore
    from etl.options.owner import owner
    from etl.runs.context import open_run
    from etl.runs.export.export import export
    from etl.settings import Settings
    from etl.storage.files import LocalFiles

    query = check(Query(resource=resources.load("dois"), window=Window(options.since, options.until)))
    delivery = Delivery(keep_raw=options.keep_raw)
    settings = Settings(base_url=options.url, concurrency=options.concurrency)
    files = LocalFiles(Path(options.to) / "dataset")
    lags: list[float] = []
    watch = asyncio.create_task(_lag(lags)) if options.lag else None
    async with open_run(query, delivery, settings, files, owner=owner(), observe=ignore, clock=time.time) as run:
        outcome = await export(run)
    if watch:
        watch.cancel()
    summary = outcome.summary()
    assert summary["verdict"] == "complete", summary["reasons"]
    counted = {"requests": summary["requests"], "slices": summary["slices"], "tables": len(summary["tables"])}
    lag = {"lag_p99": sorted(lags)[int(len(lags) * 0.99)], "lag_max": max(lags)} if lags else {}
    return {"records": summary["unique"], "rows": sum(summary["tables"].values()), **counted, **lag}


async def _lag(lags: list[float], every: float = 0.005) -> None:
    """Record how late the event loop wakes up."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(every)
        lags.append(time.perf_counter() - began - every)


CONTENDERS: dict[str, Callable[[argparse.Namespace], Json]] = {
    "download": download,
    "decode": decode,
    "normalize": normalize,
    "dlt": dlt,
    "tcia_utils": tcia_utils,
    "ours": ours,
}


def main() -> None:
    """Run one contender and print its cost."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("name", choices=CONTENDERS)
    asked.add_argument("url")
    asked.add_argument("--records", type=int, default=0)
    asked.add_argument("--since", type=int)
    asked.add_argument("--until", type=int)
    asked.add_argument("--concurrency", type=int, default=4)
    asked.add_argument("--keep-raw", action="store_true")
    asked.add_argument("--lag", action="store_true")
    options = asked.parse_args()
    options.narrowed = narrowed(options.since, options.until)
    warm(options.name)
    with tempfile.TemporaryDirectory(prefix="bench-") as options.to:
        began, cpu = time.perf_counter(), time.process_time()
        made = CONTENDERS[options.name](options)
        found = asyncio.run(made) if asyncio.iscoroutine(made) else made
        taken = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({**found, **taken, "rss_mb": peak, "whole_cpu": time.process_time()}) + "\n")


def narrowed(since: int | None, until: int | None) -> str:
    """Write a window of creation time, in epoch seconds, like the export."""
    if since is None and until is None:
        return ""
    from etl import resources
    from etl.api.query import Query
    from etl.api.window import Window

    params = Query(resource=resources.load("dois"), window=Window(since, until)).params()
    from urllib.parse import quote

    return "".join(f"&{name}={quote(value, safe='')}" for name, value in params.items() if name == "query")


def warm(name: str) -> None:
    """Import what the contender needs, ours like the command line."""
    if name == "ours":
        from etl import memory

        memory.before_arrow()
    wanted = {
        "download": ("aiohttp", "isal.isal_zlib"),
        "decode": ("aiohttp", "isal.isal_zlib", "orjson"),
        "normalize": ("aiohttp", "isal.isal_zlib", "orjson", "pandas"),
        "dlt": ("dlt", "dlt.destinations", "dlt.sources.helpers.rest_client", "pyarrow.parquet"),
        "tcia_utils": ("tcia_utils.datacite",),
        "ours": ("etl.cli.export", "etl.runs.export.export", "etl.storage.formats.parquet", "etl.resources.v2.dois"),
    }
    for module in wanted[name]:
        __import__(module)


if __name__ == "__main__":
    main()
