"""The parser and the flattener against mutated real bodies: no record is lost, no neighbour harmed, nothing crashes.

A short walk in the suite; `DATACITE_ETL_FUZZ_SECONDS=1800 pytest tests/laws/test_fuzz.py` is a long walk.
"""

import copy
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from etl import resources
from etl.api import document
from etl.errors import ProtocolError
from etl.records.flatten import flatten, needed
from etl.records.parser import Parser

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("DATACITE_ETL_FUZZ_SECONDS", "5"))
SEED = int(os.environ.get("DATACITE_ETL_FUZZ_SEED", "1"))
DOIS = resources.load("dois")
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, 1e308, "", " ", "x" * 5000, "\x00", "\ud83d", "2020-13-45", "=1+1", [], [[]], {},
    {"": ""}, [None], [{}], [1, "a", None], {"a": {"b": [{"c": None}]}}, "9" * 400, "NaN", ["a", ["b"]],
)  # fmt: skip


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths of all values below one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in inner:
        yield (*here, name)
        yield from places(below, (*here, name))


def mutated(record: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a record with some of its attributes and relationships replaced, renamed, doubled or removed."""
    record = copy.deepcopy(record)
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        paths = [path for path in places(record) if path not in {("id",), ("type",)}]
        if not paths:
            break
        *way, last = rng.choice(paths)
        parent: Any = record
        for step in way:
            parent = parent[step]
        change = rng.randrange(4)
        if change == 0:
            parent[last] = copy.deepcopy(rng.choice(ODD))
        elif change == 1:
            parent[last] = [parent[last], copy.deepcopy(rng.choice(ODD))]
        elif change == 2 and isinstance(parent, dict):
            parent[rng.choice(["odd", "a.b", "", "é", "xml", "0"])] = parent.pop(last)
        else:
            del parent[last]
    return record


@pytest.fixture(scope="module")
def records(real: Path) -> list[dict[str, Any]]:
    """Real records of DOIs."""
    found: list[dict[str, Any]] = []
    for path in sorted((real / "current" / "dois_list").glob("*.json")):
        try:
            data = json.loads(path.read_bytes())["data"]
        except (ValueError, LookupError, TypeError):
            continue
        found += [one for one in data[:40] if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return found


def dumped(record: dict[str, Any], rng: random.Random) -> bytes:
    """Write a record as a server might: escaped or not, wide or narrow."""
    wide = rng.random() < 0.2
    return json.dumps(record, ensure_ascii=True, indent=1 if wide else None).encode()


def flattened(nested: pa.Table) -> dict[str, pl.DataFrame]:
    """Flatten a page into every table that is read from records."""
    tables = [table for table in DOIS.tables if not table.build]
    return {table.name: flatten(DOIS, table, nested.select(needed(DOIS, table))) for table in tables}


def check(batch: list[dict[str, Any]], rng: random.Random) -> None:
    """Parse and flatten a page of mutated records with a sound one at each end."""
    lines = [dumped(record, rng) for record in batch]
    body = b'{"data":[' + b",".join(lines) + b'],"meta":{"total":1}}'
    cut = document.read_document(body)
    assert len(cut.records) == len(batch)
    parsed = Parser(DOIS).parse(cut.records)
    assert parsed.table.num_rows == len(batch)
    assert parsed.table["id"].to_pylist() == [record["id"] for record in batch]
    main = flattened(parsed.table)[DOIS.main.name]
    assert main.height == len(batch)
    assert main["doi"].to_list() == [record["id"].lower() for record in batch]


def test_mutated_records_are_neither_lost_nor_contagious(records: list[dict[str, Any]]) -> None:
    """There are as many rows as records, in order, under their own ids, whatever their attributes hold."""
    rng, until = random.Random(SEED), time.monotonic() + SECONDS
    while True:
        state = rng.getstate()
        batch = [mutated(rng.choice(records), rng) for _ in range(rng.choice([1, 2, 10, 50]))]
        try:
            check(batch, rng)
        except Exception as error:
            error.add_note(f"random state {hash(state)}, records {json.dumps(batch)[:2000]}")
            raise
        if time.monotonic() > until:
            return


def test_a_sound_record_is_the_same_beside_any_other(records: list[dict[str, Any]]) -> None:
    """Neighbours do not change the values of a record."""
    rng, until = random.Random(SEED + 1), time.monotonic() + SECONDS
    while True:
        sound = rng.choice(records)
        alone = flattened(Parser(DOIS).parse([json.dumps(sound).encode()]).table)
        pair = [json.dumps(sound).encode(), json.dumps(mutated(rng.choice(records), rng)).encode()]
        for name, frame in flattened(Parser(DOIS).parse(pair).table).items():
            assert frame.filter(pl.col("_row") == 0).equals(alone[name]), name
        if time.monotonic() > until:
            return


def test_damaged_bytes_are_refused_in_one_line_or_read(real: Path) -> None:
    """Flipped, cut and repeated bytes of a real body end in tables or a ProtocolError, never in anything else."""
    rng, until = random.Random(SEED + 2), time.monotonic() + SECONDS
    bodies = [path.read_bytes() for path in sorted((real / "current" / "dois_list").glob("*.json"))[:60]]
    while time.monotonic() < until:
        body = bytearray(rng.choice(bodies)[: rng.choice([200, 5000, 200_000])])
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(body))
            body[at : at + rng.randrange(3)] = bytes(rng.choices(b'"\\{}[],:u\x00\xff0e-', k=rng.randrange(3)))
        with suppress(ProtocolError):
            cut = document.read_document(bytes(body))
            parsed = Parser(DOIS).parse(cut.records)
            assert parsed.table.num_rows <= len(cut.records)
            flattened(parsed.table)
