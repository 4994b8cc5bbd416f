"""The files of a data file, wherever they are: in a folder, in a tar, on an object store, or a single one.

An archive comes from outside. Nothing is unpacked to the disk, only regular files are read, and no more is kept
in memory than a reader requests.
"""

import bz2
import gzip
import lzma
import tarfile
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from etl.errors import StoreError
from etl.records.ndjson import Readable
from etl.storage.files import Files

DOWNLOAD_AGAIN = "download it again"
UNREADABLE = (tarfile.TarError, OSError, EOFError, ValueError, RecursionError, zlib.error, lzma.LZMAError)
"""Errors of the readers of archives and compressed files."""
_BLOCK = tarfile.BLOCKSIZE
_MOST_MEMBERS = 1_000_000
_LARGEST_READ = 16 << 20
"""Maximum bytes per read: a header of a tar may claim any length."""
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


class Archive(Protocol):
    """Named files, readable from several threads."""

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open a file for sequential reading."""

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the sizes of files, as far as they are known without many requests."""


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if not path.is_dir())

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open a file for sequential reading."""
        return _regular(self._root / name)

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the sizes of files."""
        return {name: path.stat().st_size for name in names if (path := self._root / name).is_file()}


class SingleFile:
    """One local file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return its name."""
        return [self._path.name]

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open it for sequential reading."""
        del name
        return _regular(self._path)

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return its size."""
        return dict.fromkeys(names, self._path.stat().st_size)


class StoredFolder:
    """A folder of an object store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return self._files.listing("")

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open a file for sequential reading."""
        stream: AbstractContextManager[Readable] = self._files.open(name)
        return stream

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return nothing: each size would be a request."""
        del names
        return {}


@dataclass(frozen=True, slots=True)
class _Member:
    start: int
    size: int
    regular: bool


class Tar:
    """A tar, which is read to its end once. State: a lock, because a compressed one has a single reading position."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unpack = _decompressor(path)
        self._alone = threading.Lock()
        with self._stream() as stream:
            self._members = _members(path, stream)

    def names(self) -> list[str]:
        """Return the names of all members that are not folders, sorted."""
        return sorted(self._members)

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Open a member for sequential reading."""
        member = self._members[name]
        if not member.regular:
            raise StoreError(f"{self._path}: {name} is not a regular file", fix="pack the files themselves")
        with self._stream() as stream:
            stream.seek(member.start)
            yield _Piece(stream, member.size)

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the sizes of members."""
        return {name: self._members[name].size for name in names}

    @contextmanager
    def _stream(self) -> Iterator[BinaryIO]:
        if self._unpack is None:
            with self._path.open("rb") as stream:
                yield stream
            return
        with self._alone, self._unpack(self._path) as unpacked:
            yield cast("BinaryIO", unpacked)


class _Piece:
    """A part of a stream from its current position. State: the bytes left."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        content = self._stream.read(wanted)
        self._left -= len(content)
        return content


class _BoundedStream:
    """A stream with bounded reads, because a tar's reader trusts the lengths in its headers."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError(f"a header claims {size:,} bytes")
        return self._stream.read(size)


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    if not path.is_file():
        kind = "is not a regular file" if path.exists() else "is missing"
        raise StoreError(f"{path} {kind}", fix="give the files themselves")
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        if error.errno is None:  # of a reader of the content
            raise
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _decompressor(path: Path) -> "_Unpack | None":
    with path.open("rb") as stream:
        start = stream.read(8)
    return next((cast("_Unpack", unpack) for mark, unpack in _PACKED if start.startswith(mark)), None)


class _Unpack(Protocol):
    def __call__(self, path: Path, /) -> AbstractContextManager[object]: ...


def _members(path: Path, stream: BinaryIO) -> dict[str, _Member]:
    """Return the members of a whole tar; StoreError for one without a proper end."""
    members: dict[str, _Member] = {}
    with tarfile.open(fileobj=cast("BinaryIO", _BoundedStream(stream)), mode="r:") as tar:
        end = -1
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep all of them, with everything that their headers say
            if member.size < 0 or tar.offset <= end or len(members) == _MOST_MEMBERS:
                raise StoreError(f"{path} is not a sound tar: see {member.name}", fix=DOWNLOAD_AGAIN)
            end = tar.offset
            if not member.isdir():
                name = str(PurePosixPath(member.name))
                regular = member.isreg() and not member.issparse()
                members[name] = _Member(member.offset_data, member.size, regular)
        _whole(path, stream, tar.offset)
    return members


def _whole(path: Path, stream: BinaryIO, end: int) -> None:
    """Refuse a tar that does not end with a block of zeros: members may be missing."""
    stream.seek(end)
    block = stream.read(_BLOCK)
    if block == bytes(_BLOCK):
        return
    how = "is damaged" if len(block) == _BLOCK else "was cut off"
    raise StoreError(f"{path} {how} at byte {end + len(block):,}, before the end of the archive", fix=DOWNLOAD_AGAIN)


def open_archive(path: Path, endings: tuple[str, ...]) -> Archive:
    """Open a local folder, a file with one of the endings, or a tar."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        kind = "is not a regular file" if path.exists() else "does not exist"
        raise StoreError(f"{path} {kind}", fix=GIVE)
    if path.name.endswith(endings):
        return SingleFile(path)
    try:
        return Tar(path)
    except UNREADABLE as error:
        raise StoreError(f"{path} cannot be read: {error}", fix=GIVE) from error


GIVE = "give a folder, a tar or a .jsonl.gz of DataCite's data file"


def is_litter(name: str) -> bool:
    """Return whether a file was left behind by a desktop."""
    path = PurePosixPath(name)
    return path.name.startswith("._") or path.name in _LITTER or "__MACOSX" in path.parts


_LITTER = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))


def read_whole(archive: Archive, name: str, most: int) -> bytes:
    """Return the content of a file, up to one byte more than the maximum."""
    with archive.open(name) as stream:
        content = b""
        while len(content) <= most and (piece := stream.read(min(_LARGEST_READ, most + 1 - len(content)))):
            content += piece
        return content
