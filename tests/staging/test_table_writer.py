import io
import json
from dataclasses import asdict
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.dataset.layout import check_partition
from etl.errors import UsageError
from etl.records.ordering import ROW
from etl.records.parser import Parser, nested_schema
from etl.staging import pages, part, table_writer
from etl.staging.pages import PageFacts, Staged
from etl.storage import paths
from tests.support.small import PEOPLE, WORKS, data, layout, local, publish, stage, work


def records(files, table, **more):
    found = [pl.read_parquet(io.BytesIO(files.read(key))) for key in files.listing(table) if key.endswith("parquet")]
    return pl.concat(found)


def test_every_table_of_a_published_dataset_is_sorted_by_the_key_of_its_record(tmp_path):
    """Rows stand in the order of their record's key, the entries of a list in the order of the list."""
    files = local(tmp_path)
    tags = [{"tag": "z"}, {"tag": "a"}]
    publish(files, [work("B", tags=tags), work("c"), work("A", tags=tags[:1])])
    assert records(files, "works")["id"].to_list() == ["a", "b", "c"]
    assert records(files, "work_tags").rows() == [("a", 0, "z"), ("b", 0, "z"), ("b", 1, "a")]
    assert records(files, "links").rows() == [("a", "z"), ("b", "z"), ("b", "a")]


def test_the_newest_of_the_records_with_one_key_stays(tmp_path):
    """A record that came twice is there once, as it was last, whatever the case of its key."""
    files = local(tmp_path)
    old = work("A", title="old", updated="2020-01-01T00:00:00Z", tags=[{"tag": "old"}])
    new = work("a", title="new", updated="2021-01-01T00:00:00Z")
    proof = publish(files, [new, old, old])
    assert records(files, "works")["title"].to_list() == ["new"]
    assert records(files, "work_tags").is_empty()
    assert asdict(proof.totals) == {
        "expected_before": 1,
        "expected_after": 1,
        "received": 3,
        "unique": 1,
        "duplicates": 2,
        "rejects": 0,
    }


def test_a_record_without_a_key_goes_to_the_rejects_whole(tmp_path):
    """What cannot be a row is written down with all that it held."""
    files = local(tmp_path)
    nested = Parser(WORKS).parse([json.dumps(work(key)).encode() for key in "ab"]).table
    keyless = nested.set_column(0, "id", pa.array(["a", None]))
    pages.write(files, paths.slice_folder("s"), PageFacts(number=0), keyless)
    [receipt] = part.write_part(files, layout(), "p", ["s"])
    assert (receipt.received, receipt.unique, receipt.duplicates, receipt.rejects) == (2, 1, 0, 1)
    [line] = files.read(paths.staged(paths.rejects("p"))).splitlines()
    assert json.loads(line)["reason"] == "a record without a key"
    assert json.loads(json.loads(line)["raw"])["attributes.year"] == 2020


def test_a_partition_is_a_folder_in_the_main_table_and_in_its_children(tmp_path):
    """Child rows lie in the partition of their record, and hive readers find the column in every table."""
    files = local(tmp_path)
    publish(files, [work("a", 2019, tags=[{"tag": "x"}]), work("b", None, tags=[{"tag": "y"}]), work("c", 2020)])
    assert files.listing("work_tags") == [
        "work_tags/year=2019/p.parquet",
        "work_tags/year=__HIVE_DEFAULT_PARTITION__/p.parquet",
    ]
    found = pl.scan_parquet(tmp_path / "works", hive_partitioning=True).collect().sort("id")
    assert found["year"].to_list() == [2019, None, 2020]
    assert "year" not in pq.read_schema(tmp_path / "works/year=2019/p.parquet").names


def test_an_empty_result_has_all_tables_with_all_columns(tmp_path):
    """Nothing found still makes a file for each table, and the partition column can be read from it."""
    files = local(tmp_path)
    proof = publish(files, [], layout("parquet", "csv"))
    assert set(proof.tables) == {"works", "work_tags", "work_people", "links", "people"}
    for name, facts in proof.tables.items():
        assert facts.rows == 0
        assert {Path(file.path).suffix for file in facts.files} == {".csv", ".parquet"}
        frame = pl.scan_parquet(tmp_path / name / "**/*.parquet", hive_partitioning=True).collect()
        assert set(frame.columns) == {column.name for column in facts.columns}


def test_both_formats_lie_side_by_side_and_rows_are_counted_once(tmp_path):
    """Two formats are two files of the same rows; the table's count is that of one of them."""
    proof = publish(local(tmp_path), [work("a", 2019), work("b", 2020)], layout("parquet", "csv"))
    assert proof.tables["works"].rows == 2
    assert len(proof.tables["works"].files) == 4


def test_a_file_carries_the_request_and_nothing_of_the_run(tmp_path):
    """The footer of a Parquet file has the metadata that it was given, its table, and the order of its rows."""
    publish(local(tmp_path), [work("a")])
    footer = pq.ParquetFile(tmp_path / "works/year=2020/p.parquet")
    assert footer.schema_arrow.metadata == {b"a": b"b", b"datacite-etl.table": b"works"}
    assert footer.metadata.row_group(0).sorting_columns[0].column_index == 0
    assert footer.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("name", ["id", "score", "updated", "nope"])
def test_only_labels_of_the_main_table_can_be_partitions(name):
    """A key, a number with a fraction and an unknown name are refused with the names that can be used."""
    with pytest.raises(UsageError, match=r"valid are: year, title, good$"):
        check_partition(WORKS, [name])


def test_a_value_is_never_a_path(tmp_path):
    """Partition values that look like paths stay one folder, and read back as they were."""
    files = local(tmp_path / "dest")
    titles = ["../../evil", "/etc", "a b=c%2F", "é", ""]
    rows = [work(str(number), title=title) for number, title in enumerate(titles)]
    publish(files, rows, layout(partition_by=("title",)))
    assert [path.name for path in tmp_path.iterdir()] == ["dest"]
    assert all(key.count("/") == 2 for key in files.listing("works"))
    seen = pl.scan_parquet(tmp_path / "dest/works", hive_partitioning=True).collect().sort("id")
    assert seen["title"].to_list() == titles


def test_a_value_too_long_for_a_folder_is_refused_with_the_fix(tmp_path):
    """What no file system takes ends in a line that says what to do."""
    with pytest.raises(UsageError, match="partition by another column"):
        publish(local(tmp_path), [work("a", title="x" * 300)], layout(partition_by=("title",)))


def test_a_partition_that_is_not_asked_for_is_not_made(tmp_path):
    """Without partitions, a table's files lie in its folder and hold every column."""
    publish(local(tmp_path), [work("a")], layout(partition_by=()))
    assert pq.read_schema(tmp_path / "works/p.parquet").names[:2] == ["id", "year"]


def test_only_the_wanted_tables_and_the_main_one_become_files(tmp_path):
    """Asking for some tables leaves the others out."""
    proof = publish(local(tmp_path), [work("a")], layout(tables=("links",)))
    assert set(proof.tables) == {"works", "links", "people"}


def test_rows_of_several_files_are_numbered_through(tmp_path):
    """The number of a row's record counts on from file to file."""
    files = local(tmp_path)
    stage(files, "s", [[work("a"), work("b")], [], [work("c")]])
    keys = files.listing(paths.slice_folder("s"))
    every = Staged(files, keys, nested_schema(WORKS))
    [(_, main)] = table_writer.frames(WORKS, [WORKS.main], every)
    assert main[ROW].to_list() == [0, 1, 2]
    [(_, none)] = table_writer.frames(PEOPLE, [PEOPLE.main], Staged(files, [], nested_schema(PEOPLE)))
    assert none.is_empty()


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
works = st.builds(
    work,
    text.filter(bool),
    st.sampled_from([2019, 2020, None]),
    title=text | st.none(),
    good=st.booleans() | st.none(),
    score=st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    updated=st.sampled_from(["2020-01-01T00:00:00Z", "2021-02-03T04:05:06Z", None]),
    tags=st.lists(st.fixed_dictionaries({"tag": text | st.none()}), max_size=3),
    author=st.sampled_from(["x", "Y", None]),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(works, max_size=12), chance=st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_bytes_in_any_order_and_cut(tmp_path_factory, found, chance):
    """Pages, slices and the order of arrival leave no trace in the files of a part."""
    written = []
    for shuffled in (False, True):
        files = local(tmp_path_factory.mktemp("dest"))
        rows = list(found)
        if shuffled:
            chance.shuffle(rows)
        edge = chance.randint(0, len(rows)) if shuffled else len(rows)
        first = rows[:edge]
        stage(files, "one", [first[: edge // 2], first[edge // 2 :]])
        stage(files, "two", [rows[edge:]])
        [receipt] = part.write_part(files, layout("parquet", "csv"), "p", ["one", "two"])
        written.append((data(files, below=f"{paths.STAGED}/"), receipt.tables))
    assert written[0] == written[1]


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(works, max_size=12, unique_by=lambda record: record["id"].lower()))
def test_what_goes_in_comes_out(tmp_path_factory, found):
    """Every value of every record is in the files, in Parquet as in CSV."""
    path = tmp_path_factory.mktemp("dest")
    publish(local(path), found, layout("parquet", "csv", partition_by=()))
    plain = {_lower(record["id"]): record["attributes"] for record in found}
    parquet = pl.read_parquet(path / "works/*.parquet")
    assert {row["id"]: (row["title"], row["good"], row["score"]) for row in parquet.to_dicts()} == {
        key: (row["title"], row["good"], row["score"]) for key, row in plain.items()
    }
    tags = pl.read_parquet(path / "work_tags/*.parquet").group_by("work", maintain_order=True).agg("tag")
    assert dict(tags.rows()) == {key: [tag["tag"] for tag in row["tags"]] for key, row in plain.items() if row["tags"]}
    for name in ("works", "work_tags"):
        file = next(iter(sorted((path / name).glob("*.csv"))))
        text = pl.read_csv(file, infer_schema=False)
        assert text.select("work" if name == "work_tags" else "id").equals(
            pl.read_parquet(path / name / "*.parquet").select("work" if name == "work_tags" else "id")
        )


def _lower(text: str) -> str:
    return pl.Series([text]).str.to_lowercase().item()


def test_duckdb_reads_a_partitioned_table(tmp_path):
    """A hive reader that is not ours finds rows and partitions."""
    publish(local(tmp_path), [work("a", 2019), work("b", 2020)])
    query = f"select id, year from read_parquet('{tmp_path}/works/**/*.parquet', hive_partitioning=true) order by id"
    assert duckdb.sql(query).pl().rows() == [("a", 2019), ("b", 2020)]
