import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.records.ordering import arrange, contested, rows_by_partition, split


def main(keys, **more):
    return pl.DataFrame({"_row": pl.Series(range(len(keys)), dtype=pl.UInt32), "key": keys, **more})


def test_records_are_ranked_by_partition_and_key():
    """Every partition is one run of ranks, sorted within; nulls are the first partition."""
    order = arrange(main(["b", "a", "c"], year=[2020, 2020, None]), key="key", partition_by=["year"])
    assert order.rank.to_list() == [2, 1, 0]
    assert [(group.values, group.start, group.stop) for group in order.groups] == [
        ((("year", None),), 0, 1),
        ((("year", "2020"),), 1, 3),
    ]


def test_a_record_without_a_key_has_no_place():
    """Nulls are neither ranked nor contested."""
    frame = main(["a", None, None])
    assert contested(frame, "key") == []
    order = arrange(frame, key="key")
    assert (order.rank.to_list(), order.size) == ([0, None, None], 1)


def test_between_records_of_one_time_their_content_decides():
    """The same two records give the same winner whichever came first."""
    for first, second in (("x", "y"), ("y", "x")):
        frame = main(["a", "a"])
        assert contested(frame, "key") == [0, 1]
        order = arrange(frame, key="key", contents={0: first, 1: second})
        assert order.rank.to_list() == [None if first == "x" else 0, None if second == "x" else 0]


def test_rows_follow_their_record_and_keep_their_order_within_it():
    """A child table is put in the order of the main table; rows of records without a place go."""
    order = arrange(main(["b", "a", None], year=[1, 2, 1]), key="key", partition_by=["year"])
    rows = pl.DataFrame({"_row": pl.Series([2, 1, 0, 0, 1], dtype=pl.UInt32), "n": [5, 3, 1, 2, 4]})
    assert [found["n"].to_list() for _, found in rows_by_partition(rows, order)] == [[1, 2], [3, 4]]


@given(st.integers(0, 9), st.integers(1, 4))
def test_split_rows_are_all_the_rows(height, most):
    """Parts are as long as they may be, in order, and of no rows there is one part as well."""
    parts = list(split(pl.DataFrame({"n": range(height)}, schema={"n": pl.Int64}), most))
    assert [part.height for part in parts[:-1]] == [most] * (len(parts) - 1)
    assert pl.concat(parts)["n"].to_list() == list(range(height))


def test_no_records_have_no_groups():
    """An empty table has no partition, with partitions as without."""
    empty = main([]).with_columns(year=None)
    assert arrange(empty, key="key").groups == arrange(empty, key="key", partition_by=["year"]).groups == ()
    assert arrange(empty, key="key").size == 0
