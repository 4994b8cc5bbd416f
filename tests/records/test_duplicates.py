import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.records.duplicates import hashes, repeated


@given(st.lists(st.lists(st.sampled_from("abcdef") | st.none(), max_size=6), max_size=4), st.integers(1, 30))
def test_repeats_are_found_whatever_the_share_looked_at(parts, at_once):
    """Looking at a few keys at a time finds what looking at all finds; nulls never repeat."""
    series = [pl.Series(part, dtype=pl.String) for part in parts]
    every = [key for part in parts for key in part if key is not None]
    found = repeated(lambda: series, len(every), at_once)
    expected = sorted({key for key in every if every.count(key) > 1})
    assert sorted(found) == sorted(hashes(pl.Series(expected, dtype=pl.String)))
