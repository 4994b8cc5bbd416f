"""Symbolic links inside a destination, put there by somebody else: no operation follows one."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.errors import StoreError
from etl.storage import directories
from etl.storage.files import LocalFiles

LINK = "is a symbolic link, which is never followed"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of somebody else, beside the destination."""
    folder = tmp_path / "victim"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_bytes(b"mine")
    (folder / "sub" / "file").write_bytes(b"mine")
    return folder


@pytest.fixture
def files(tmp_path: Path, victim: Path) -> LocalFiles:
    """A destination with a link to a folder, to a file and to nothing."""
    root = tmp_path / "dest"
    (root / "own").mkdir(parents=True)
    (root / "own" / "file").write_bytes(b"ours")
    (root / "folder").symlink_to(victim)
    (root / "link").symlink_to(victim / "file")
    (root / "dangling").symlink_to(victim / "new")
    return LocalFiles(root)


def intact(victim: Path) -> bool:
    """Return whether nothing in the folder was changed, added or removed."""
    there = {path.relative_to(victim).as_posix() for path in victim.rglob("*")}
    return there == {"file", "sub", "sub/file"} and (victim / "file").read_bytes() == b"mine"


OPERATIONS: dict[str, Callable[[LocalFiles, str], object]] = {
    "read": lambda files, key: files.read(key),
    "open": lambda files, key: files.open(key),
    "map": lambda files, key: files.map(key),
    "write": lambda files, key: files.write(key, b"evil"),
    "claim": lambda files, key: files.claim(key, b"evil", instead_of=None),
    "claim over": lambda files, key: files.claim(key, b"evil", instead_of=b"mine"),
    "move there": lambda files, key: files.move("own/file", key),
    "move from": lambda files, key: files.move(key, "own/new"),
    "link there": lambda files, key: files.link("own/file", key),
    "link from": lambda files, key: files.link(key, "own/new"),
    "remove": lambda files, key: files.remove(key),
    "listing": lambda files, key: files.listing(key),
    "exists": lambda files, key: files.exists(key),
    "scratch": lambda files, key: files.below(key).scratch().__enter__(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_link_on_the_way_to_a_key_is_refused(files: LocalFiles, victim: Path, name: str) -> None:
    """Whatever is done below a link is not done, and the line names the link."""
    with pytest.raises(StoreError, match=f"dest/folder {LINK}"):
        OPERATIONS[name](files, "folder/sub" if name == "scratch" else "folder/file")
    assert intact(victim)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("key", ["link", "dangling", "folder"])
def test_a_link_at_a_key_is_refused_or_replaced(files: LocalFiles, victim: Path, name: str, key: str) -> None:
    """What it leads to is neither read nor changed, and nothing new appears there."""
    try:
        found = OPERATIONS[name](files, key)
    except StoreError:
        pass
    else:
        assert found not in (b"mine", b"evil")
    assert intact(victim)


def test_a_written_file_takes_the_place_of_a_link(files: LocalFiles, victim: Path) -> None:
    """The name is the dataset's own; only its target is not."""
    files.write("link", b"ours")
    assert files.read("link") == b"ours"
    assert not Path(files.name, "link").is_symlink()
    assert intact(victim)


def test_a_folder_of_links_is_removed_and_nothing_else(files: LocalFiles, victim: Path) -> None:
    """Removing a tree unlinks its links."""
    Path(files.name, "own", "folder").symlink_to(victim)
    files.remove("own")
    assert not files.exists("own")
    assert intact(victim)


def test_links_are_listed_as_the_files_that_they_are(files: LocalFiles) -> None:
    """A link to a folder is not a folder, so it counts as unexpected."""
    assert files.listing("") == ["dangling", "folder", "link", "own/file"]


def test_the_destination_itself_may_be_a_link(tmp_path: Path, files: LocalFiles) -> None:
    """Where a user says that the dataset lies is the user's own business."""
    (tmp_path / "alias").symlink_to(files.name)
    alias = LocalFiles(tmp_path / "alias")
    alias.write("new", b"1")
    assert files.read("new") == b"1"
    assert alias.listing("own") == ["own/file"]


def test_links_with_the_names_of_temporary_files_are_of_no_use(tmp_path: Path, victim: Path) -> None:
    """Temporary files have names that nobody can predict, and are created where nothing is."""
    files = LocalFiles(tmp_path / "dest")
    files.write("a", b"old")
    for name in (".a.tmp", f".a.{os.getpid()}.tmp"):
        Path(files.name, name).symlink_to(victim / "file")
    files.write("a", b"new")
    assert files.claim("b", b"1", instead_of=None)
    assert intact(victim)
    assert {*files.listing("")} == {".a.tmp", f".a.{os.getpid()}.tmp", "a", "b"}


def test_a_name_that_is_taken_all_the_same_stops_the_write(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link under the very name of the temporary file is not written through."""
    monkeypatch.setattr(directories.secrets, "token_hex", lambda size: "0" * 32)
    files = LocalFiles(tmp_path / "dest")
    Path(files.name).mkdir()
    Path(files.name, f".{'0' * 32}.tmp").symlink_to(victim / "file")
    with pytest.raises(StoreError, match="File exists"):
        files.write("a", b"new")
    assert intact(victim)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_is_no_file_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A pipe, at which a reader would wait for ever, ends in a line."""
    make(tmp_path / "a")
    with pytest.raises(StoreError, match=r"a is not a regular file; remove it"):
        LocalFiles(tmp_path).read("a")


@pytest.mark.parametrize("number", sorted(directories.NO_HARD_LINKS))
def test_where_a_file_can_have_one_name_only_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file system without hard links, or its border, costs a copy and nothing else."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(directories.os, "link", refuse)
    files = LocalFiles(tmp_path)
    files.write("a", b"1")
    files.link("a", "b/c")
    assert (files.read("a"), files.read("b/c")) == (b"1", b"1")
    assert files.claim("d", b"2", instead_of=None)
    assert not files.claim("d", b"3", instead_of=None)
    assert files.listing("") == ["a", "b/c", "d"]


def test_a_file_is_moved_over_the_border_of_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename that the system refuses becomes a copy; the first name is gone."""
    replace = os.replace

    def refuse(source: str, target: str, **options: int) -> None:
        if not directories.TEMPORARY.fullmatch(source):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        replace(source, target, **options)

    files = LocalFiles(tmp_path)
    files.write("a", b"1")
    monkeypatch.setattr(directories.os, "replace", refuse)
    files.move("a", "b/c")
    assert files.listing("") == ["b/c"]
    assert files.read("b/c") == b"1"
