"""The slow lane changes what can be changed without loss and sets aside the rest with its text."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.records.coerce import coerce, compact
from etl.schema.declarations import Json, Listing, Scalar, Struct, Type

SHAPE = Struct(
    {
        "id": Scalar(Type.STRING),
        "text": Scalar(Type.STRING),
        "whole": Scalar(Type.INT),
        "real": Scalar(Type.FLOAT),
        "flag": Scalar(Type.BOOL),
        "moment": Scalar(Type.TIMESTAMP),
        "day": Scalar(Type.DATE),
        "tree": Scalar(Type.JSON),
        "words": Listing(Scalar(Type.STRING)),
        "maker": Struct({"name": Scalar(Type.STRING)}, scalar="name"),
        "plain": Struct({"name": Scalar(Type.STRING)}),
        "parts": Listing(Struct({"name": Scalar(Type.STRING)}, scalar="name")),
        "bare": Listing(Struct({"name": Scalar(Type.STRING)})),
        "lists": Listing(Struct({"givenName": Scalar(Type.STRING), "born": Scalar(Type.INT)})),
    }
)


def one(field: str, value: str) -> tuple[Json, list[tuple[str, str]]]:
    """Coerce a record with one field, given as JSON text; return what became of it and the issues."""
    coerced = coerce(SHAPE, b'{"id":"a","%s":%s}' % (field.encode(), value.encode()))
    assert coerced.line
    found = msgspec.json.decode(coerced.line)
    assert found.pop("id") == "a"
    assert all(issue.record_id == "a" for issue in coerced.issues)
    return found.get(field), [(issue.path, issue.raw) for issue in coerced.issues]


@pytest.mark.parametrize(
    ("field", "value", "becomes"),
    [
        ("text", '"x"', "x"),
        ("text", "1.50", "1.50"),
        ("text", "12345678901234567890123", "12345678901234567890123"),
        ("text", "true", "true"),
        ("text", '{"a": 1.0}', '{"a":1.0}'),
        ("text", '["a", null]', '["a",null]'),
        ("text", '{"__content__": "inner"}', "inner"),
        ("text", '{"__content__": 2.50}', "2.50"),
        ("text", '{"__content__": null}', None),
        ("text", '{"__content__":"x","lang":"en"}', '{"__content__":"x","lang":"en"}'),
        ("whole", "7", 7),
        ("whole", '"2013"', 2013),
        ("whole", '" 2013 "', 2013),
        ("whole", "2020.0", 2020),
        ("whole", '"1e3"', 1000),
        ("whole", "-9223372036854775808", -(2**63)),
        ("whole", '""', None),
        ("real", '"1.5"', 1.5),
        ("real", "5", 5),
        ("real", '"-1E2"', -100.0),
        ("real", '""', None),
        ("flag", "true", True),
        ("flag", '"true"', True),
        ("flag", '"false"', False),
        ("flag", '""', None),
        ("moment", '"2016-09-21T00:00:00.000Z"', "2016-09-21T00:00:00Z"),
        ("moment", '"2016-12-09T07:00:38.120-05:00"', "2016-12-09T12:00:38.120000Z"),
        ("moment", '"2016-09-21"', "2016-09-21T00:00:00Z"),
        ("moment", '"2016-02-29 01:02:03"', "2016-02-29T01:02:03Z"),
        ("moment", '"2016-02-29T00:00:00.1234560Z"', "2016-02-29T00:00:00.123456Z"),
        ("moment", '""', None),
        ("day", '"2016-02-29"', "2016-02-29T00:00:00Z"),
        ("tree", '{"a": [1.50]}', '{"a":[1.50]}'),
        ("tree", '"x"', '"x"'),
        ("tree", "0.10", "0.10"),
        ("words", '"only"', ["only"]),
        ("words", "[1, null, true]", ["1", None, "true"]),
        ("words", "{}", []),
        ("maker", '"Acme"', {"name": "Acme"}),
        ("maker", "5", {"name": "5"}),
        ("maker", '[{"name":"x"}]', {"name": "x"}),
        ("maker", "[]", None),
        ("plain", '[{"name":null}]', {}),
        ("parts", '{"name":"x"}', [{"name": "x"}]),
        ("parts", '"x"', [{"name": "x"}]),
        ("parts", '["x", {"name":"y"}, null]', [{"name": "x"}, {"name": "y"}, None]),
        ("parts", "{}", []),
    ],
)
def test_what_fits_after_a_lossless_change_is_changed_in_silence(field: str, value: str, becomes: Json) -> None:
    """The variations that api-notes 5.1 lists, and similar ones, are not issues."""
    assert one(field, value) == (becomes, [])


@pytest.mark.parametrize(
    ("field", "value", "becomes", "path"),
    [
        ("whole", "9223372036854775808", None, "whole"),
        ("whole", "1.5", None, "whole"),
        ("whole", "1e999999999", None, "whole"),
        ("whole", '"twenty"', None, "whole"),
        ("whole", '"02013"', None, "whole"),
        ("whole", '"1_000"', None, "whole"),
        ("whole", "true", None, "whole"),
        ("whole", "{}", None, "whole"),
        ("real", "1e400", None, "real"),
        ("real", '"nan"', None, "real"),
        ("real", "NaN", None, "real"),
        ("flag", "1", None, "flag"),
        ("flag", '"yes"', None, "flag"),
        ("flag", "[]", None, "flag"),
        ("moment", '"2016-02-30"', None, "moment"),
        ("moment", '"2016"', None, "moment"),
        ("moment", '"2016-01-01T00:00:00.1234567Z"', None, "moment"),
        ("moment", '"0001-01-01T00:00:00+10:00"', None, "moment"),
        ("moment", "1480000000", None, "moment"),
        ("plain", '"x"', None, "plain"),
        ("bare", '["x"]', [None], "bare[0]"),
        ("maker", '[{"name":"x"},{"name":"y"}]', {"name": "x"}, "maker"),
    ],
)
def test_what_cannot_fit_is_null_and_an_issue_with_its_json(field: str, value: str, becomes: Json, path: str) -> None:
    """The value's own text goes to the issue, whole, under the path it stood at."""
    found, issues = one(field, value)
    assert found == becomes
    raw = '"x"' if field == "bare" else '"NaN"' if value == "NaN" else value
    assert issues == [(path, raw)]


def test_unknown_values_are_handed_back_by_their_path() -> None:
    """Names that the shape does not have are neither kept in the record nor an issue; nulls are returned, too."""
    coerced = coerce(
        SHAPE, b'{"id":"a","new":{"x": 1.0},"parts":[{"name":"p"},{"odd":null}],"plain":[{"q":"\\u00e9"}]}'
    )
    assert {path: bytes(raw).decode() for path, raw in coerced.unknown.items()} == {
        "new": '{"x":1.0}',
        "parts[1].odd": "null",
        "plain.q": '"é"',
    }
    assert coerced.line == b'{"id":"a","plain":{},"parts":[{"name":"p"},{}]}'
    assert coerced.issues == ()


def test_names_with_dashes_stand_for_those_with_capitals_at_any_depth() -> None:
    """The value is coerced like any other, and misfits are reported under the name in the record."""
    assert one("lists", '[{"given-name":"A"},{"given-name":["A"]}]') == (
        [{"givenName": "A"}, {"givenName": '["A"]'}],
        [],
    )
    shape = Struct({"id": Scalar(Type.STRING), "viewCount": Scalar(Type.INT)})
    coerced = coerce(shape, b'{"id":"a","view-count":"many"}')
    assert [issue.path for issue in coerced.issues] == ["view-count"]
    assert coerced.unknown == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_compacting_changes_the_spelling_only(value: Json) -> None:
    """Compact JSON means what the JSON meant, and is compact already."""
    loose = json.dumps(value, indent=1).encode("utf-8", "surrogatepass")
    once = bytes(compact(loose))
    assert json.loads(once) == json.loads(loose)
    assert bytes(compact(once)) == once
