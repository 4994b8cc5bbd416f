"""Unknown attributes are kept by row and counted by path."""

import msgspec
import pyarrow as pa
import pytest

from etl.records.schema_drift import Drift, finder

KNOWN = {"type": "always the same", "attributes.xml": "the source of the rest"}


def found(**values: str) -> list[tuple[str, msgspec.Raw]]:
    return [(path.replace("__", "."), msgspec.Raw(raw.encode())) for path, raw in values.items()]


def test_records_are_counted_once_a_path() -> None:
    """Three entries of one list that have the attribute are one record; the first record is the example."""
    drift = Drift(KNOWN)
    drift.add(0, "a", [(f"attributes.l[{index}].new", msgspec.Raw(b"1")) for index in range(3)])
    drift.add(2, "b", [("attributes.l[7].new", msgspec.Raw(b"null"))])
    assert drift.counts == {"attributes.l[].new": (2, "a")}
    assert drift.column(3).to_pylist() == [
        '{"attributes.l[0].new":1,"attributes.l[1].new":1,"attributes.l[2].new":1}',
        None,
        None,
    ]


def test_unmapped_paths_and_all_below_them_are_left_out() -> None:
    """A known path covers what is inside it, not what merely begins like it."""
    drift = Drift(KNOWN)
    drift.add(0, "a", found(type="1", attributes__xml="2", attributes__xml__deep="3", attributes__xmls="4"))
    assert drift.counts == {"attributes.xmls": (1, "a")}
    strange = drift.undeclared(
        pa.struct([("type", pa.string()), ("types", pa.string()), ("attributes", pa.struct([("xml", pa.string())]))]),
        pa.struct([("attributes", pa.struct([("x", pa.string())]))]),
    )
    assert strange == (("types",),)


@pytest.mark.parametrize(
    ("paths", "record"),
    [
        ((('od"d',),), rb'{"od\"d":1}'),
        ((("a", "[]", "x"),), b'{"a":{"x":1}}'),
        ((("a",),), b'{"a":"\\ud800"}'),
        ((("a",),), b'{"a":NaN}'),
    ],
)
def test_what_msgspec_cannot_look_into_goes_to_the_slow_lane(paths: tuple[tuple[str, ...], ...], record: bytes) -> None:
    """Odd names, other shapes and invalid Unicode are somebody else's to read."""
    slow = [("slow", msgspec.Raw(b"1"))]
    assert finder(paths, lambda _: slow)(record) == slow
