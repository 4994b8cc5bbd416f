"""Every reader of a dataset gives a verdict or one line on a changed manifest, never a traceback."""

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import etl
from etl import cli
from etl.errors import EtlError
from etl.sandbox import Corpus, Sandbox, running
from tests.support.small import snapshot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("manifest-fuzz")]

EXAMPLES = int(os.environ.get("DATACITE_ETL_FUZZ_EXAMPLES", "40"))
NUMBERS = (0, 1, -1, 2**31, 2**53, 10**30, 1.5, -0.0, 1e308)
TEXTS = ("", " ", "many", "\x00", "\ud83d", "a\nb", "../x", "/etc/passwd", "dois/../../x", "2020-13-45", "0001-01-01")
TEXTS += ("complete", "incomplete", "parquet", "csv", "ndjson", "delta", "int", "blob", "doi", "title", "x" * 5000)
OTHERS = (
    None,
    True,
    False,
    [],
    {},
    [None],
    {"a": {"b": [None]}},
    {"path": "../x", "rows": 1, "bytes": 1, "sha256": ""},
)
Reader = Callable[[Path, Path, str], int]


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths of all values below one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in inner:
        yield (*here, name)
        yield from places(below, (*here, name))


Edit = tuple[tuple[Any, ...], str, Any]
"""Where a manifest is changed, how, and with what."""


def edits(sound: dict[str, Any]) -> st.SearchStrategy[list[Edit]]:
    """Draw one to three changes anywhere: another value, one from elsewhere, another name, a copy, a removal."""
    where = st.sampled_from(list(places(sound)))
    other = st.sampled_from((*NUMBERS, *TEXTS, *OTHERS))
    edit = st.one_of(
        st.tuples(where, st.just("put"), other),
        st.tuples(where, st.just("elsewhere"), where),
        st.tuples(where, st.just("rename"), st.sampled_from(TEXTS)),
        st.tuples(where, st.sampled_from(["double", "lose"]), st.none()),
    )
    return st.lists(edit, min_size=1, max_size=3)


def at(values: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at a path."""
    for step in path:
        values = values[step]
    return values


def edited(sound: dict[str, Any], changes: list[Edit]) -> dict[str, Any]:
    """Return a manifest with the changes, except those whose place another one has removed."""
    values = copy.deepcopy(sound)
    for (*way, last), how, what in changes:
        with suppress(LookupError, TypeError):
            parent = at(values, tuple(way))
            match how:
                case "elsewhere":
                    parent[last] = copy.deepcopy(at(values, what))
                case "rename" if isinstance(parent, dict):
                    parent[what] = parent.pop(last)
                case "double" if isinstance(parent, list):
                    parent.append(copy.deepcopy(parent[last]))
                case "lose":
                    del parent[last]
                case _:
                    parent[last] = copy.deepcopy(what)
    return values


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(Corpus.generate(records=20, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that a sync has changed, with everything that a manifest may have."""
    to = tmp_path_factory.mktemp("fuzz") / "sound"
    tables = ["--tables", "doi_titles,links", "--include", "client", "--partition-by", "created_year", "--keep-raw"]
    assert run("export", "dois", "--to", to, "--base-url", box.base_url, *tables) == 0
    assert run("sync", to, "--base-url", box.base_url) == 0
    return to


def run(*arguments: object) -> int:
    return cli.run([*map(str, arguments), "--quiet"])


def scanned(to: Path, work: Path, url: str) -> int:
    try:
        for frame in etl.scan(str(to)).values():
            frame.collect()
    except EtlError as error:
        return error.exit_code
    except pl.exceptions.PolarsError:  # what polars says of files is for who uses it
        return 1
    return 0


READERS: dict[str, Reader] = {
    "verify": lambda to, work, url: run("verify", to),
    "verify --remote": lambda to, work, url: run("verify", to, "--remote", "--base-url", url),
    "load": lambda to, work, url: run("load", to, "--into", f"duckdb:///{work}/w.duckdb"),
    "load delta": lambda to, work, url: run("load", to, "--into", f"delta:///{work}/lake"),
    "audit": lambda to, work, url: run("audit", to, "--to", work / "audit"),
    "diff": lambda to, work, url: run("diff", to, to, "--to", work / "diff"),
    "sync": lambda to, work, url: run("sync", to, "--base-url", url),
    "sync --metrics": lambda to, work, url: run("sync", to, "--base-url", url, "--metrics"),
    "export": lambda to, work, url: run("export", "dois", "--to", to, "--base-url", url, "--tables", "doi_titles"),
    "ingest": lambda to, work, url: run("ingest", to, "--to", work / "again"),
    "scan": scanned,
}


@pytest.mark.parametrize("name", READERS)
def test_a_changed_manifest_ends_in_a_verdict_or_in_one_line(
    box: Sandbox, exported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """No reader fails with a traceback; whatever is refused stays unchanged."""
    sound = json.loads((exported / "_etl/manifest.json").read_text())
    to, work = tmp_path / "d", tmp_path / "w"

    @given(edits(sound))
    @example([(("tables",), "put", {})])
    @example([(("tables", "dois", "columns", 11, "name"), "put", "many")])
    @example([(("tables", "doi_titles", "columns", 1, "type"), "put", "timestamp")])
    @example([(("tables", "dois", "files", 0, "path"), "put", "../x")])
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def law(changes: list[Edit]) -> None:
        for folder in (to, work):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(exported, to)
        work.mkdir()
        (to / "_etl/manifest.json").write_text(json.dumps(edited(sound, changes)))
        before = snapshot(to)
        code = READERS[name](to, work, box.base_url)
        assert code in {0, 1, 2, 3, 4}
        assert "Traceback" not in capfd.readouterr().err
        if code == 2:
            assert snapshot(to) == before

    law()
