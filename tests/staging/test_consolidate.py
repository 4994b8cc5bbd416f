import io
from dataclasses import replace

import polars as pl
import pytest

from etl.dataset.layout import Layout
from etl.schema.declarations import Include
from etl.staging import consolidate, included, part
from etl.storage import paths
from etl.storage.formats import load
from tests.support.small import PEOPLE, WORKS, layout, local, person, prove, stage, work


def parts(files, how, *found, people=()):
    """Write one part a list of records."""
    receipts = []
    for number, records in enumerate(found):
        stage(files, f"s{number}", [records], people)
        receipts.extend(part.write_part(files, how, f"p{number}", [f"s{number}"], related={"author": PEOPLE}))
    return receipts


def staged(files, table, columns):
    keys = [key for key in files.listing(paths.staged(table)) if key.endswith(".parquet")]
    return pl.concat(pl.read_parquet(io.BytesIO(files.read(key))) for key in keys).select(columns).rows()


@pytest.mark.parametrize("formats", [("parquet",), ("parquet", "csv", "ndjson")])
def test_a_record_that_came_in_two_parts_stays_in_the_newer_form(tmp_path, formats):
    """Of a record in two parts one is kept, in all tables, and it is counted as coming twice."""
    files, how = local(tmp_path), layout(*formats)
    old = work("A", title="old", updated="2020-01-01T00:00:00Z", tags=[{"tag": "x"}])
    new = work("a", title="new", updated="2021-01-01T00:00:00Z")
    receipts = parts(files, how, [new, work("b")], [old, work("c")])
    closed = consolidate.consolidate(files, how, receipts, {})
    assert (closed.unique, closed.contested["key"].to_list(), closed.duplicates) == (3, ["a", "a"], 1)
    assert sorted(staged(files, "works", ["id", "title"])) == [("a", "new"), ("b", None), ("c", None)]
    assert closed.tables["works"].rows == 3
    assert closed.tables["work_tags"].rows == closed.tables["links"].rows == 0


def test_closing_again_changes_nothing(tmp_path):
    """A run that died while it closed closes to the same files."""
    files, how = local(tmp_path), layout()
    receipts = parts(files, how, [work("a"), work("b", 2019)], [work("A"), work("c", tags=[{"tag": "x"}])])
    first = consolidate.consolidate(files, how, receipts, {"author": PEOPLE})
    assert consolidate.consolidate(files, how, receipts, {"author": PEOPLE}) == first
    every = [file for facts in first.tables.values() for file in facts.files]
    assert {paths.staged(file.path): file.bytes for file in every} == {
        key: len(files.read(key)) for key in files.listing(paths.STAGED)
    }


def test_who_comes_twice_is_decided_by_time_and_then_by_the_later_part():
    """The newest stays; without times, the last part has the word."""
    stamp = pl.Series("updated", [None, "2020-01-01", None, None]).str.to_datetime(time_zone="UTC")
    frame = pl.DataFrame({"key": ["a", "a", "b", "b"], "updated": stamp, "part": ["p2", "p1", "p1", "p2"]})
    assert consolidate.superseded_keys(frame) == {"p1": ["b"], "p2": ["a"]}


def test_included_records_are_there_once_as_they_were_last(tmp_path):
    """A person included with many pages is one row, the newest; linked ones that are missing are counted."""
    files, how = local(tmp_path), layout()
    old, new = (person("X", name=name, updated=f"20{name}-01-01T00:00:00Z") for name in ("20", "21"))
    receipts = parts(files, how, [work("a", author="x")], [work("b", author="Gone")], people=[new, old])
    closed = consolidate.consolidate(files, how, receipts, {"author": PEOPLE})
    assert staged(files, "people", ["id", "name"]) == [("x", "21")]
    tally = closed.included["people"]
    assert (tally.linked, tally.received, tally.missing, tally.named) == (2, 1, 1, ("gone",))
    assert prove(files, how, receipts).included["people"].missing == 1


def test_included_records_of_the_asked_resource_are_kept_apart(tmp_path):
    """Included records never mix with requested ones."""
    files = local(tmp_path)
    how = Layout(resource=WORKS, sinks=(load("parquet"),))
    closed = consolidate.consolidate(files, how, [], {"parent": WORKS})
    assert set(closed.tables) >= {"works", "included_works", "included_links"}
    assert closed.tables["included_links"].of == "included_works"


def test_a_link_is_found_through_lists_and_lacking_objects(tmp_path):
    """Records without the relationship, or with a name that no resource has, link to nothing."""
    files = local(tmp_path)
    stage(files, "s", [[work("a"), work("b", author="X"), work("c", author="x")]])
    keys = files.listing(paths.slice_folder("s"))
    assert included.linked_ids(files, WORKS, ["author"], keys) == ["x"]
    assert included.linked_ids(files, WORKS, ["nobody"], keys) == []


def test_links_are_followed_in_every_place_that_has_them(tmp_path):
    """An attribute of one record and a relationship of another can be links of one kind."""
    files = local(tmp_path)
    stage(files, "s", [[work("a", tags=[{"tag": "Y"}]), work("b", author="X")]])
    both = Include(name="author", resource="people", path="attributes.tags[].tag|relationships.author.data")
    resource = replace(WORKS, includes=(both,))
    assert included.linked_ids(files, resource, ["author"], files.listing(paths.slice_folder("s"))) == ["x", "y"]
