"""The strict msgspec type accepts what Arrow accepts, and comparing types shows which fields are new."""

import json
from io import BytesIO

import msgspec
import pyarrow as pa
import pyarrow.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.schema import arrow_types, declarations
from etl.schema.declarations import Json, Listing, Scalar, Struct, Type
from tests.support.widgets import WIDGETS

SHAPE = declarations.shape(WIDGETS)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=3),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day}T23:59:59.5+02:00"),
    st.just([]),
    st.just({}),
    st.just([None]),
)


@given(st.sampled_from(list(Type)), VALUES)
def test_arrow_reads_all_that_the_strict_type_takes(kind: Type, value: Json) -> None:
    """A record that passes the check in advance cannot break its page."""
    shape = Struct({"x": Scalar(kind), "l": Listing(Scalar(kind)), "s": Struct({"x": Scalar(kind)})})
    raw = json.dumps({"x": value, "l": [value], "s": {"x": value}}).encode()
    try:
        msgspec.json.decode(raw, type=arrow_types.strict_type(shape))
    except msgspec.ValidationError:
        return
    options = pa.json.ParseOptions(explicit_schema=pa.schema(list(arrow_types.arrow_type(shape))))
    table = pa.json.read_json(BytesIO(raw), parse_options=options)
    assert table.schema == pa.schema(list(arrow_types.arrow_type(shape)))
    assert table.column("x").null_count == (value is None)


@pytest.mark.parametrize("path", ["", "a", "a.b", "attributes.creators[].affiliation[].name", "sizes[]", "a[][]"])
def test_paths_are_cut_and_written_the_same_way(path: str) -> None:
    """Cutting a declared path into steps and writing it again gives the path."""
    assert arrow_types.join_path(arrow_types.split_path(path)) == path


def test_fields_beyond_the_promise_are_named_outermost_first() -> None:
    """Only the top of what is new is named, wherever it is; a promised field that is missing is not."""
    promised = pa.struct([("a", pa.list_(pa.struct([("x", pa.string())]))), ("b", pa.struct([("y", pa.int64())]))])
    part = pa.struct([("x", pa.string()), ("new", pa.struct([("deep", pa.null())]))])
    found = pa.struct([("a", pa.list_(part)), ("b", pa.struct([("z", pa.bool_())])), ("c", pa.null())])
    assert list(arrow_types.undeclared(found, promised)) == [("a", "[]", "new"), ("b", "z"), ("c",)]
    assert list(arrow_types.undeclared(promised, promised)) == []


def test_a_screen_looks_at_its_paths_only() -> None:
    """A wrong type at a watched path is refused, at another path it is passed over; what is unknown may be null."""
    watched = [arrow_types.split_path("attributes.parts[].size"), arrow_types.split_path("attributes.new")]
    decode = msgspec.json.Decoder(arrow_types.screen_type(SHAPE, watched)).decode
    for fine in ({"parts": [{"size": 1}, None], "year": "x"}, {"parts": None, "new": None}, {}, None):
        decode(json.dumps({"attributes": fine}).encode())
    for odd in ({"parts": [{"size": "1"}]}, {"parts": {}}, {"new": 0}, []):
        with pytest.raises(msgspec.ValidationError):
            decode(json.dumps({"attributes": odd}).encode())


@pytest.mark.parametrize(
    ("name", "field"),
    [("subj-id", "subjId"), ("subjId", None), ("own-id", None), ("-", None), ("has-no-field", None), ("subj-Id", None)],
)
def test_a_name_with_dashes_means_the_field_with_capitals(name: str, field: str | None) -> None:
    """Only an undeclared name can mean a declared one."""
    shape = Struct(dict.fromkeys(["subjId", "own-id", "ownId"], Scalar(Type.STRING)))
    assert shape.dashed(name) == field
    assert arrow_types.is_dashed(Struct({"inner": Listing(shape)}), ("inner", "[]", name)) == bool(field)
    assert not arrow_types.is_dashed(shape, ("subjId", name))


def test_leaves_of_a_type_are_found_with_their_paths() -> None:
    """The parser asks for the JSON leaves, which Arrow would take as any text."""
    found = {arrow_types.join_path(path) for path in arrow_types.leaves(SHAPE, Type.JSON)}
    assert found == {"attributes.shape", "attributes.parts[].plan"}
    assert all(arrow_types.shape_at(SHAPE, arrow_types.split_path(path)) == Scalar(Type.JSON) for path in found)
    assert arrow_types.shape_at(SHAPE, ("attributes", "nothing")) is None


def test_a_sieve_gives_the_raw_values_at_its_paths() -> None:
    """Values come as they are written, with their indexes, nulls included and absent ones not."""
    sieve = arrow_types.Sieve([("a", "[]", "q"), ("z",)])
    found = sieve.values(b'{"z":null,"a":[{"q":1.50},null,{},{"q": [ ]}],"other":{"q":1}}')
    assert [(path, bytes(raw)) for path, raw in found] == [("a[0].q", b"1.50"), ("a[3].q", b"[ ]"), ("z", b"null")]
