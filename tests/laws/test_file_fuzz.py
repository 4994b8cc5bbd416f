"""Every reader of files that people hand over, against damaged ones: read rightly, or refused in one line.

A short walk in the suite; `DATACITE_ETL_FUZZ_EXAMPLES=5000 pytest tests/laws/test_file_fuzz.py` is a long walk.
"""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl import cli
from etl.sandbox import Corpus, Sandbox, running
from tests.support import data_files

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("file-fuzz")]

EXAMPLES = int(os.environ.get("DATACITE_ETL_FUZZ_EXAMPLES", "12"))
PIECES = (
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0",
    b"\n",
    b"\r",
    b"\x80",
    b"\xff",
    b'"',
    b"[",
    b"{",
    b"]",
    b"}",
    b",",
    b"'''",
)
PIECES += (
    b"\\u0000",
    b"\\ud800",
    b"..",
    b"/",
    b"-1",
    b"9" * 400,
    b"1e999",
    b"nan",
    b" ",
    b"#",
    b"=",
    b"\t",
    b"a" * 5000,
)
PIECES += (b"[" * 3000, b'{"a":' * 2000, b"null", b"true", bytes(512), "ä".encode("latin-1"), "\u202e".encode())
ENCODINGS = ("utf-16", "utf-16-le", "utf-8-sig", "utf-32")
Change = tuple[str, float, float, Any]
"""How a content is changed, where from and to, as shares of its length, and with what."""
share = st.floats(0, 1, exclude_max=True)
CHANGES: st.SearchStrategy[list[Change]] = st.lists(
    st.one_of(
        st.tuples(st.just("overwrite"), share, share, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("insert"), share, share, st.sampled_from(PIECES)),
        st.tuples(st.sampled_from(["lose", "double", "cut"]), share, share, st.none()),
        st.tuples(st.just("encode"), share, share, st.sampled_from(ENCODINGS)),
        st.tuples(st.just("windows"), share, share, st.none()),
    ),
    min_size=1,
    max_size=3,
)


def damaged(content: bytes, changes: list[Change]) -> bytes:
    """Return a content after the changes."""
    for how, first, last, what in changes:
        start, end = sorted((int(first * len(content)), int(last * len(content))))
        content = damage(how, content, (start, min(end, start + 600)), what)
    return content


def damage(how: str, content: bytes, place: tuple[int, int], what: Any) -> bytes:
    """Return a content after one change."""
    start, end = place
    if how == "encode":
        return content.decode("utf-8", "replace").encode(what)
    if how == "windows":
        return content.replace(b"\n", b"\r\n")
    middle, rest = {
        "overwrite": (what, content[start + len(what or b"") :]),
        "insert": (what, content[start:]),
        "lose": (b"", content[end:]),
        "double": (content[start:end], content[start:]),
        "cut": (b"", b""),
    }[how]
    return content[:start] + middle + rest


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(Corpus.generate(records=20, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture
def ended(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a command; its end must be in order, and its JSON is returned."""

    def run(*arguments: object) -> dict[str, Any]:
        capfd.readouterr()
        code = cli.run([*map(str, arguments), "--quiet", "--json"])
        out, err = capfd.readouterr()
        assert code in {0, 1, 2, 3, 4}
        assert "Traceback" not in err
        assert sum(line.startswith("datacite-etl: ") for line in err.splitlines()) <= 1 or code == 3
        result = json.loads(out)
        assert isinstance(result, dict)
        if "error" in result:
            assert result["fix"], result
        return result | {"code": code}

    return run


def walk(law: Callable[[list[Change]], None]) -> None:
    """Try a law on many changes."""
    given(CHANGES)(settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))(law))()


def test_lists_of_ids(box: Sandbox, tmp_path: Path, ended: Callable[..., dict[str, Any]]) -> None:
    """No record is found that the list does not name."""
    ids = box.corpus.ids({})[:4]
    sound = f"# ids\n{ids[0]}\ndoi:{ids[1]}\nhttps://doi.org/{ids[2]}\n\n{ids[3]} # last\n".encode()

    def law(changes: list[Change]) -> None:
        (tmp_path / "ids.txt").write_bytes(damaged(sound, changes))
        ended("get", "dois", "--ids-from", tmp_path / "ids.txt", "--base-url", box.base_url)

    walk(law)


def test_job_files(
    box: Sandbox, tmp_path: Path, ended: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a job file asks for, each entry ends in a verdict or in one line."""
    monkeypatch.chdir(tmp_path)
    sound = (
        b'[defaults]\nlimit = 3\nformat = "csv"\n\n[[export]]\nresource = "dois"\nto = "out"\n'
        b'filter = ["client-id=nihnci.tcia"]\n\n[[sync]]\nto = "out"\noverlap = "6h"\n'
    )

    def law(changes: list[Change]) -> None:
        shutil.rmtree("out", ignore_errors=True)
        Path("jobs.toml").write_bytes(damaged(sound, changes))
        ended("run", "jobs.toml", "--base-url", box.base_url)

    walk(law)


def test_files_of_options(box: Sandbox, tmp_path: Path, ended: Callable[..., dict[str, Any]]) -> None:
    """A file of options changes a command, or is refused."""
    sound = b'[plan]\nfilter = ["client-id=nihnci.tcia"]\nby = "created"\nattempts = 2\n'

    def law(changes: list[Change]) -> None:
        (tmp_path / "etl.toml").write_bytes(damaged(sound, changes))
        ended("plan", "dois", "--base-url", box.base_url, "--config", tmp_path / "etl.toml")

    walk(law)


@pytest.mark.parametrize(
    "name",
    [
        "MANIFEST",
        "MANIFEST.json",
        "STATUS.json",
        "dois/updated_2026-01/2026-01.csv",
        "dois/updated_2026-01/2026-01.csv.gz",
        "dois/updated_2026-01/part_0000.jsonl",
        "dois/updated_2026-01/part_0000.jsonl.gz",
        "file.tar",
    ],
)
def test_data_files(name: str, tmp_path: Path, ended: Callable[..., dict[str, Any]]) -> None:
    """What is called complete has exactly the records that it has undamaged."""
    folder = data_files.months(tmp_path / "file", "2026-01", "2026-02")
    months = sorted((folder / "dois").iterdir())
    for path in [path for month in months for path in month.iterdir()] if name.endswith((".csv", ".jsonl")) else []:
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    if name == "MANIFEST.json":
        data_files.write_json_manifest(folder)
    else:
        data_files.write_manifest(folder)
    (folder / "STATUS.json").write_text('{"month": "2026-02", "status": "Complete"}')
    given_path = data_files.pack(folder, tmp_path / "file.tar") if name == "file.tar" else folder
    target = tmp_path / "file.tar" if name == "file.tar" else folder / name
    sound = target.read_bytes()

    def law(changes: list[Change]) -> None:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        content = damaged(sound, changes)
        target.write_bytes(content)
        if name.startswith("dois"):
            data_files.write_manifest(folder)
        ran = ended("ingest", given_path, "--to", tmp_path / "out")
        if ran.get("verdict") == "complete":
            assert published(tmp_path / "out") == {"10.5072/2026-01", "10.5072/2026-02"}

    walk(law)


def published(to: Path) -> set[str]:
    """Return the DOIs of a dataset."""
    return set(pl.concat([pl.read_parquet(path, columns=["doi"]) for path in (to / "dois").rglob("*.parquet")])["doi"])


@pytest.mark.parametrize("name", ["manifest", "table", "csv", "records", "commit", "raw"])
@pytest.mark.parametrize("command", ["verify", "load", "audit", "ingest"])
def test_datasets(name: str, command: str, tmp_path: Path, ended: Callable[..., dict[str, Any]]) -> None:
    """A damaged file of a dataset whose manifest gives its hash, or the manifest itself, is read or refused."""
    folder = data_files.month(tmp_path / "file", "2026-10", "10.5072/a", "10.5072/b")
    formats = {"csv": "csv", "records": "ndjson,parquet", "commit": "delta"}.get(name, "parquet")
    ended("ingest", folder, "--to", tmp_path / "sound", "--format", formats, "--keep-raw")
    manifest = json.loads((tmp_path / "sound/_etl/manifest.json").read_text())
    table = manifest["tables"]["dois"]
    entry = (table["delta"]["log"] if name == "commit" else table["files"])[0]
    paths = {"manifest": "_etl/manifest.json", "raw": "_etl/raw/parts_00000.ndjson.zst"}
    path = paths.get(name, entry["path"])
    sound = (tmp_path / "sound" / path).read_bytes()
    options: list[object] = {
        "verify": [],
        "load": ["--into", f"duckdb:///{tmp_path}/out/w.duckdb"],
        "audit": ["--to", tmp_path / "out/audit"],
        "ingest": ["--to", tmp_path / "out/again"],
    }[command]

    def law(changes: list[Change]) -> None:
        for changed in ("dataset", "out"):
            shutil.rmtree(tmp_path / changed, ignore_errors=True)
        (tmp_path / "out").mkdir()
        shutil.copytree(tmp_path / "sound", tmp_path / "dataset")
        content = damaged(sound, changes)
        (tmp_path / "dataset" / path).write_bytes(content)
        if name not in paths:
            entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            (tmp_path / "dataset/_etl/manifest.json").write_text(json.dumps(manifest))
        ended(command, tmp_path / "dataset", *options)

    walk(law)
