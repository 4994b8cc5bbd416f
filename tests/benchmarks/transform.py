"""CPU of turning page bodies into tables, as a multiple of `orjson.loads` on the same bodies in the same run.

    python -m tests.benchmarks.transform [--real ../shared/real] [--records 6000] [--rounds 5]

Each page is read, split, parsed and, together with others, flattened; the variants take turns, and medians of
process time are printed. The garbage collector is off for orjson alone, which is its best case. Real bodies are those
recorded without `affiliation=true&publisher=true`: their strings are wrapped as those flags would.
"""

import argparse
import gc
import json
import statistics
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from etl import resources
from etl.api import document
from etl.records.flatten import build, flatten, needed
from etl.records.parser import Parser
from etl.sandbox import Corpus, running
from etl.schema import arrow_types
from etl.schema.declarations import Resource, Table, shape

PAGE = 1000
TOGETHER = 10
"""Pages that are flattened in one call."""


def made(records: int) -> list[Any]:
    """Fetch a sandbox's DOIs like the export."""
    found: list[Any] = []
    with running(Corpus.generate(records=records, seed=7)) as box:
        url = f"{box.base_url}/dois?affiliation=true&publisher=true&page[size]={PAGE}&page[cursor]=1"
        while url:
            with urllib.request.urlopen(url) as reply:
                page = orjson.loads(reply.read())
            found += page["data"]
            url = page["links"].get("next")
    return found


def recorded(real: Path) -> list[Any]:
    """Return the whole DOI records of the recorded bodies, with the objects of the flags instead of strings."""
    paths = [
        path for folder in ("dois_list", "dois_single") for path in sorted((real / "current" / folder).glob("*.json"))
    ]
    every = (json.loads(path.read_bytes())["data"] for path in paths)
    flat = [one for data in every for one in (data if isinstance(data, list) else [data])]
    return [flagged(record) for record in flat if len(record["attributes"]) >= 30]


def flagged(record: Any) -> Any:
    attributes = record["attributes"]
    if isinstance(attributes.get("publisher"), str):
        attributes["publisher"] = {"name": attributes["publisher"]}
    for people in (attributes.get("creators"), attributes.get("contributors")):
        for person in people if isinstance(people, list) else []:
            stated = person.get("affiliation") or []
            listed = stated if isinstance(stated, list) else [stated]
            person["affiliation"] = [{"name": one} if isinstance(one, str) else one for one in listed]
    return record


def clean(records: list[Any], resource: Resource) -> list[Any]:
    """Leave out the records that need coercion."""
    strict = msgspec.json.Decoder(arrow_types.strict_type(shape(resource)))

    def fits(record: Any) -> bool:
        try:
            strict.decode(orjson.dumps(record))
        except msgspec.ValidationError:
            return False
        return True

    return [record for record in records if fits(record)]


def bodies(records: list[Any]) -> list[bytes]:
    pages = [records[first : first + PAGE] for first in range(0, len(records) - PAGE // 2, PAGE)]
    return [orjson.dumps({"data": page, "meta": {"total": len(records)}, "links": {}}) for page in pages]


class Stopwatch:
    """Mutable state: the process time of each measured call, by name."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    def time(self, name: str, call: Callable[[], Any], share: int = 1) -> Any:
        began = time.process_time()
        result = call()
        self.times[name].append((time.process_time() - began) / share)
        return result


def bare(resource: Resource) -> Resource:
    """Remove the derived columns, which are not part of the measurement."""

    def plain(table: Table) -> Table:
        return replace(table, columns=tuple(column for column in table.columns if not column.derived))

    return replace(resource, tables=tuple(plain(table) for table in resource.tables if not table.build))


def measure(pages: list[bytes], resource: Resource, rounds: int) -> Stopwatch:
    parser = Parser(resource)
    for page in pages:  # warm: what is odd is learned
        parser.parse(document.read_document(page).records)
    watch = Stopwatch()
    plain = bare(resource)
    columns = {table.name: needed(resource, table) for table in resource.tables}
    for _ in range(rounds):
        nested = [once(page, parser, watch) for page in pages]
        for together in in_groups(nested):
            table = pa.concat_tables(together)
            watch.time("flatten", lambda table=table: tables(plain, table, columns), len(together))
            watch.time(
                "flatten, derived and built", lambda table=table: tables(resource, table, columns), len(together)
            )
    return watch


def once(page: bytes, parser: Parser, watch: Stopwatch) -> pa.Table:
    gc.disable()
    watch.time("orjson", lambda: orjson.loads(page) and None)
    gc.enable()
    found = watch.time("split", lambda: document.read_document(page))
    return watch.time("parse", lambda: parser.parse(found.records)).table


def in_groups(nested: list[pa.Table]) -> Iterator[list[pa.Table]]:
    for first in range(0, len(nested), TOGETHER):
        yield nested[first : first + TOGETHER]


def tables(resource: Resource, nested: pa.Table, columns: dict[str, list[str]]) -> None:
    frames: dict[str, Any] = {}
    for table in resource.tables:
        if table.build:
            frames[table.name] = build(resource, table, frames)
        else:
            frames[table.name] = flatten(resource, table, nested.select(columns[table.name]))


def report(title: str, pages: list[bytes], watch: Stopwatch) -> None:
    medians = {name: statistics.median(times) for name, times in watch.times.items()}
    print(f"{title}: {len(pages)} pages of {sum(map(len, pages)) / len(pages) / 1e6:.2f} MB")
    for name, seconds in medians.items():
        print(f"  {name:28} {seconds * 1e3:7.2f} ms a page {seconds / medians['orjson']:6.2f}")
    for end in ("flatten", "flatten, derived and built"):
        total = sum(medians[name] for name in ("split", "parse", end))
        print(f"  split + parse + {end}: {total / medians['orjson']:.2f} x orjson")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--real", type=Path, default=Path(__file__).parents[3] / "shared" / "real")
    asked.add_argument("--records", type=int, default=6000)
    asked.add_argument("--rounds", type=int, default=5)
    options = asked.parse_args()
    resource = resources.load("dois")
    sandbox = made(options.records)
    suites = {"sandbox, clean": clean(sandbox, resource), "sandbox, odd records and all": sandbox}
    if options.real.is_dir():
        suites["recorded, odd records and all"] = recorded(options.real)
    for title, records in suites.items():
        pages = bodies(records)
        report(title, pages, measure(pages, resource, options.rounds))


if __name__ == "__main__":
    main()
