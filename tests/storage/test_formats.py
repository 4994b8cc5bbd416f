import csv
import io
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import UsageError
from etl.storage import formats

SCHEMA = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "real": pl.Float64(),
    "yes": pl.Boolean(),
    "time": pl.Datetime("us", "UTC"),
    "day": pl.Date(),
}
EARLIEST, LATEST = (datetime.fromisoformat(day) for day in ("0001-01-01", "9999-12-31"))
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", '"', "\r", "a\nb", ",", "=1"]
)
row = st.tuples(
    text | st.none(),
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    st.booleans() | st.none(),
    st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)) | st.none(),
    st.dates(date(1, 1, 1)) | st.none(),
)
frames = st.lists(row, max_size=8).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def written(name, frame, pieces=None):
    target = io.BytesIO()
    formats.load(name).write(pieces or [frame], target, metadata={"a": "b"}, sorted_by=("text",))
    return target.getvalue()


@pytest.mark.parametrize("name", formats.names())
@settings(max_examples=80, deadline=None)
@given(frame=frames)
def test_what_a_sink_writes_it_reads_back(name, frame):
    """Every value of every type survives, nulls and empty strings told apart, in every format."""
    source = pa.PythonFile(io.BytesIO(written(name, frame)), mode="r")
    found = formats.load(name).read(source, SCHEMA, ["day", *[column for column in SCHEMA if column != "day"]])
    assert found.equals(frame.select("day", pl.exclude("day")), null_equal=True)
    assert found.schema == frame.select("day", pl.exclude("day")).schema


@pytest.mark.parametrize("name", formats.names())
@settings(max_examples=20, deadline=None)
@given(frame=frames)
def test_pieces_of_a_file_are_what_is_read_at_once(name, frame):
    """There is one at least, also of a file without rows."""
    content = written(name, frame)
    whole = formats.load(name).read(io.BytesIO(content), SCHEMA, list(SCHEMA))
    pieces = list(formats.load(name).read_pieces(io.BytesIO(content), SCHEMA, list(SCHEMA)))
    assert pl.concat(pieces).equals(whole, null_equal=True)


def test_a_row_group_of_any_length_is_read_in_pieces():
    """A million equal rows are some kilobytes in Parquet."""
    content = written("parquet", pl.DataFrame({"text": ["a"] * 1_000_000}))
    assert len(content) < 50_000
    pieces = [piece.height for piece in formats.load("parquet").read_pieces(io.BytesIO(content), SCHEMA, ["text"])]
    assert (max(pieces), sum(pieces)) == (50_000, 1_000_000)


@pytest.mark.parametrize("name", formats.names())
def test_how_a_frame_was_put_together_leaves_no_trace(name):
    """Chunks in memory make no difference to the bytes."""
    whole = pl.DataFrame({"text": ["a", None, "c"] * 1000}, schema={"text": pl.String})
    pieces = pl.concat([whole.slice(start, 7) for start in range(0, 3000, 7)], rechunk=False)
    assert written(name, whole) == written(name, pieces)


def test_there_is_a_sink_for_each_file_and_no_other():
    """A format exists by its file, ends in its own name, and a wrong name lists the right ones."""
    assert {"csv", "parquet"} <= set(formats.names())
    assert all(formats.load(name).suffix == f".{name}" for name in formats.names())
    with pytest.raises(UsageError, match=r"no format 'xls'; valid are: csv, "):
        formats.load("xls")


@pytest.mark.parametrize("name", formats.names())
def test_pieces_are_one_file(name):
    """A table given piece by piece reads as one, with one header."""
    frame = pl.DataFrame(
        {"text": ["a", None, ""], "whole": [1, 2, None]}, schema={"text": pl.String, "whole": pl.Int64}
    )
    source = pa.PythonFile(io.BytesIO(written(name, frame, list(frame.iter_slices(2)))), mode="r")
    assert formats.load(name).read(source, SCHEMA, ["text", "whole"]).equals(frame, null_equal=True)


@settings(max_examples=60, deadline=None)
@given(frame=frames)
def test_duckdb_reads_the_same_from_csv_as_from_parquet(tmp_path_factory, frame):
    """The two formats are two spellings of one table for readers that are not ours."""
    path = tmp_path_factory.mktemp("files")
    for name in ("csv", "parquet"):
        (path / f"t.{name}").write_bytes(written(name, frame))
    columns = {"text": "varchar", "whole": "bigint", "real": "double", "yes": "boolean", "day": "date"}
    options = "nullstr='', allow_quoted_nulls=false, header=true, all_varchar=true, new_line='\\n', comment=''"
    read = f"read_csv('{path}/t.csv', {options})"
    casts = ", ".join(f'{name}::{kind} as "{name}"' for name, kind in columns.items())
    from_csv = duckdb.sql(f"select {casts} from {read}").pl()
    from_parquet = duckdb.sql(f"select {', '.join(columns)} from '{path}/t.parquet'").pl()
    assert from_csv.equals(from_parquet, null_equal=True)


def test_csv_is_as_the_rfc_and_the_contract_say():
    """Header, `\\n`, quotes only where needed and doubled within, nothing for null, `""` for empty, times with Z."""
    stamp = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    rows = [("", 1, 0.5, True, stamp, date(2020, 1, 2)), (None,) * 6, ('a"b,\r', None, None, False, None, None)]
    found = written("csv", pl.DataFrame(rows, schema=SCHEMA, orient="row")).decode()
    assert found == (
        'text,whole,real,yes,time,day\n"",1,0.5,true,2020-01-02T03:04:05Z,2020-01-02\n,,,,,\n"a""b,\r",,,false,,\n'
    )
    assert len(list(csv.reader(io.StringIO(found, newline="")))) == 4


def test_parquet_has_row_groups_of_a_readable_size_with_statistics():
    """Every piece of a table is a row group, each with the least and greatest of its values."""
    frame = pl.DataFrame({"text": [f"{n:03}" for n in range(600)]})
    footer = pq.ParquetFile(io.BytesIO(written("parquet", frame, list(frame.iter_slices(500)))))
    assert [footer.metadata.row_group(n).num_rows for n in range(footer.metadata.num_row_groups)] == [500, 100]
    column = footer.metadata.row_group(1).column(0)
    assert (column.statistics.min, column.statistics.max, column.compression) == ("500", "599", "ZSTD")
    assert footer.schema_arrow.metadata == {b"a": b"b"}
