"""A data file of DataCite becomes the tables of an export, proved by its own lists, or is refused with its name."""

import gzip
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from etl.sandbox import Corpus, datafile, running
from etl.staging import part
from tests.conftest import Command
from tests.support.standstill import kill_where_it_works

pytestmark = pytest.mark.slow

PLAIN = ("--partition-by", "none")  # fewer files


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    corpus = Corpus.generate(records=70, seed=5)
    corpus.withdraw(corpus.ids()[:5])
    return corpus


@pytest.fixture(scope="module")
def published(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data file of the corpus, in small parts."""
    folder = tmp_path_factory.mktemp("file")
    datafile.write_data_file(corpus, folder, part_records=15)
    return folder


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "file"))


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(str(folder / name / "**/*.parquet"), hive_partitioning=True)


def parts(folder: Path) -> list[Path]:
    """The parts with records, the largest first."""
    return sorted(folder.rglob("part_*.jsonl.gz"), key=lambda path: -path.stat().st_size)


def test_a_data_file_gives_the_rows_of_an_export(
    corpus: Corpus, published: Path, tmp_path: Path, command: Command
) -> None:
    """Every table has the same rows, except for XML and media, which are only in one of them."""
    with running(corpus) as box:
        options = [
            "export",
            "dois",
            *PLAIN,
            "--detail",
            "--base-url",
            box.base_url,
            "--to",
            tmp_path / "export",
            "--json",
        ]
        exported = command(*options, "--quiet").json
    ingested = command("ingest", *PLAIN, published, "--to", tmp_path / "ingest", "--json", "--quiet").json
    assert (ingested["verdict"], ingested["unique"]) == ("complete", exported["unique"])
    assert set(ingested["tables"]) == {*exported["tables"], "withdrawn"}
    for name in exported["tables"]:
        one, other = table(tmp_path / "export", name), table(tmp_path / "ingest", name)
        if name == "dois":
            one, other = one.drop("xml"), other.drop("xml")
        if name == "doi_relationships":
            assert set(other.filter(relation="media")["target_type"]) <= {"media"}
            one, other = (frame.filter(pl.col("relation") != "media") for frame in (one, other))
        assert one.sort(one.columns).equals(other.sort(one.columns).select(one.columns)), name


def test_a_tar_and_a_folder_give_the_same_bytes(published: Path, tmp_path: Path, command: Command) -> None:
    """The packing of the data file and the number of threads leave no trace."""
    from tests.conftest import data_files

    datafile.pack(published, tmp_path / "file.tar")
    assert command("ingest", *PLAIN, tmp_path / "file.tar", "--to", tmp_path / "a", "--threads", 1).code == 0
    assert command("ingest", *PLAIN, published, "--to", tmp_path / "b", "--threads", 3).code == 0
    one, other = (
        {name: data for name, data in data_files(tmp_path / to).items() if "withdrawn" not in name} for to in "ab"
    )
    assert one == other


def test_registered_dois_of_the_list_are_tombstones(
    corpus: Corpus, published: Path, tmp_path: Path, command: Command
) -> None:
    """Records listed as registered are in `withdrawn`; findable ones are not."""
    command("ingest", *PLAIN, published, "--to", tmp_path / "out")
    gone = set(table(tmp_path / "out", "withdrawn")["doi"])
    assert len(gone) == 5
    assert not gone & set(corpus.ids())


def test_an_ingested_dataset_is_sound_and_says_how_far_it_reaches(
    published: Path, tmp_path: Path, command: Command
) -> None:
    """Its manifest has a watermark for the next sync, and every file matches it."""
    command("ingest", *PLAIN, published, "--to", tmp_path / "out")
    assert command("verify", tmp_path / "out").code == 0
    manifest = json.loads((tmp_path / "out/_etl/manifest.json").read_text())
    newest = table(tmp_path / "out", "dois")["updated"].max()
    assert manifest["watermark"] < newest.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert manifest["request"]["detail"] is True


def test_a_flipped_byte_is_named_and_refused(copy: Path, tmp_path: Path, command: Command) -> None:
    """A part whose SHA-256 is not the manifest's ends the run, and nothing is published."""
    bad = parts(copy)[0]
    content = bytearray(bad.read_bytes())
    content[len(content) // 2] ^= 1
    bad.write_bytes(content)
    ran = command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet")
    assert ran.code == 1
    assert str(bad.relative_to(copy)) in ran.err
    assert not (tmp_path / "out/dois").exists()


@pytest.mark.parametrize("manifests", [True, False])
def test_a_missing_part_is_named_and_refused(manifests: bool, tmp_path: Path, command: Command) -> None:
    """It is noticed by the manifest, or without one by the gap in the numbers."""
    corpus = Corpus.generate(records=60, seed=6)
    datafile.write_data_file(corpus, tmp_path / "file", part_records=1)
    month = max((tmp_path / "file/dois").iterdir(), key=lambda path: len(list(path.iterdir())))
    (month / "part_0000.jsonl.gz").unlink() if manifests else (month / "part_0001.jsonl.gz").unlink()
    if not manifests:
        for path in (tmp_path / "file").glob("MANIFEST*"):
            path.unlink()
    ran = command("ingest", *PLAIN, tmp_path / "file", "--to", tmp_path / "out", "--quiet")
    assert ran.code == 1
    assert f"{month.name}/part_000{0 if manifests else 1}.jsonl.gz is missing" in ran.err


def test_an_unfinished_data_file_is_refused(corpus: Corpus, tmp_path: Path, command: Command) -> None:
    """An unfinished upload by DataCite is not mistaken for the whole."""
    datafile.write_data_file(corpus, tmp_path / "file", status="Uploading")
    ran = command("ingest", *PLAIN, tmp_path / "file", "--to", tmp_path / "out")
    assert ran.code == 3
    assert "Uploading" in ran.err


def test_a_trailing_empty_part_is_fine(copy: Path, tmp_path: Path, command: Command) -> None:
    """The generator leaves one if a month's last DOIs are all registered (api-notes 8.1)."""
    for path in copy.glob("MANIFEST*"):
        path.unlink()
    last = max(parts(copy)[0].parent.glob("part_*"))
    number = int(last.name[5:9]) + 1
    (last.parent / f"part_{number:04d}.jsonl.gz").write_bytes(gzip.compress(b""))
    assert command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet").code == 0


def test_a_record_that_is_listed_but_not_there_is_named(copy: Path, tmp_path: Path, command: Command) -> None:
    """The counts of the list are the proof: one missing record is incomplete, unless that many may be missing."""
    for path in copy.glob("MANIFEST*"):
        path.unlink()
    part = parts(copy)[0]
    first, *rest = gzip.decompress(part.read_bytes()).splitlines(keepends=True)
    part.write_bytes(gzip.compress(b"".join(rest)))
    ran = command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet", "--json")
    assert ran.code == 3
    assert len(ran.json["missing"]) == 1
    assert ran.json["missing"][0].encode() in first.lower()
    assert not (tmp_path / "out/dois").exists()
    again = command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet", "--json", "--max-missing", 1)
    assert (again.code, again.json["verdict"]) == (0, "incomplete")


@pytest.mark.parametrize("lists", [True, False])
def test_a_record_that_is_there_twice_is_taken_once(
    lists: bool, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    """It counts once, near its twin or far from it, in the same month or, as of another day, in a later one."""
    monkeypatch.setattr(part, "GROUP", 8)
    for path in copy.glob("MANIFEST*"):
        path.unlink()
    *others, last = sorted(one for one in copy.rglob("part_*.jsonl.gz") if gzip.decompress(one.read_bytes()))
    held = [line for one in (*others, last) for line in gzip.decompress(one.read_bytes()).splitlines(keepends=True)]
    newest, older = json.loads(held[-1]), json.loads(held[0])
    assert newest["attributes"]["updated"][:7] > older["attributes"]["updated"][:7]
    older["attributes"]["updated"] = newest["attributes"]["updated"]
    again = [held[-1], held[-1], json.dumps(older).encode() + b"\n"]
    last.write_bytes(gzip.compress(gzip.decompress(last.read_bytes()) + b"".join(again)))
    listing = next(last.parent.glob("*.csv.gz"))
    listing.write_bytes(gzip.compress(gzip.decompress(listing.read_bytes()) + f"{older['id']},findable,,\n".encode()))
    if not lists:
        for path in copy.rglob("*.csv.gz"):
            path.unlink()
    ran = command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet", "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "sample")  # without MANIFEST, months may be missing
    assert ran.json["expected"] == (len(held) if lists else None)
    assert (ran.json["unique"], ran.json["duplicates"]) == (len(held), 3)
    assert len(table(tmp_path / "out", "dois")) == len(held)
    assert command("verify", tmp_path / "out").code == 0


def test_a_single_part_is_a_sample(published: Path, tmp_path: Path, command: Command) -> None:
    """A single file without a list proves nothing, but its records are exported."""
    ran = command("ingest", *PLAIN, parts(published)[0], "--to", tmp_path / "out", "--quiet", "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "sample")
    assert ran.json["unique"] == len(gzip.decompress(parts(published)[0].read_bytes()).splitlines())


def test_an_ingest_goes_on_where_it_broke_off(corpus: Corpus, tmp_path: Path, command: Command) -> None:
    """After a damaged part and after kill -9, earlier work is kept; the third run finishes."""
    copy = tmp_path / "file"
    datafile.write_data_file(corpus, copy, part_records=1)
    bad = max(copy.rglob("part_*.jsonl.gz"))
    content = bad.read_bytes()
    bad.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet").code == 1
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/_etl/work/parts").iterdir()}
    bad.write_bytes(content)
    kill_where_it_works(tmp_path / "out", "ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet")
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert command("ingest", *PLAIN, copy, "--to", tmp_path / "out", "--quiet").code == 0
    assert command("verify", tmp_path / "out").code == 0
    files = list((tmp_path / "out" / "dois").glob("*.parquet"))
    assert len(files) == -(-len(list(copy.rglob("part_*"))) // 64), "small parts go into files together"


def test_what_is_no_data_file_is_told(tmp_path: Path, command: Command) -> None:
    """An empty folder, a missing path and a text file are errors with a fix."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    for name in ("empty", "text", "none"):
        ran = command("ingest", *PLAIN, tmp_path / name, "--to", tmp_path / "out")
        assert ran.code == 1
        assert ".jsonl.gz" in ran.err
