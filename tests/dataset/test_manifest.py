import json

import pytest

from etl.completeness.verdict import Tally, judge, reconcile
from etl.dataset import manifest
from etl.dataset.manifest import DataFile, Evidence, Run, TableFacts
from etl.errors import StoreError
from tests.support.small import WORKS, local, publish, work

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


def test_a_manifest_has_every_name_of_its_format(tmp_path):
    """The names are the contract that readers of manifests rely on."""
    proof = publish(local(tmp_path), [work("a")])
    assert set(proof) >= NAMES
    totals = "expected_before expected_after received unique duplicates rejects"
    assert list(proof["totals"]) == totals.split()
    one = "key window expected_before expected_after received unique verdict attempts"
    assert list(proof["slices"][0]) == one.split()
    assert list(proof["tables"]["works"]) == ["rows", "key", "of", "columns", "files"]
    assert list(proof["tables"]["works"]["files"][0]) == ["path", "rows", "bytes", "sha256"]
    assert proof["tables"]["works"]["columns"][-1] == {"name": "year", "type": "int"}
    assert list(proof["included"]["people"])[:3] == ["linked", "received", "missing"]


def test_a_manifest_is_read_back_as_it_was_written(tmp_path):
    """Bytes and values are two forms of one thing."""
    proof = publish(local(tmp_path), [work("a")])
    assert manifest.decode(manifest.encode(proof), "m") == json.loads(json.dumps(proof))
    assert manifest.data_files(proof)["works"][0].path == "works/year=2020/p.parquet"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "m is damaged"),
        (b"\xff", "m is damaged"),
        (b"[]", "m is not a manifest"),
        (b'{"format_version": 1}', "m is not a manifest"),
        (b'{"format_version": 2, "tables": {}}', "has format 2, this program reads 1; update"),
    ],
)
def test_what_is_no_manifest_is_refused_by_name(content, said):
    """Damage, foreign files and a newer format each end in a line of their own."""
    with pytest.raises(StoreError, match=said):
        manifest.decode(content, "m")


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
    run = Run(run_id="r", started="a", finished="b", base_url="u")
    proof = manifest.build(WORKS, {}, run, evidence, {}, fingerprint="f")
    assert proof["schema_drift"] == [{"path": "attributes.new", "count": 3, "example": "10.1/a"}]
    assert proof["facets"][0]["differing"] == {"2019": (1, 2)}


def test_the_rows_of_a_table_are_those_of_one_format():
    """Files in a second format hold the same rows again."""
    files = tuple(DataFile(path=f"t/{n}.{end}", rows=2, bytes=1, sha256="") for n in "ab" for end in ("csv", "parquet"))
    assert TableFacts(columns=(), files=files, key="id", of="t").rows == 4
    assert TableFacts(columns=(), files=(), key="id", of="t").rows == 0
