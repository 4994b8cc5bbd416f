import json

import polars as pl
import pytest

from etl.dataset.verify import verify
from etl.errors import StoreError
from etl.storage import paths
from tests.support.small import layout, local, publish, work

FOUND = [work("a", 2019, tags=[{"tag": "x"}, {"tag": "y"}]), work("b", 2020, tags=[{"tag": "z"}]), work("c", 2020)]


@pytest.fixture
def files(tmp_path):
    files = local(tmp_path)
    publish(files, FOUND, layout("parquet", "csv"))
    return files


def rewrite(files, path, frame):
    """Put other rows into a file and let the manifest agree with its bytes, as a mistaken program would."""
    with files.create(path) as target:
        frame.write_parquet(target)
    proof = json.loads(files.read(paths.MANIFEST))
    for facts in proof["tables"].values():
        for file in facts["files"]:
            if file["path"] == path:
                file |= {"bytes": target.size, "sha256": target.sha256}
    files.write(paths.MANIFEST, json.dumps(proof).encode())


def problems(files):
    return [(finding.path, finding.problem) for finding in verify(files).findings]


def test_a_dataset_as_it_was_published_is_sound(files):
    """Every file is read, nothing is wrong, and the verdict of the run is returned."""
    found = verify(files)
    assert (found.ok, found.findings, found.verdict) == (True, (), "complete")
    assert found.rows == 3 + 3 + 3
    assert found.files == len([key for key in files.listing("") if not key.startswith(paths.OWN)])


def test_a_file_that_is_gone_or_changed_is_named(files):
    """Loss, a cut end and a single flipped bit are three different findings."""
    one, two, three = "works/year=2019/p.parquet", "works/year=2020/p.parquet", "links/year=2019/p.csv"
    files.remove(one)
    files.write(two, files.read(two)[:-1])
    files.write(three, files.read(three).swapcase())
    found = dict(problems(files))
    assert found[one] == "is missing"
    assert "bytes, the manifest says" in found[two]
    assert "SHA-256" in found[three]
    assert not verify(files).ok


def test_a_foreign_file_is_named(files):
    """What lies in a table's folder and is not in the manifest would be read by everybody else."""
    files.write("works/year=2019/other.parquet", b"x")
    assert problems(files) == [("works/year=2019/other.parquet", "is not part of this dataset")]


def test_keys_that_come_twice_or_not_at_all_are_found(files):
    """A key is there once in all files together, and is never null."""
    path = "works/year=2019/p.parquet"
    rewrite(files, path, pl.DataFrame({"id": ["b"]}))
    found = problems(files)
    assert ("works", "1 duplicate value of id") in found
    assert ("work_tags", "1 value of work not in works") in found
    rewrite(files, path, pl.DataFrame({"id": [None]}, schema={"id": pl.String}))
    assert (path, "has 1 row without a key") in problems(files)


def test_a_file_with_other_rows_than_it_should_have_is_named(files):
    """Rows are counted, not believed; a file of another kind is reported as such."""
    path = "work_tags/year=2019/p.parquet"
    rewrite(files, path, pl.DataFrame({"work": ["a"]}))
    assert problems(files) == [(path, "has 1 row, the manifest says 2")]
    rewrite(files, path, pl.DataFrame({"other": ["a"]}))
    assert problems(files)[0][1].startswith("cannot be read")


def test_a_manifest_that_contradicts_itself_is_found(files):
    """A table's rows are the sum of its files' rows, in every format."""
    proof = json.loads(files.read(paths.MANIFEST))
    proof["tables"]["works"]["rows"] = 4
    files.write(paths.MANIFEST, json.dumps(proof).encode())
    assert problems(files) == [
        ("works", "the manifest says 4 rows, but 3 in its .csv files"),
        ("works", "the manifest says 4 rows, but 3 in its .parquet files"),
    ]


def test_where_nothing_was_published_there_is_nothing_to_verify(tmp_path):
    """An empty folder is told apart from a damaged dataset."""
    with pytest.raises(StoreError, match="holds no dataset"):
        verify(local(tmp_path))


def test_a_dataset_in_the_middle_of_a_switch_is_not_judged(files):
    """What a dead run left half published is neither sound nor damaged: it is to be finished."""
    files.write(paths.JOURNAL, b"{}")
    with pytest.raises(StoreError, match="run the export again"):
        verify(files)


def test_a_child_in_another_partition_than_its_record_still_has_its_record(files):
    """Where a row lies is not what makes it an orphan."""
    rewrite(files, "work_tags/year=2020/p.parquet", pl.DataFrame({"work": ["a"]}))
    assert problems(files) == []
