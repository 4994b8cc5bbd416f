import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.records import row_changes

CELLS = st.one_of(st.none(), st.sampled_from(["", "x", "y"]))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), CELLS, st.one_of(st.none(), st.integers(0, 2))), max_size=8)


def frame(rows):
    """Return rows sorted by key, as they stand in files."""
    made = pl.DataFrame(rows, schema={"doi": pl.String, "text": pl.String, "number": pl.Int64}, orient="row")
    return made.sort("doi", maintain_order=True)


@given(ROWS, ROWS)
def test_exactly_the_records_whose_rows_are_not_the_same_differ(before, after):
    """Same rows in the same order are the same; one more, one less, another order or another value is a difference."""
    differing = set(row_changes.changed_keys(frame(before), frame(after), "doi").to_list())
    expected = {
        key for key in "abc" if [row for row in before if row[0] == key] != [row for row in after if row[0] == key]
    }
    assert differing == expected


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(CELLS, CELLS)))
def test_the_columns_that_differ_are_named(pairs):
    """A null differs from every value and from no null."""
    before, after = (frame([(key, pair[side], 1) for key, pair in pairs.items()]) for side in (0, 1))
    named = row_changes.changed_columns(before, after, "doi")
    assert set(named.iter_rows()) == {(key, "text") for key, (one, other) in pairs.items() if one != other}


def test_the_feed_tells_each_record_once():
    """Names in `columns` are in the declared order, once each."""
    differ = [pl.DataFrame({"key": ["b", "b", "b"], "column": ["url", "title", "url"]})]
    fed = row_changes.feed(
        "doi", added=pl.Series(["c"]), changed=differ, withdrawn=pl.Series(["a"]), order=["title", "url"]
    )
    assert fed.rows() == [("a", "withdrawn", []), ("b", "changed", ["title", "url"]), ("c", "added", [])]
