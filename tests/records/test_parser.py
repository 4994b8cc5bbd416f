"""Records become one table, and nothing in them gets lost or raises, whatever it is."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import resources
from etl.api.document import read_document
from etl.records.coerce import coerce
from etl.records.parser import Issue, Parsed, Parser, nested_schema
from etl.schema.declarations import Json, shape
from tests.support.widgets import WIDGETS

NAMES = ["title", "year", "weight", "active", "created", "day", "shape", "length", "maker", "parts", "tags", "counts"]
NAMES += ["blob", "novelty", "name", "text", "labels", "madeBy", "made-by"]


def widget(number: object = 1, **attributes: Json) -> bytes:
    return json.dumps({"id": f"W/{number}", "type": "widgets", "attributes": attributes}).encode()


def parse(*records: bytes) -> Parsed:
    return Parser(WIDGETS).parse(records)


def values(parsed: Parsed, column: str) -> list[Json]:
    return parsed.table.column(column).to_pylist()


def test_every_page_has_the_declared_columns_and_no_others() -> None:
    """Empty page, bare records and records with unknown fields: the schema is the same."""
    for records in ([], [b'{"id":"a"}'], [widget(novelty=1)], [b'{"id":"a","attributes":null,"relationships":null}']):
        parsed = parse(*records)
        assert parsed.table.schema == nested_schema(WIDGETS)
        assert parsed.table.num_rows == len(records)


def test_clean_records_are_taken_as_they_are() -> None:
    """Values of the promised types arrive typed, without an issue or a note of drift."""
    parsed = parse(
        widget(1, title="x", year=2020, weight=1, active=True, created="2020-01-02T03:04:05Z", tags=["a", None])
    )
    assert not parsed.issues
    assert not parsed.drift
    assert values(parsed, "attributes.created") == [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)]
    assert values(parsed, "attributes.weight") == [1.0]
    assert values(parsed, "attributes.tags") == [["a", None]]
    assert values(parsed, "extra") == [None]


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        ("0000-01-01T00:00:00.000Z", False),
        ("0001-01-01T00:00:00+05:00", False),
        ("9999-12-31T23:59:59-05:00", False),
        ("0001-01-01T00:00:00Z", True),
        ("9999-12-31T23:59:59Z", True),
    ],
)
def test_a_moment_that_few_can_read_back_is_rejected(moment: str, kept: bool) -> None:
    """Arrow and Parquet have a year 0 and a year 10,000, and readers of them fail on the whole table."""
    parsed = parse(widget(1, created=moment), widget(2, created="2020-01-02T03:04:05Z"))
    years = [value and value.year for value in pl.from_arrow(parsed.table)["attributes.created"].to_list()]
    assert years == [int(moment[:4]) if kept else None, 2020]
    assert [issue.raw for issue in parsed.issues] == ([] if kept else [f'"{moment}"'])
    assert [row["id"] for row in parsed.table.to_pylist()] == ["W/1", "W/2"]


@pytest.mark.parametrize(
    "record", [b"5", b"null", b"[]", b'"x"', b"", b"{", b"\xff", b"{}{}", b'{"id":"a"}{"id":"b"}', b"[" * 30_000]
)
def test_what_is_no_record_is_an_issue_and_not_a_row(record: bytes) -> None:
    """Scraps between records are set aside whole, under no id, and cost their neighbours nothing."""
    parsed = parse(widget(1), record, widget(2))
    assert values(parsed, "id") == ["W/1", "W/2"]
    assert [(issue.record_id, issue.path, issue.raw) for issue in parsed.issues] == [
        ("", "", record.decode(errors="backslashreplace"))
    ]


@pytest.mark.parametrize(
    "record", [b'{"attributes":{"year":1}}', b'{"id":null}', b'{"id":""}', b'{"attributes":{"year":"x"}}']
)
def test_a_record_without_an_id_is_set_aside_whole(record: bytes) -> None:
    """No key, no row: the record's text is kept in the issues."""
    parsed = parse(record, widget(2))
    assert values(parsed, "id") == ["W/2"]
    assert Issue(record_id="", path="", reason="has no id", raw=record.decode()) in parsed.issues


def test_an_id_that_is_a_number_is_text() -> None:
    """The key of a record is text even where the server forgets the quotes."""
    assert values(parse(b'{"id":7.50}'), "id") == ["7.50"]


def test_an_id_that_is_not_unique_is_put_together_from_what_is() -> None:
    """The declared identity takes the place of the server's id; what is null in it leaves its place empty."""
    resource = replace(WIDGETS, identity=("id", "attributes.title", "attributes.year"))
    parsed = Parser(resource).parse([widget(title="a", year=3), widget(title="a"), b'{"type":"widgets"}'])
    assert values(parsed, "id") == ["W/1|a|3", "W/1|a|"]
    assert len(parsed.issues) == 1


def test_one_odd_record_costs_no_other_anything() -> None:
    """Among a thousand records one with a wrong type is coerced and the others are taken as they are."""
    records = [widget(number, year=number) for number in range(1000)]
    records[500] = widget(500, year=["?"], tags="only")
    parsed = parse(*records)
    assert values(parsed, "attributes.year") == [*range(500), None, *range(501, 1000)]
    assert values(parsed, "attributes.tags")[500] == ["only"]
    assert parsed.issues == (
        Issue(record_id="W/500", path="attributes.year", reason="is not a valid int", raw='["?"]'),
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"year": "2013"},
        {"parts": {"name": "x", "size": "3"}},
        {"shape": {"a": [1, 2]}},
        {"shape": "text"},
        {"parts": [{"plan": "text"}]},
        {"created": "2019-02-29"},
        {"novelty": 1, "tags": "x"},
        {"made-by": "x"},
        {"made-by": "x", "madeBy": "y"},
    ],
    ids=json.dumps,
)
def test_what_was_odd_once_is_expected_from_then_on(odd: dict[str, Json]) -> None:
    """A parser that has met an oddity answers the same page with the same result as one that has not."""
    page = [widget(1, title="x"), widget(2, **odd), widget(3, novelty="text")]
    wise = Parser(WIDGETS)
    first = wise.parse(page)
    again = wise.parse(page)
    assert first.table.equals(again.table)
    assert (first.issues, first.drift) == (again.issues, again.drift)


def test_json_leaves_always_hold_json_text() -> None:
    """Whatever stands in a JSON column can be read back as JSON: text keeps its quotes, numbers their digits."""
    wholes: list[Json] = ["text", {"a": [1, None]}, [], None, 5, True]
    parsed = parse(*(widget(number, shape=whole) for number, whole in enumerate(wholes)))
    assert [None if text is None else json.loads(text) for text in values(parsed, "attributes.shape")] == wholes
    assert parse(b'{"id":"a","attributes":{"shape":1.50}}').table["attributes.shape"].to_pylist() == ["1.50"]


def test_unknown_attributes_are_kept_and_counted() -> None:
    """What no declaration knows stands in `extra` under its path, and the drift has the count and the first id."""
    parsed = parse(
        widget(1),
        widget(2, novelty={"a": 1.5}, parts=[{"name": "x"}, {"name": "y", "lang": "en"}]),
        b'{"id":"W/3","links":{"self":"x"},"attributes":{"novelty":null}}',
    )
    assert [text and json.loads(text) for text in values(parsed, "extra")] == [
        None,
        {"attributes.novelty": {"a": 1.5}, "attributes.parts[1].lang": "en"},
        {"links": {"self": "x"}},
    ]
    assert parsed.drift == {
        "attributes.novelty": (2, "W/2"),
        "attributes.parts[].lang": (1, "W/2"),
        "links": (1, "W/3"),
    }


def test_an_unknown_attribute_of_many_types_is_kept_in_every_one() -> None:
    """A number here and an object there under one unknown name: both are kept, on this page and the next."""
    parser = Parser(WIDGETS)
    for _ in range(2):
        parsed = parser.parse([widget(1, novelty=1), widget(2, novelty={"a": 1}), widget(3, novelty=None), widget(4)])
        assert values(parsed, "extra") == ['{"attributes.novelty":1}', '{"attributes.novelty":{"a":1}}', None, None]
        assert parsed.drift == {"attributes.novelty": (3, "W/1")}


def test_the_dash_case_of_older_servers_is_read_into_the_column() -> None:
    """Where a promised name has no value the same name with dashes counts, among records of either kind."""
    page = [widget(1, **{"made-by": "x"}), widget(2, madeBy="y"), widget(3, **{"made-by": None, "madeBy": "z"})]
    parser = Parser(WIDGETS)
    for _ in range(2):
        parsed = parser.parse([*page, widget(4, **{"made-by": 5, "madeBy": None})])
        assert values(parsed, "attributes.madeBy") == ["x", "y", "z", "5"]
        assert (values(parsed, "extra"), parsed.drift, parsed.issues) == ([None] * 4, {}, ())


def test_a_name_that_stands_in_both_spellings_is_kept_in_both() -> None:
    """The promised spelling fills the column, the other stays as unknown as any name."""
    parsed = parse(widget(1, **{"madeBy": "x", "made-by": "y"}))
    assert values(parsed, "attributes.madeBy") == ["x"]
    assert values(parsed, "extra") == ['{"attributes.made-by":"y"}']


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "", "a.b", "[]", "attributes.title", "\x00", "é/ü"])
def test_unknown_attributes_may_have_any_name(name: str) -> None:
    """Quotes, dots, slashes and control characters in a name neither raise nor lose the value."""
    parsed = parse(widget(1, **{name: "marker"}), json.dumps({"id": "b", name: "outer"}).encode())
    kept = [json.loads(text or "null") for text in values(parsed, "extra")]
    assert [list(found.values()) for found in kept] == [["marker"], ["outer"]]


def test_known_attributes_without_a_column_are_no_drift() -> None:
    """What the resource names as unmapped, and all below it, is neither kept nor counted, in clean and odd records."""
    parsed = parse(widget(1, blob="x"), widget(2, blob={"deep": [1]}, year="2013"), widget(3, blobs=1))
    assert parsed.drift == {"attributes.blobs": (1, "W/3")}
    assert values(parsed, "extra") == [None, None, '{"attributes.blobs":1}']


def test_text_that_is_no_unicode_is_replaced_and_told() -> None:
    """Lone surrogates and broken UTF-8 end as U+FFFD, with the record's own text among the issues."""
    records = [
        widget(1, title="ok"),
        b'{"id":"b","attributes":{"title":"\\ud800 \\ud83d\\ude00"}}',
        b'{"id":"c","x":"\xff"}',
    ]
    parsed = parse(*records)
    assert values(parsed, "attributes.title") == ["ok", "\ufffd \U0001f600", None]
    assert [(issue.record_id, issue.raw) for issue in parsed.issues] == [
        ("b", records[1].decode()),
        ("c", '{"id":"c","x":"\\xff"}'),
    ]


def test_a_key_that_stands_twice_is_told() -> None:
    """The last value counts, as in every JSON reader, and the record's text is kept for the first."""
    record = b'{"id":"a","attributes":{"title":"first","title":"last"}}'
    parsed = parse(record, widget(2, title="x"))
    assert values(parsed, "attributes.title") == ["last", "x"]
    assert [issue.raw for issue in parsed.issues] == [record.decode()]


def test_deep_nesting_ends_in_an_issue_not_in_a_crash() -> None:
    """A hundred thousand levels are refused; a hundred are kept as they are."""
    deep = b'{"id":"a","attributes":{"novelty":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    fine = b'{"id":"b","attributes":{"novelty":' + b"[" * 100 + b"]" * 100 + b"}}"
    odd = b'{"id":"c","attributes":{"novelty":' + b"[" * 3000 + b"]" * 3000 + b"}}"
    parsed = parse(deep, fine, odd)
    assert values(parsed, "id") == ["b", "c"]
    assert [len(text) for text in values(parsed, "extra")] == [
        len('{"attributes.novelty":}') + 200,
        len(odd) + len('{"":}'),
    ]
    assert [issue.raw for issue in parsed.issues] == [deep.decode()]


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [{}, [], "", "2013", "2020-02-29", "1.5", "true", 7, 2.0, 2**70, -1, 1e300, "2020-01-01T00:00:00+02:00"]
    ),
    st.integers(10**6, 10**7).map(lambda number: f"marker{number}"),
    st.integers(10**10, 10**11),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "__content__", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 50).map(str) | ANYTHING,
        "type": st.just("widgets") | ANYTHING,
        "attributes": st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=5) | ANYTHING,
        "relationships": ANYTHING,
        "novelty": ANYTHING,
    },
)
PAGES = st.lists((RECORDS | ANYTHING).map(lambda record: json.dumps(record).encode()), max_size=6)


def marks(node: Json) -> Iterator[str]:
    """List the leaves that are unmistakable."""
    if isinstance(node, dict | list):
        for below in node.values() if isinstance(node, dict) else node:
            yield from marks(below)
    elif isinstance(node, str | int) and (str(node).startswith("marker") or (type(node) is int and node >= 10**10)):
        yield str(node)


@given(PAGES)
def test_any_json_anywhere_comes_out_once(page: list[bytes]) -> None:
    """No record raises or vanishes: it is one row or one issue, and each of its values is in the row or the issues."""
    parsed = parse(*page)
    rows = parsed.table.to_pylist()
    lost = [issue for issue in parsed.issues if not issue.path and issue.reason in ("has no id", "is not an object")]
    assert len(rows) + len(lost) == len(page)
    stated = {mark for record in page for mark in marks(json.loads(record))}
    unmapped = {mark for record in page for mark in under_unmapped(json.loads(record))}
    kept = json.dumps(rows, default=str) + "".join(issue.raw for issue in parsed.issues)
    assert [mark for mark in stated - unmapped if mark not in kept] == []


def under_unmapped(record: Json) -> Iterator[str]:
    if isinstance(record, dict):
        yield from marks(record.get("type"))
        attributes = record.get("attributes")
        for one in attributes if isinstance(attributes, list) else [attributes]:
            yield from marks(one.get("blob")) if isinstance(one, dict) else ()


@given(PAGES)
def test_the_slow_lane_agrees_with_the_fast_one(page: list[bytes]) -> None:
    """Coercing every record before parsing gives the table that parsing alone gives, but for what it set aside."""
    slow = [coerced.line for record in page if (coerced := coerce(shape(WIDGETS), record)).line]
    # JSON text in a JSON column is text there: reading it again makes it text of text.
    columns = [name for name in nested_schema(WIDGETS).names if name not in ("extra", "attributes.shape")]
    assert parse(*page).table.select(columns).equals(parse(*slow).table.select(columns))


@pytest.mark.slow
@given(st.lists(PAGES, max_size=4))
def test_what_a_parser_learned_never_changes_its_answers(pages: list[list[bytes]]) -> None:
    """A page parsed after others gives the same as the same page parsed first."""
    wise = Parser(WIDGETS)
    for page in pages:
        old, new = wise.parse(page), Parser(WIDGETS).parse(page)
        assert old.table.equals(new.table)
        assert (old.issues, old.drift) == (new.issues, new.drift)


def test_threads_may_share_a_parser() -> None:
    """Pages parsed at the same time, each with oddities of its own, come out as if parsed alone."""
    odd: list[dict[str, Json]] = [
        {"shape": "text"},
        {"year": "2013"},
        {"novelty": [1, "x"]},
        {"parts": [{"plan": "text"}]},
        {"tags": "x"},
        {},
    ]
    pages = [[widget(1, **odd[n % 6]), widget(2, **odd[n % 5]), widget(3, novelty={})] for n in range(60)]
    alone = [Parser(WIDGETS).parse(page) for page in pages]
    shared = Parser(WIDGETS)
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(shared.parse, pages))
    assert [parsed.table for parsed in together] == [parsed.table for parsed in alone]
    assert [(parsed.issues, parsed.drift) for parsed in together] == [(one.issues, one.drift) for one in alone]


@pytest.mark.slow
@pytest.mark.parametrize("name", resources.names())
def test_every_recorded_record_is_a_row(real: Path, name: str) -> None:
    """Eight years of real bodies: each record comes out once and in order, and next to nothing has to be set aside."""
    parser = Parser(resources.load(name))
    folders = [f"{name}_list", name, f"{name}_single"]
    paths = sorted(path for folder in folders for path in (real / "current" / folder).glob("*.json"))
    if not paths:
        pytest.skip(f"no bodies of {name} were recorded")
    rows = issues = 0
    for path in paths:
        page = read_document(path.read_bytes()).records
        parsed = parser.parse(page)
        ids = parsed.table.column("id").to_pylist()
        own = (
            [one.partition("|")[0] for one in ids] if resources.load(name).identity else ids
        )  # composed ids begin with the record's
        assert own == [json.loads(record)["id"] for record in page]
        rows, issues = rows + parsed.table.num_rows, issues + len(parsed.issues)
    assert issues <= rows / 100


def contribution(name: str, **attributes: Json) -> bytes:
    given = {"subj-id": "http://orcid.org/1", "obj-id": "http://doi.org/10.1/A", **attributes}
    return json.dumps({"id": name, "type": "contributions", "attributes": given}).encode()


def keys(*records: bytes) -> list[str]:
    found: list[str] = Parser(resources.load("v1/contributions")).parse(records).table.column("id").to_pylist()
    return found


def test_an_id_that_does_not_last_is_made_of_what_does() -> None:
    """The same link has the same key whatever id the server made up for it, and other links have others."""
    stated = {"source-id": "datacite-orcid", "contributor-role-id": "contribution"}
    first, again = keys(contribution("uuid-1", **stated), contribution("uuid-2", **stated))
    assert first == again == "http://orcid.org/1|http://doi.org/10.1/A|datacite-orcid|contribution"
    assert first not in keys(contribution("uuid-1", **{**stated, "source-id": "datacite-related"}))


def test_a_made_id_is_there_whichever_lane_a_record_takes() -> None:
    """A value of an odd type in one record changes neither its key nor the key of any other."""
    plain = contribution("uuid-1", **{"source-id": "a", "contributor-role-id": "b"})
    odd = contribution("uuid-2", **{"source-id": "a", "contributor-role-id": "b", "title": ["x"], "author": {}})
    assert len(set(keys(plain, odd, odd))) == 1


def test_what_is_missing_from_an_attribute_is_taken_from_the_relationship() -> None:
    """Some servers sent the source only as a relationship; a record that connects nothing keeps its own id."""
    linked = json.loads(contribution("uuid-1"))
    linked["relationships"] = {"source": {"data": {"id": "datacite-orcid", "type": "sources"}}}
    lonely = {"id": "uuid-2", "type": "contributions", "attributes": {"title": "T"}}
    made = keys(json.dumps(linked).encode(), json.dumps(lonely).encode())
    assert made == ["http://orcid.org/1|http://doi.org/10.1/A|datacite-orcid|", "uuid-2"]
