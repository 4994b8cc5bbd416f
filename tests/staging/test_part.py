import json

import pyarrow as pa

from etl.records.parser import Issue, Parser
from etl.staging import pages, part
from etl.staging.pages import PageFacts
from etl.storage import paths
from tests.support.small import WORKS, layout, local, stage, work


def test_a_finished_part_is_left_alone(tmp_path):
    """A part with a receipt is not written again, whatever became of its pages."""
    files = local(tmp_path)
    stage(files, "s", [[work("a")]])
    first = part.write_part(files, layout(), "p", ["s"])
    assert files.listing(paths.slice_folder("s")) == []
    stage(files, "s", [[work("b")]])
    assert part.write_part(files, layout(), "p", ["s"]) == first == part.read_receipts(files, "p")


def test_the_receipts_of_slices_outlive_their_pages(tmp_path):
    """Pages make room once their part is written; what proves the slice stays."""
    files = local(tmp_path)
    stage(files, "s", [[work("a")]])
    files.write(paths.slice_receipt("s"), b"{}")
    part.write_part(files, layout(), "p", ["s"])
    assert files.listing(paths.slice_folder("s")) == [paths.slice_receipt("s")]


def test_a_discarded_part_leaves_no_files(tmp_path):
    """A part that is to be made again is as if it had never been made."""
    files = local(tmp_path)
    stage(files, "s", [[work("a")]])
    part.write_part(files, layout(), "p", ["s"])
    part.discard(files, "p")
    part.discard(files, "p")
    assert part.read_receipts(files, "p") == []
    assert files.listing(paths.STAGED) == []


def test_rejects_are_sorted_and_there_once(tmp_path):
    """Two pages that brought the same odd value make one line, in an order that no arrival changes."""
    files = local(tmp_path)
    issues = [Issue(record_id=key, path="p", reason="r", raw='"\ud800"') for key in ("b", "a")]
    for number in (0, 1):
        facts = PageFacts(number=number, received=0, issues=tuple(issues), drift={"new": (1, "b" if number else "a")})
        pages.write(files, paths.slice_folder("s"), facts, Parser(WORKS).parse([]).table)
    [receipt] = part.write_part(files, layout(), "p", ["s"])
    lines = [json.loads(line) for line in files.read(paths.staged(paths.rejects("p"))).splitlines()]
    assert [line["record_id"] for line in lines] == ["a", "b"]
    assert lines[0] == {"resource": "works", "record_id": "a", "path": "p", "reason": "r", "raw": '"\ud800"'}
    assert receipt.rejects == 2
    assert receipt.drift == {"new": (2, "a")}


def test_raw_records_are_kept_in_the_order_of_their_pages(tmp_path):
    """Every record as received, one per line, in one compressed file per part; without the option there is none."""
    files = local(tmp_path)
    found = [[work("b")], [], [work("a")]]
    stage(files, "s", found, raw=True)
    part.write_part(files, layout(), "p", ["s"])
    with pa.CompressedInputStream(pa.BufferReader(files.read(paths.staged(paths.raw("p")))), "zstd") as source:
        lines = source.read().splitlines()
    assert [json.loads(line) for line in lines] == [work("b"), work("a")]
    stage(files, "t", found)
    part.write_part(files, layout(), "q", ["t"])
    assert not files.exists(paths.staged(paths.raw("q")))


def test_a_big_part_is_written_in_groups_and_ahead_of_its_last_pages(tmp_path, monkeypatch):
    """What is written while pages still come is what is written afterwards, and a discarded part leaves none of it."""
    monkeypatch.setattr(part, "GROUP", 4)
    found = [[work(f"{page}{turn}", 2019 + turn % 2) for turn in range(3)] for page in range(5)]
    written = []
    for ahead in (False, True):
        files = local(tmp_path / str(ahead))
        stage(files, "s", found[:4])
        if ahead:
            part.write_full_groups(files, layout(), "s", ["s"])
            assert part.read_receipts(files, "s") == []
        stage(files, "s", found)
        receipts = part.write_part(files, layout(), "s", ["s"])
        written.append(({key: files.read(key) for key in files.listing(paths.STAGED)}, receipts))
        assert [receipt.received for receipt in receipts] == [4, 4, 4, 3]
        part.discard(files, "s")
        assert files.listing(paths.STAGED) == []
    assert written[0] == written[1]
