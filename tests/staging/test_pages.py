import io
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.records.parser import Issue, Parser
from etl.staging import pages
from etl.staging.pages import PageFacts
from tests.support.small import PEOPLE, WORKS, local, person, stage, work

FOLDER = "_etl/work/slices/s"


@pytest.fixture
def files(tmp_path):
    return local(tmp_path)


def table(*records):
    return Parser(WORKS).parse([json.dumps(record).encode() for record in records]).table


def test_a_staged_page_tells_its_facts(files):
    """What was known of a page when it was written is known when a run resumes."""
    facts = PageFacts(
        number=0,
        next={"cursor": "x", "ü": [1]},
        total=7,
        size=1000,
        received=1,
        issues=(Issue(record_id="a", path="p", reason="r", raw='"\ud800"'),),
        drift={"attributes.new": (3, "a")},
        missing=("b",),
    )
    pages.write(files, FOLDER, facts, table(work("a")))
    assert [page.facts for page in pages.staged_pages(files, FOLDER)] == [facts]


def test_pages_count_up_to_the_first_gap(files):
    """A page behind a missing one is fetched again: where it began is not known."""
    for number in (0, 1, 3):
        pages.write(files, FOLDER, PageFacts(number=number), table())
    assert [page.facts.number for page in pages.staged_pages(files, FOLDER)] == [0, 1]
    assert pages.staged_pages(files, "_etl/work/slices/other") == []


def test_only_the_wanted_columns_are_read(files):
    """A page gives the columns that are asked for, in their order."""
    pages.write(files, FOLDER, PageFacts(number=0), table(work("a", title="t")))
    key = pages.staged_pages(files, FOLDER)[0].key
    assert pages.read_columns(files, key, ["attributes.title", "id"]).to_pydict() == {
        "attributes.title": ["t"],
        "id": ["a"],
    }
    assert pages.read_columns(files, key).column_names == pages.column_names(files, key)


def test_ids_are_counted_without_regard_to_case(files):
    """`A` and `a` are one record, received twice; a record without an id is received and not unique."""
    stage(files, "s", [[work("A"), work("b")], [work("a"), work(None)]])
    found = pages.count_ids(files, pages.staged_pages(files, FOLDER))
    assert (found.received, found.unique) == (4, 2)
    assert pages.count_ids(files, pages.staged_pages(files, "_etl/work/slices/other")).received == 0


def test_what_came_along_lies_beside_its_page(files):
    """Included records are found by their resource, and a page without any has none."""
    stage(files, "s", [[work("a")]], [person("p", name="Ann")])
    page = pages.staged_pages(files, FOLDER)[0]
    [key] = pages.included_keys(files, page, PEOPLE.name)
    assert pages.read_columns(files, key, ["id"]).to_pydict() == {"id": ["p"]}
    assert pages.included_keys(files, page, "v1/none") == []


@given(st.lists(st.lists(st.binary(max_size=20).filter(lambda record: b"\n" not in record)), max_size=4))
def test_raw_records_of_pages_are_one_file_of_lines(found):
    """Compressed pages behind each other read as the lines of all of them."""
    packed = b"".join(pages.compress(records) for records in found)
    text = pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read() if packed else b""
    assert io.BytesIO(text).read() == b"".join(record + b"\n" for records in found for record in records)
