import errno
import os

import pytest

from etl.errors import StoreError
from etl.storage import directories
from etl.storage.files import LocalFiles
from etl.storage.object_store import ObjectFiles
from tests.support.bucket import unique


@pytest.fixture
def folder(tmp_path):
    return LocalFiles(tmp_path / "dest")


@pytest.fixture(params=["folder", "objects"])
def files(request, tmp_path):
    """Every kind of place: what is true of one is true of the others."""
    if request.param == "folder":
        return LocalFiles(tmp_path / "dest")
    return ObjectFiles(unique(request.getfixturevalue("bucket")))


def test_a_file_that_was_written_is_read_back(files):
    """What is put under a key, folders and all, is there."""
    files.write("a/b/c", b"1")
    assert files.read("a/b/c") == b"1"
    assert files.listing("") == files.listing("a") == files.listing("a/b/c") == ["a/b/c"]


def test_a_place_is_empty_until_something_is_put_there(files):
    """A folder that does not exist is as empty as one that holds nothing."""
    assert files.empty()
    assert files.listing("a") == []
    files.write("a", b"")
    assert not files.empty()


def test_a_file_written_piece_by_piece_knows_its_size_and_hash(files):
    """The description of a file costs no second reading."""
    with files.create("a") as target:
        target.write(b"ab")
        target.write(memoryview(b"c"))
    assert (target.size, target.tell(), files.read("a")) == (3, 3, b"abc")
    assert target.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_that_is_not_finished_never_appears(files):
    """A failure half-way leaves what was there before, and no rubbish."""
    files.write("a", b"old")
    with pytest.raises(TypeError), files.create("a") as target:
        target.write(b"new" + None)
    assert files.listing("") == ["a"]
    assert files.read("a") == b"old"


def test_of_two_claims_one_wins(files):
    """A key is claimed only by who knows what is there."""
    assert files.claim("lock", b"1", instead_of=None)
    assert not files.claim("lock", b"2", instead_of=None)
    assert not files.claim("lock", b"2", instead_of=b"0")
    assert files.claim("lock", b"2", instead_of=b"1")
    assert files.read("lock") == b"2"
    assert files.listing("") == ["lock"]


def test_a_folder_is_moved_and_removed_as_one(files):
    """Folders move to where nothing is; removing what is gone is not an error."""
    files.write("a/b", b"1")
    files.move("a", "x/y")
    assert files.listing("") == ["x/y/b"]
    files.remove("x")
    files.remove("x")
    assert files.empty() or files.listing("") == []


def test_a_file_moves_over_another(files):
    """A single file takes the other's place at once."""
    files.write("new", b"2")
    files.write("old", b"1")
    files.move("new", "old")
    assert (files.read("old"), files.exists("new")) == (b"2", False)


def test_a_linked_file_outlives_its_first_name(files):
    """Two keys name the same bytes."""
    files.write("a", b"1")
    files.link("a", "b/c")
    files.link("a", "b/c")
    files.remove("a")
    assert files.read("b/c") == b"1"


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x"])
def test_a_key_does_not_leave_the_place(folder, key):
    """No name reaches outside the destination."""
    with pytest.raises(StoreError, match="is not below"):
        folder.write(key, b"")


def test_what_the_system_refuses_is_told_in_one_line(folder):
    """A file where a folder is needed, or no file at all, names itself."""
    folder.write("a", b"")
    with pytest.raises(StoreError, match="check the path"):
        folder.write("a/b", b"")
    with pytest.raises(StoreError, match="No such file"):
        folder.read("b")


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EMFILE, "ulimit"),
        (errno.EROFS, "writable"),
        (errno.EIO, "check the disk"),
        (errno.EACCES, "permissions"),
    ],
)
def test_an_error_of_the_system_names_its_fix_and_leaves_the_old_file(folder, monkeypatch, number, fix):
    """The line says what to do; the file is as it was, and no temporary one is left."""
    folder.write("a", b"old")

    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(directories.os, "fsync", fail)
    with pytest.raises(StoreError, match=f"dest/a: {os.strerror(number)}; .*{fix}"):
        folder.write("a", b"new")
    assert folder.read("a") == b"old"
    assert folder.listing("") == ["a"]


def test_a_file_is_read_here_and_there(files):
    """An opened file can be searched, and a mapped one has all its bytes."""
    files.write("a b/c=%20/~x", bytes(range(256)) * 100)
    with files.open("a b/c=%20/~x") as source:
        assert source.size() == 25_600
        source.seek(25_500)
        assert (source.read(3), source.tell()) == (bytes([156, 157, 158]), 25_503)
    assert files.map("a b/c=%20/~x")[1000] == 1000 % 256
    assert files.listing("a b") == ["a b/c=%20/~x"]


def test_a_key_is_not_taken_for_its_beginning(files):
    """What lies at `ab` is not below `a`."""
    files.write("ab/c", b"1")
    assert (files.exists("a"), files.listing("a")) == (False, [])
    files.remove("a")
    assert files.exists("ab")
