"""NDJSON: records as they were received, in the shape of DataCite's data file."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from etl import resources
from etl.dataset import store
from etl.dataset.layout import Layout
from etl.dataset.request import Delivery
from etl.dataset.verify import verify
from etl.records import ndjson
from etl.records.parser import Parser
from etl.sandbox import Corpus, Sandbox, datafile, running
from etl.staging import consolidate, pages, part
from etl.storage import paths
from etl.storage.files import LocalFiles
from tests.conftest import Command, data_files
from tests.support.small import WORKS, local, work
from tests.support.synced import Asked, brought_up, exported, frames

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def small():
    """A sandbox of 300 DOIs that nobody changes."""
    with running(Corpus.generate(records=300, seed=5)) as box:
        yield box


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.rglob("*.ndjson")) for line in path.read_bytes().splitlines()]


def test_a_line_is_the_record_as_the_server_sent_it(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """Nothing is added, dropped or spelled otherwise: the lines are those that --keep-raw keeps."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--to", tmp_path]
    ran = command(*asked, "--format", "ndjson", "--keep-raw", "--include", "client")
    assert ran.code == 0
    [packed] = (tmp_path / "_etl" / "raw").iterdir()
    raw = _unpacked(packed)
    assert sorted(lines(tmp_path / "dois")) == sorted(raw)
    for path in (tmp_path / "dois").rglob("*.ndjson"):
        ids = [json.loads(line)["id"] for line in path.read_bytes().splitlines()]
        assert ids == sorted(ids)
    assert {"dois", "clients"} <= ran.json["tables"].keys()
    assert "doi_creators" not in ran.json["tables"]
    assert verify(LocalFiles(tmp_path)).ok


def _plain(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def _unpacked(path: Path) -> list[bytes]:
    with pa.input_stream(str(path), compression="zstd") as source:
        return source.read().splitlines()


def test_a_line_has_the_shape_of_the_data_file(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """With --detail a record has what DataCite's data file has, and its XML beside."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--detail", "--format", "ndjson"]
    assert command(*asked, "--to", tmp_path / "out").code == 0
    datafile.write_data_file(Corpus.generate(records=300, seed=5), tmp_path / "file")
    parts = sorted((tmp_path / "file").rglob("*.jsonl.gz"))
    theirs = {one["id"]: one for path in parts for one in map(json.loads, _plain(path))}
    ours = {one["id"]: one for one in map(json.loads, lines(tmp_path / "out" / "dois"))}
    assert ours.keys() == theirs.keys()
    for key, one in theirs.items():
        assert ours[key].keys() == one.keys() == {"id", "type", "attributes", "relationships"}
        assert ours[key]["attributes"].keys() - one["attributes"].keys() <= {"xml", "agency"}


def test_ingest_makes_tables_of_the_records(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """What was exported as records reads back as the tables of an export of the same records, row for row."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--detail"]
    assert command(*asked, "--format", "ndjson", "--to", tmp_path / "records").code == 0
    assert command(*asked, "--to", tmp_path / "tables").code == 0
    for source in (tmp_path / "records", tmp_path / "records" / "dois"):
        to = tmp_path / f"from-{source.name}"
        assert command("ingest", source, "--to", to, "--quiet").code == 0
        here, there = frames(to), frames(tmp_path / "tables")
        assert here.keys() == there.keys()
        assert [name for name in here if not here[name].equals(there[name])] == []


def test_a_changed_file_is_named_when_it_is_read_back(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """The manifest of the dataset is the checksum list of its records."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--format", "ndjson"]
    assert command(*asked, "--to", tmp_path / "records").code == 0
    path = max((tmp_path / "records" / "dois").rglob("*.ndjson"))
    path.write_bytes(path.read_bytes().replace(b'"dois"', b'"doIs"', 1))
    ran = command("ingest", tmp_path / "records", "--to", tmp_path / "tables", "--quiet")
    assert ran.code == 1
    assert path.name in ran.err
    assert "has changed" in command("verify", tmp_path / "records").out


@pytest.mark.parametrize("arguments", [("load", "--into", "duckdb:///{}/w.db"), ("audit",), ("sync", "--metrics")])
def test_who_needs_tables_says_so(small: Sandbox, command: Command, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A dataset of records alone is refused in one line with the way out."""
    asked = ["export", "resource-types" if arguments[0] == "load" else "dois", "--base-url", small.base_url]
    assert command(*asked, "--quiet", "--json", "--format", "ndjson", "--to", tmp_path / "out").code == 0
    name, *options = arguments
    ran = command(name, tmp_path / "out", *(option.format(tmp_path) for option in options))
    assert ran.code in (1, 2)
    assert "NDJSON" in ran.err or "--format parquet" in ran.err


def test_a_synced_dataset_of_records_is_the_bytes_of_a_fresh_one(tmp_path: Path) -> None:
    """Records that changed, came and left: the lines are those of a fresh export."""
    corpus = Corpus.generate(records=60, seed=2)
    asked = Asked(include=(), delivery=Delivery(formats=("ndjson",)))
    with running(corpus) as box:
        asyncio.run(exported(box.base_url, tmp_path / "a", asked, NOW.timestamp()))
        ids = corpus.ids()
        corpus.withdraw(ids[:3])
        corpus.update(ids[10:15], at=NOW + timedelta(hours=1))
        corpus.create(4, at=NOW + timedelta(hours=1))
        later = (NOW + timedelta(days=1)).timestamp()
        ended = asyncio.run(brought_up(box.base_url, LocalFiles(tmp_path / "a"), later))
        asyncio.run(exported(box.base_url, tmp_path / "b", asked, later))
    summary = ended.summary()
    assert (summary["added"], summary["withdrawn"]) == (4, 3)
    ours = {path: content for path, content in data_files(tmp_path / "a").items() if not path.startswith("withdrawn")}
    assert ours == data_files(tmp_path / "b")
    assert verify(LocalFiles(tmp_path / "a")).ok


def test_an_empty_answer_is_an_empty_file(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """No records are a dataset too."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--format", "ndjson"]
    ran = command(*asked, "--filter", "client-id=no.body", "--allow-empty", "--to", tmp_path)
    assert ran.json["tables"] == {"dois": 0}
    assert lines(tmp_path / "dois") == []
    assert verify(LocalFiles(tmp_path)).ok


def test_of_a_record_in_two_parts_one_line_stays(tmp_path: Path) -> None:
    """The newest reception is the line."""
    files = local(tmp_path)
    how = Layout(resource=WORKS, sinks=(), lines=True)
    old, new = work("a", title="old", updated="2020-01-01T00:00:00Z"), work("A", updated="2021-01-01T00:00:00Z")
    receipts = []
    for name, records in (("p0", [new, work("b")]), ("p1", [old])):
        raw = [json.dumps(one).encode() for one in records]
        parsed = Parser(WORKS).parse(raw)
        nested = ndjson.with_lines(parsed.table, raw, Parser(WORKS))
        facts = pages.PageFacts(number=0, received=len(raw))
        pages.write(files, paths.slice_folder(name), facts, nested)
        receipts += part.write_part(files, how, name, [name])
    closed = consolidate.consolidate(files, how, receipts)
    [file] = closed.tables["works"].files
    assert [json.loads(line)["id"] for line in files.read(paths.staged(file.path)).splitlines()] == ["A", "b"]


def test_records_that_are_no_rows_are_no_lines() -> None:
    """A record without an id is in the rejects; the others keep their own line, spread over one line."""
    parser = Parser(WORKS)
    raw = [b'{"attributes": {"title": "x"}}', b'{"id":\r\n"a"}', b"7"]
    assert ndjson.with_lines(parser.parse(raw).table, raw, parser)[ndjson.LINE].to_pylist() == [b'{"id":  "a"}']


def test_main_rows_read_from_records_are_those_of_the_table(small: Sandbox, command: Command, tmp_path: Path) -> None:
    """The main table can be read from the records alone, with its key."""
    asked = ["export", "dois", "--base-url", small.base_url, "--quiet", "--json", "--partition-by", "none"]
    assert command(*asked, "--format", "ndjson,parquet", "--to", tmp_path).code == 0
    table = pl.read_parquet(tmp_path / "dois" / "*.parquet")
    [path] = (tmp_path / "dois").glob("*.ndjson")
    with path.open("rb") as source:
        found = ndjson.Lines(resources.load("dois")).read(source, dict(table.schema), table.columns)
    assert found.equals(table)
    assert store.published_manifest(LocalFiles(tmp_path)).tables["dois"].rows == 300
