import copy
import json

import pytest

from etl.completeness.verdict import Tally, judge, reconcile
from etl.dataset import manifest_file, store
from etl.dataset.manifest import DataFile, Drift, TableFacts
from etl.dataset.manifest_build import Evidence, Provenance, build
from etl.errors import ManifestError
from etl.storage import paths
from tests.support.small import REQUEST, WORKS, local, publish, work

GOLDEN = [work("a", 2019, tags=[{"tag": "x"}], author="p1", new=1), work("b")]
NAMES = {
    "format_version",
    "resource",
    "dialect",
    "base_url",
    "request",
    "run_id",
    "started",
    "finished",
    "verdict",
    "totals",
    "slices",
    "tables",
    "included",
    "facets",
    "watermark",
    "schema_drift",
}


@pytest.fixture
def sound(tmp_path):
    """Return the plain values of a manifest with something of everything."""
    return manifest_file.plain(publish(local(tmp_path), GOLDEN))


def changed(values, path, value):
    """Return plain values with another one at a place; the last step may be a new name."""
    values = copy.deepcopy(values)
    *steps, last = path
    at = values
    for step in steps:
        at = at[step]
    at[last] = value
    return values


def test_a_manifest_has_every_name_of_its_format(sound):
    """The names are the contract that readers of manifests rely on."""
    assert set(sound) >= NAMES
    totals = "expected_before expected_after received unique duplicates rejects"
    assert list(sound["totals"]) == totals.split()
    one = "key window expected_before expected_after received unique verdict attempts recent"
    assert list(sound["slices"][0]) == one.split()
    assert list(sound["tables"]["works"]) == ["rows", "key", "of", "columns", "files"]
    assert list(sound["tables"]["works"]["files"][0]) == ["path", "rows", "bytes", "sha256"]
    assert sound["tables"]["works"]["columns"][-1] == {"name": "year", "type": "int"}
    assert list(sound["included"]["people"])[:3] == ["linked", "received", "missing"]


def test_a_manifest_keeps_its_bytes_from_version_to_version(tmp_path, request):
    """What an earlier program wrote of the same run is what this one writes, and reads back to the same bytes."""
    golden = (request.path.parent / "golden_manifest.json").read_bytes()
    publish(local(tmp_path), GOLDEN)
    assert (tmp_path / paths.MANIFEST).read_bytes() == golden
    assert manifest_file.encode(manifest_file.decode(golden, "m")) == golden


def test_a_manifest_is_read_back_as_it_was_written(tmp_path):
    """Bytes and values are two forms of one thing."""
    proof = publish(local(tmp_path), [work("a")])
    assert manifest_file.decode(manifest_file.encode(proof), "m") == proof
    assert proof.tables["works"].files[0].path == "works/year=2020/p.parquet"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "m is damaged"),
        (b"\xff", "m is damaged"),
        (b"[" * 100_000, "m is damaged"),
        (b'{"format_version": NaN}', "m is damaged: NaN is not JSON"),
        (b"[]", "m is not a manifest"),
        (b"{}", "m is not a manifest"),
        (b'{"format_version": 1}', "m: object missing required field `resource`"),
        (b'{"format_version": 2, "tables": {}}', "has format 2, this program reads 1; update"),
    ],
)
def test_what_is_no_manifest_is_refused_by_name(content, problem):
    """Damage, foreign files and a newer format each end in a line of their own."""
    with pytest.raises(ManifestError, match=problem):
        manifest_file.decode(content, "m")


FILE = ("tables", "works", "files", 0)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("format_version",), 0, "format_version: "),
        (("format_version",), True, "format_version: expected `int`, got `bool`"),
        (("slices",), None, "slices: expected `array`, got `null`"),
        (("verdict",), "fine", "verdict: invalid enum value 'fine'"),
        (("totals",), [], "totals: expected `object`, got `array`"),
        (("totals", "unique"), "60", "totals.unique: expected `int`, got `str`"),
        (("totals", "unique"), -1, "totals.unique: expected `int` >= 0"),
        (("totals", "unique"), 10**40, "totals.unique: expected `int` <= "),
        (("slices", 0, "window", "end"), 10**15, "slices.0..window: it has a bound outside the years 1 to 9999"),
        (("request", "window", "start"), "2010", "request.window.start: expected `int | null`, got `str`"),
        (("request", "window"), {"by": "created", "start": 2, "end": 1}, "request.window: it ends before it begins"),
        (("request", "resource"), "dois", "request.resource: 'dois' is not the manifest's resource, 'works'"),
        (("formats",), [], "formats: expected `array` of length >= 1"),
        (("formats",), ["parquet", "exe"], "formats: unknown format 'exe'"),
        (("started",), "yesterday", "started: 'yesterday' is not a time"),
        (("watermark",), "soon", "watermark: 'soon' is not a time"),
        (("tables",), {}, "tables: the main table, works, is missing"),
        (("tables",), [], "tables: expected `object`, got `array`"),
        (("tables", "works", "rows"), "many", "tables.works.rows: expected `int`, got `str`"),
        (("tables", "works", "of"), "else", "tables.works.of: there is no table 'else'"),
        (("tables", "works", "key"), "else", "tables.works.key: 'else' is not among the columns"),
        (("tables", "works", "columns", 0, "type"), "blob", "tables.works.columns.0..type: invalid enum value 'blob'"),
        (("tables", "works", "columns", 0, "name"), "a b", "tables.works.'a b' is not a valid name"),
        (("tables", "works", "columns", 1, "name"), "id", "tables.works.columns: 'id' is listed more than once"),
        (
            ("tables", "../x"),
            {"rows": 0, "key": "id", "of": "works", "columns": [], "files": []},
            "is not a valid name",
        ),
        ((*FILE, "sha256"), "", "tables.works.files.0..sha256: expected `str` matching regex"),
        ((*FILE, "size"), 1, "tables.works.files.0.: unknown member 'size'"),
        ((*FILE, "path"), "../x.parquet", "files.0..path: '../x.parquet' does not lie in the table's folder"),
        ((*FILE, "path"), "/etc/passwd", "does not lie in the table's folder"),
        ((*FILE, "path"), "works/../../x.parquet", "does not lie in the table's folder"),
        ((*FILE, "path"), "works//x.parquet", "does not lie in the table's folder"),
        ((*FILE, "path"), "work_tags/year=2019/x.parquet", "does not lie in the table's folder"),
        ((*FILE, "path"), "works/month=1/x.parquet", "does not lie in a folder of partition_by"),
        ((*FILE, "path"), "works/year=2019/x.sh", "has a format that this program does not know"),
        ((*FILE, "path"), "works/year=2020/p.parquet", "the file 'works/year=2020/p.parquet' is listed more than once"),
        (("partition_by",), ["month"], "does not lie in a folder of partition_by"),
    ],
)
def test_a_manifest_with_a_wrong_member_is_refused_by_that_member(sound, path, value, problem):
    """The line names file, member and fix, and the exit code is 2."""
    content = json.dumps(changed(sound, path, value)).encode()
    with pytest.raises(ManifestError, match=problem) as refused:
        manifest_file.decode(content, "m")
    assert "m: " in str(refused.value)
    assert "export again with --fresh" in refused.value.fix
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_names_that_later_versions_add_are_not_heeded(sound):
    """An older program reads what it knows."""
    later = changed(changed(sound, ("later",), 1), ("totals", "later"), 1)
    assert manifest_file.decode(json.dumps(later).encode(), "m").totals.unique == 2


def test_a_wrong_manifest_cannot_break_or_swell_the_line_about_it(sound):
    """Neither control characters nor megabytes of it are shown."""
    for value in ("a\n\x1b[2Jb", "x" * 1_000_000):
        content = json.dumps(changed(sound, ("watermark",), value)).encode()
        with pytest.raises(ManifestError) as refused:
            manifest_file.decode(content, "m")
        assert len(str(refused.value)) < 500
        assert str(refused.value).isprintable()


def test_a_wrong_manifest_is_refused_at_every_door(tmp_path):
    """Reading it, reading what it lists and replacing it end in the same line."""
    files = local(tmp_path)
    publish(files, GOLDEN)
    files.write(paths.MANIFEST, b'{"format_version": 1}')
    for reader in (store.read_manifest, store.published_manifest, store.readable_manifest):
        with pytest.raises(ManifestError, match=r"manifest\.json: object missing"):
            reader(files)
    with pytest.raises(ManifestError, match="object missing"):
        publish(files, GOLDEN)


def test_drift_and_facets_stand_in_the_manifest():
    """What the API sent and no column maps, and what its facets say, is part of the proof."""
    one = Tally(key="s", expected_before=1, expected_after=1, received=1, unique=1)
    evidence = Evidence(
        tallies=[one],
        verdict=judge([one], query_before=1, query_after=1),
        expected_before=1,
        expected_after=1,
        facets=[reconcile("years", [("2019", 1)], {"2019": 2}, size=10)],
        drift={"attributes.new": (3, "10.1/a")},
    )
    run = Provenance(run_id="r", started="a", finished="b", base_url="u")
    proof = build(WORKS, REQUEST, run, evidence, {}, fingerprint="f")
    assert proof.schema_drift == (Drift(path="attributes.new", count=3, example="10.1/a"),)
    assert proof.facets[0].differing == {"2019": (1, 2)}
    assert proof.slices[0].tally == one


def test_the_rows_of_a_table_are_those_of_one_format():
    """Files in a second format hold the same rows again."""
    files = [DataFile(path=f"t/{n}.{end}", rows=2, bytes=1, sha256="") for n in "ab" for end in ("csv", "parquet")]
    assert TableFacts.of_files((), files, key="id", of="t").rows == 4
    assert TableFacts.of_files((), [], key="id", of="t").rows == 0
