"""MANIFEST and STATUS.json are read in all their forms, and refused with file and line if they are damaged."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import EtlError, IncompleteError
from etl.runs.ingest import file_list
from etl.runs.ingest.file_list import Entry
from tests.support.refusals import assert_read_or_refused

DIGEST = hashlib.sha256(b"x").digest()
HEX = DIGEST.hex()


@pytest.mark.parametrize(
    "checksum",
    [
        base64.b64encode(DIGEST).decode(),
        base64.b64encode(DIGEST).decode().rstrip("="),
        base64.urlsafe_b64encode(DIGEST).decode(),
        HEX,
        HEX.upper(),
    ],
)
def test_every_way_to_write_a_checksum_means_the_same(checksum: str) -> None:
    """They may be base64, with or without padding, also URL-safe, or hexadecimal in either case."""
    assert file_list.parse({"MANIFEST": f"a b {checksum}\n".encode().replace(b"b", b"7", 1)}).entries == {
        "a": Entry(7, HEX)
    }


def test_entries_are_relative_to_the_folder_of_their_list() -> None:
    """Both forms of the list may exist, and one may have entries that the other does not."""
    lists = {
        "d/MANIFEST": b"./a 7\nb c 8\n",
        "d/MANIFEST.json": json.dumps([{"filename": "a", "size": 7, "sha256": HEX}]).encode(),
    }
    parsed = file_list.parse(lists)
    assert parsed.entries == {"d/a": Entry(7, HEX), "d/b c": Entry(8)}
    assert parsed.is_whole(["d/a", "d/b c"])
    assert not parsed.is_whole(["d/a", "e"])


def test_lists_of_two_folders_do_not_make_a_whole_one() -> None:
    """Each may cover its own month: neither lists the expected months."""
    parsed = file_list.parse({"a/MANIFEST": b"x 1\n", "b/MANIFEST": b"x 1\n"})
    assert parsed.unlisted(["a/x", "b/x"]) == []
    assert not parsed.is_whole(["a/x", "b/x"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("MANIFEST", b"", "MANIFEST lists no files"),
        ("MANIFEST", b"a 1\nManifest-Version: 1.0\n", "MANIFEST, line 2: expected path, size and SHA-256"),
        ("MANIFEST", b"a 1 0123\n", "MANIFEST, line 1: '0123' is not a SHA-256"),
        ("MANIFEST", b"\xff\xfea\x00", "MANIFEST, line 1: expected path, size and SHA-256"),
        ("MANIFEST", b"a 1\n\xe4 2\n", "MANIFEST, line 2: the text is not valid UTF-8"),
        ("MANIFEST.json", b"", "MANIFEST.json, line 1: not valid JSON"),
        ("MANIFEST.json", b'[{"filename": "a",\n', "MANIFEST.json, line 2: not valid JSON"),
        ("MANIFEST.json", b"[" * 100_000, "MANIFEST.json: not valid JSON"),
        ("MANIFEST.json", b"[]", "MANIFEST.json lists no files"),
        ("MANIFEST.json", b'{"files": []}', "MANIFEST.json, entry 1: expected filename, size and sha256"),
        ("MANIFEST.json", b'[{"filename": "a", "size": -1}]', "MANIFEST.json, entry 1: expected"),
        ("MANIFEST.json", b'[{"filename": "a", "size": 1, "sha256": 5}]', "MANIFEST.json, entry 1: expected"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(name: str, content: bytes, message: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(EtlError, match="^" + message):
        file_list.parse({name: content})


def test_lists_that_contradict_each_other_are_refused() -> None:
    """It is not known which of them is right."""
    with pytest.raises(EtlError, match="contradicts"):
        file_list.parse({"MANIFEST": b"a 1\n", "MANIFEST.json": b'[{"filename": "a", "size": 2}]'})


@pytest.mark.parametrize("content", [b'{"status": "Complete"}', b'\xef\xbb\xbf{"status":\r\n"COMPLETE "}'])
def test_a_finished_status_passes(content: bytes) -> None:
    """With a byte-order mark and in any case."""
    file_list.check_finished("STATUS.json", content)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"status": 5}', b'{"status"', "{}".encode("utf-16")])
def test_a_damaged_status_is_named(content: bytes) -> None:
    """It may be truncated, empty or in another form."""
    with pytest.raises(EtlError, match=r"^STATUS\.json"):
        file_list.check_finished("STATUS.json", content)


def test_an_unfinished_status_is_incomplete() -> None:
    """An unfinished upload is not accepted."""
    with pytest.raises(IncompleteError, match="Uploading"):
        file_list.check_finished("STATUS.json", b'{"status": "Uploading"}')


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.sampled_from(file_list.NAMES))
def test_no_content_of_a_list_ends_in_another_error(content: bytes, name: str) -> None:
    """Whatever the bytes, a list is read or refused in one line."""
    assert_read_or_refused(name, lambda: file_list.parse({name: content}))
