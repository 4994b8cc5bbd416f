"""Which of several versions of a record counts."""

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from etl.errors import StoreError
from etl.records import ndjson
from etl.records.parser import Parser
from etl.runs.ingest import raw_versions
from etl.staging import pages
from etl.storage import paths
from tests.support.small import WORKS, local, work

OLD, NEW = 1_700_000_000, 1_800_000_000
NOBODY = pl.Series("key", dtype=pl.String)


def line(key: str | None, title: str, updated: str = "2020-01-01T00:00:00Z") -> bytes:
    return json.dumps(work(key, title=title, updated=updated)).encode()


def kept(to: Path, parts: dict[str, list[bytes]]) -> None:
    """Write raw records, two frames per file, as from two pages."""
    for part, records in parts.items():
        local(to).write(paths.raw(part), pages.compress(records[:1]) + pages.compress(records[1:]))


def counting(to: Path, gone: pl.Series = NOBODY, held: list[str] | None = None) -> list[str]:
    """Return the titles of the records that count, in file order."""
    there = None if held is None else lambda: [pl.Series("key", held, dtype=pl.String)]
    found = raw_versions.open_raw_versions(local(to), WORKS, gone, there)
    records = [json.loads(one) for key in found.keys for one in found.counting_lines(key)]
    return [one["attributes"]["title"] for one in records]


def test_the_latest_run_counts_then_the_newest_update_then_the_last_turn(tmp_path: Path) -> None:
    """Names do not sort by time; a record may be older although it arrived later."""
    kept(
        tmp_path,
        {
            "0min-max": [line("a", "a0"), line("b", "b0"), line("C", "c0"), line("d", "d0")],
            paths.refetched_part(OLD, "0min-max"): [
                line("A", "a1", "2026-01-01T00:00:00Z"),
                line("b", "b1"),
                line("c", "c1"),
            ],
            paths.refetched_part(NEW, "0min-max"): [
                line("a", "a2"),
                line("b", "b2", "2022-01-01T00:00:00Z"),
                line("c", "c2"),
            ],
            paths.refetched_part(NEW, "0min-max", 0): [line("b", "b3", "2021-01-01T00:00:00Z"), line("c", "c3")],
        },
    )
    assert counting(tmp_path) == ["d0", "a2", "b2", "c3"]


def test_who_is_gone_counts_nowhere(tmp_path: Path) -> None:
    """A withdrawn record, or one that only existed during a sync, does not count; one that has returned does."""
    kept(
        tmp_path,
        {
            "0min-max": [line("a", "a0"), line("b", "b0"), line("d", "d0")],
            paths.refetched_part(OLD, "0min-max"): [line("c", "c1"), line("d", "d1")],
        },
    )
    gone = pl.Series("key", ["a", "d"])
    assert counting(tmp_path, gone, ["b", "d"]) == ["b0", "d1"]
    assert counting(tmp_path, gone) == ["b0", "c1"]


def test_a_record_without_a_key_is_left_to_the_parser(tmp_path: Path) -> None:
    """It is not a version of another record; it goes to the rejects."""
    kept(
        tmp_path,
        {"0min-max": [line(None, "?"), line("a", "a0")], paths.refetched_part(OLD, "0min-max"): [line("a", "a1")]},
    )
    assert counting(tmp_path, held=["a"]) == ["?", "a1"]
    assert ndjson.ids(Parser(WORKS), [b"7", line("A", ""), line(None, "")]).to_list() == [None, "a", None]


def test_a_file_that_ends_in_a_record_is_damaged(tmp_path: Path) -> None:
    """Frames may be intact although records are not."""
    short = pa.Codec("zstd").compress(b'{"id": "a"', asbytes=True)
    for content, said in ((short, "ends in a record"), (pages.compress([b"{}"])[:-1], "damaged"), (b"no", "damaged")):
        local(tmp_path).write(paths.raw("0min-max"), content)
        with pytest.raises(StoreError, match=said):
            list(raw_versions.read_lines(local(tmp_path), paths.raw("0min-max")))
