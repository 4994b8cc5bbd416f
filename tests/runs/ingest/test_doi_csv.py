"""Lists of DOIs are read in all their forms, and refused with file and line if they are damaged."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import StoreError
from etl.runs.ingest import doi_csv
from tests.support.refusals import assert_read_or_refused


def rows(*lines: bytes) -> list[tuple[str, str]]:
    return doi_csv.parse(iter(lines), "x.csv").rows()


@pytest.mark.parametrize(
    "lines",
    [
        (b"doi,state,client_id", b"10.1/A,findable,x"),
        (b"\xef\xbb\xbfdoi,state\r", b"10.1/a,findable\r", b""),
        (b'"State","DOI"', b'"findable","10.1/a"'),
        (b"doi,state", b"doi:10.1/a,findable"),
        (b"doi,state", b" https://doi.org/10.1/A ,Findable "),
    ],
)
def test_a_list_is_read_however_it_was_saved(lines: tuple[bytes, ...]) -> None:
    """They may have a byte-order mark, Windows line ends, other columns, and DOIs as URLs."""
    assert rows(*lines) == [("10.1/a", "findable")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "is not a list of DOIs"),
        ((b"doi;state", b"10.1/a;findable"), "is not a list of DOIs"),
        ((b"\xff\xfed\x00o\x00i\x00",), "is UTF-16"),
        ((b"doi,state", b"10.1/a"), "before line 3: a line is too short"),
        ((b"doi,state", b"10.1/\xe4,findable"), "line 2: the text is not valid UTF-8"),
        ((b"doi,state", b'10.1/a,"' + b"x" * 200_000), "line 2: field larger"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(lines: tuple[bytes, ...], message: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(StoreError, match=message):
        rows(*lines)


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=5), st.booleans())
def test_no_content_of_a_list_ends_in_another_error(lines: list[bytes], headed: bool) -> None:
    """Whatever the bytes, a list is read or refused in one line."""

    def given_lines() -> Iterator[bytes]:
        yield from [b"doi,state"] if headed else []
        yield from lines

    assert_read_or_refused("x.csv", lambda: doi_csv.parse(given_lines(), "x.csv"))
