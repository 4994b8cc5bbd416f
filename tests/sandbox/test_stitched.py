"""Bodies are stitched from prepared parts."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from etl.sandbox.stitched import Stitched, part

PIECES = st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(part), st.just(b"x" * 70_000))


@given(st.lists(PIECES, max_size=12))
def test_the_packed_form_holds_the_plain_one(pieces):
    """Whatever the pieces and their order, gunzipping the packed body gives the plain one."""
    body = Stitched(pieces)
    assert gzip.decompress(body.packed()) == body.plain()
