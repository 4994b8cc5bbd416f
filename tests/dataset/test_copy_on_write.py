"""Publication beside the old dataset, as Delta tables and object stores need it."""

import json
import shutil

import polars as pl
import pytest
from deltalake import DeltaTable

from etl.dataset import store
from etl.dataset.store import hold
from etl.dataset.verify import verify
from etl.storage import paths as places
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.small import claim, data, layout, local, owner, publish, work

pytestmark = pytest.mark.slow

OLD = [work("a", 2018, title="old", tags=[{"tag": "x"}]), work("b", 2019), work("d", 2020)]
NEW = [work("a", 2018, title="new"), work("c", None), work("d", 2020)]
FEW = layout(tables=("work_tags",))
DELTA = {"formats": ("delta",)}


def published(files, records):
    return publish(files, records, FEW, **DELTA)


def by_log(files):
    """Read every Delta table of a dataset, sorted."""
    proof = store.read_manifest(files)
    found = {name: pl.read_delta(f"{files.name}/{name}") for name in proof.tables}
    return {name: frame.sort(frame.columns).rows() for name, frame in found.items()}


def by_manifest(files):
    """Read the files of every table that the manifest lists, sorted."""
    found = {}
    for name, facts in store.read_manifest(files).tables.items():
        paths = [f"{files.name}/{file.path}" for file in facts.files]
        frame = pl.scan_parquet(paths, hive_partitioning=True).collect()
        columns = [column.name for column in facts.columns]
        found[name] = frame.select(columns).sort(columns).rows()
    return found


def versions(files):
    return {name: DeltaTable(f"{files.name}/{name}").version() for name in store.read_manifest(files).tables}


def test_every_table_is_a_delta_table_of_the_listed_files(tmp_path):
    """A log over the files themselves: same rows, the run in the commit, columns that are partitions included."""
    files = local(tmp_path)
    proof = published(files, OLD)
    assert by_log(files) == by_manifest(files)
    table = DeltaTable(f"{tmp_path}/works")
    assert table.history(1)[0]["run_id"] == proof.run_id
    assert table.metadata().partition_columns == ["year"]
    assert verify(files).ok


def test_the_next_publication_is_one_commit_where_something_differs(tmp_path):
    """Files that stay are not logged again, tables that stay have no new version, older versions had their files."""
    files = local(tmp_path)
    published(files, OLD)
    before = store.read_manifest(files)
    published(files, NEW)
    assert versions(files) == {"works": 1, "work_tags": 1, "people": 0}
    assert by_log(files) == by_manifest(files)
    log = (tmp_path / "works" / "_delta_log" / f"{1:020d}.json").read_text().splitlines()
    entries = [json.loads(line) for line in log]
    assert sum("add" in one for one in entries) == 2  # of three: the file of 2020 is as it was
    names = {file.path for file in before.tables["works"].files}
    again = {file.path for file in store.read_manifest(files).tables["works"].files}
    assert len(names & again) == 1
    assert verify(files).ok
    assert {key for key in data(files) if "_delta_log" not in key} == {
        file.path for facts in store.read_manifest(files).tables.values() for file in facts.files
    }


def test_columns_are_explained_in_the_log(command, tmp_path):
    """A reader of the Delta table sees what the columns mean, of real tables."""
    ran = command("export", "resource-types", "--sandbox", "--to", tmp_path / "d", "--format", "delta", "--json")
    assert ran.code == 0
    table = DeltaTable(str(tmp_path / "d" / "resource_types"))
    assert all(field.metadata.get("comment") for field in table.schema().fields)
    assert table.metadata().description
    assert pl.read_delta(str(tmp_path / "d" / "resource_types")).height == ran.json["tables"]["resource_types"]


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_leaves_every_reader_the_old_or_the_new(tmp_path, after):
    """By the manifest it is one of the two datasets as a whole, by a log one of the two tables, at every moment."""
    old, new = local(tmp_path / "old"), local(tmp_path / "new")
    published(old, OLD)
    published(new, NEW)
    whole = [by_manifest(old), by_manifest(new)]
    seen = set()
    for step in range(1, 400):
        root = tmp_path / f"{step}"
        shutil.copytree(old.name, root)
        try:
            published(FaultyFiles(root, step, after=after), NEW)
        except PowerLoss:
            seen.add(whole.index(by_manifest(local(root))))
            assert all(rows in (whole[0][name], whole[1][name]) for name, rows in by_log(local(root)).items())
            local(root).remove(places.LOCK)
            with hold(local(root), claim(**DELTA), owner()):
                assert by_log(local(root)) == by_manifest(local(root)) == whole[whole.index(by_manifest(local(root)))]
        else:
            break
        published(local(root), NEW)
        assert by_log(local(root)) == by_manifest(local(root)) == whole[1]
        assert verify(local(root)).ok
        assert local(root).listing(places.WORK) == local(root).listing(places.SPENT) == []
    assert seen == {0, 1}
    assert step > 20


def test_a_dataset_that_another_is_put_beside_is_still_read_as_it_is(tmp_path):
    """Until the manifest is switched it lists the old dataset; the new files are expected, others are not."""
    files = local(tmp_path)
    published(files, OLD)
    files.write("works/year=2030/p~00000000.parquet", b"new")
    files.write(places.NOTE, b'{"keys": ["works/year=2030/p~00000000.parquet"]}')
    assert verify(files).ok
    files.write("works/year=2030/mine.parquet", b"x")
    assert [finding.path for finding in verify(files).findings] == ["works/year=2030/mine.parquet"]


def test_a_log_that_tells_something_else_is_found(tmp_path):
    """A commit of another program is an unexpected file, a changed one is damage."""
    files = local(tmp_path)
    published(files, OLD)
    first = f"works/_delta_log/{0:020d}.json"
    content = files.read(first)
    files.write(first, content.replace(b'"numRecords', b'"numrecords'))
    assert [finding.path for finding in verify(files).findings] == [first]
    files.write(first, content)
    files.write(f"works/_delta_log/{1:020d}.json", b"{}")
    assert "is not part of this dataset" in verify(files).findings[0].problem


def test_a_delta_dataset_may_become_parquet_again(tmp_path):
    """Exported again without the log, nothing of the log stays."""
    files = local(tmp_path)
    published(files, OLD)
    publish(files, NEW, FEW)
    assert not [key for key in data(files) if "_delta_log" in key]
    assert verify(files).ok


def test_unfinished_work_over_another_dataset_is_not_gone_on_with(tmp_path):
    """Work that was begun before somebody else published would bring the past back."""
    files = local(tmp_path)
    with hold(files, claim(), owner()) as held:
        held.begin(claim(), 1)
        kept = files.read(places.PLAN)
    publish(files, OLD)
    files.write(places.PLAN, kept)
    with hold(files, claim(), owner()) as held:
        assert held.plan() is None
