"""`Files`, the interface to a destination: all content there is written and read through it. And local folders.

Names are keys: relative, with `/`, below the destination. A key that exists is whole: new content is written beside it,
synced and renamed. What the names mean is defined in `paths`.
"""

import errno
import hashlib
import io
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from etl.errors import StoreError
from etl.storage import directories


class Writing(io.BufferedWriter):
    """A file while it is written; knows its size and SHA-256, so that nothing is read again to describe it."""

    def __init__(self, target: BinaryIO) -> None:
        self._described = _Described(target)
        super().__init__(self._described, _AT_ONCE)

    @property
    def size(self) -> int:
        """How many bytes have been written."""
        self.flush()
        return self._described.size

    @property
    def sha256(self) -> str:
        """The hash of what has been written so far, in hex."""
        self.flush()
        return self._described.hash.hexdigest()


class _Described(io.RawIOBase):
    """A stream to a file. State: the hash and the number of bytes so far."""

    def __init__(self, target: BinaryIO) -> None:
        super().__init__()
        self._target = target
        self.hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self._target.write(data)
        self.size += len(data)
        return len(data)


_AT_ONCE = 1 << 20
"""Bytes hashed and written together: Parquet comes in thousands of small pieces."""


class CrossDeviceError(StoreError):
    """A folder cannot be renamed to where it should be; its files can be moved."""


class Files(Protocol):
    """A destination with keys. Every method raises StoreError if the system refuses."""

    @property
    def name(self) -> str:
        """The path or URL of the destination."""

    @property
    def renames(self) -> bool:
        """Whether a folder can be renamed in one step."""

    @property
    def options(self) -> Mapping[str, str]:
        """Storage options for libraries that read there themselves."""

    def exists(self, key: str) -> bool:
        """Return whether there is a file or a folder of that key."""

    def empty(self) -> bool:
        """Return whether there is nothing at all."""

    def listing(self, key: str) -> list[str]:
        """Return the keys of all files at or below a key, sorted."""

    def read(self, key: str) -> bytes:
        """Return the content of a file."""

    def open(self, key: str) -> pa.NativeFile:
        """Open a file for random access."""

    def map(self, key: str) -> mmap.mmap:
        """Map a file that no other process changes into memory; only what is accessed is read."""

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Write a whole file durably, over any file of that key."""

    def create(self, key: str) -> AbstractContextManager[Writing]:
        """Write a file in pieces; it appears, whole and durable, when the context ends without an error."""

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Write a small file if its content is `instead_of` (None: there is no file); return whether that was so."""

    def move(self, source: str, target: str) -> None:
        """Rename a file (over another) or a folder (to where nothing is); CrossDeviceError if a folder cannot be."""

    def link(self, source: str, target: str) -> None:
        """Give the same content a second key."""

    def remove(self, key: str) -> None:
        """Remove a file or a folder with everything in it; there may be nothing of that key."""

    def age(self, key: str) -> float:
        """Return how many seconds ago a file was written, by the destination's own clock."""

    def below(self, key: str) -> "Files":
        """Return the destination that a folder of this one is."""

    def scratch(self) -> AbstractContextManager[Path]:
        """Create a private local folder, on the destination's own disk if it has one, and remove it in the end."""


class LocalFiles:
    """A folder of this machine. The root may be a symbolic link; links below it are never followed.

    `under` is the key of the folder that is the destination, if it is not the root itself.
    """

    renames = True
    options: Mapping[str, str] = {}

    def __init__(self, root: Path, under: str = "") -> None:
        self._root = root
        self._under = under

    @property
    def name(self) -> str:
        """The path of the folder."""
        return str(self._root / self._under)

    def exists(self, key: str) -> bool:
        """Return whether there is a file, a folder or a link of that key."""
        with self.explained(key):
            try:
                with self.parent(key) as (folder, name):
                    return directories.exists(folder, name)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def empty(self) -> bool:
        """Return whether there is nothing at all."""
        with self.explained(""):
            try:
                with self.parent("") as (folder, _):
                    return directories.empty(folder)
            except FileNotFoundError:
                return True

    def listing(self, key: str) -> list[str]:
        """Return the keys of all files at or below a key, sorted."""
        with self.explained(key):
            try:
                with self.parent(key) as (folder, name):
                    listed = directories.listing(folder, name)
            except (FileNotFoundError, NotADirectoryError):
                return []
        above = key.rpartition("/")[0]
        return sorted(f"{above}/{path}" if above else path.removeprefix("./") for path in listed)

    def read(self, key: str) -> bytes:
        """Return the content of a file."""
        with self.explained(key), self.reading(key) as source:
            return source.read()

    def reading(self, key: str) -> BinaryIO:
        """Open a file for sequential reading."""
        with self.explained(key), self.parent(key) as (folder, name):
            return os.fdopen(directories.open_file(folder, name, self._path(key)), "rb")

    def open(self, key: str) -> pa.NativeFile:
        """Open a file for random access."""
        with self.explained(key), self.reading(key) as source:
            return pa.OSFile(f"/dev/fd/{source.fileno()}")

    def map(self, key: str) -> mmap.mmap:
        """Map a file that no other process changes into memory; only what is accessed is read."""
        with self.explained(key), self.reading(key) as source:
            return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Write a whole file durably, over any file of that key."""
        with self.explained(key), self.parent(key, make=True) as place, directories.replace_file(*place) as target:
            target.write(data)

    @contextmanager
    def create(self, key: str) -> Iterator[Writing]:
        """Write a file in pieces; it appears, whole and durable, when the context ends without an error."""
        with self.explained(key), self.parent(key, make=True) as place, directories.replace_file(*place) as target:
            writing = Writing(target)
            yield writing
            writing.flush()

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Write a small file if its content is `instead_of` (None: there is no file); return whether that was so."""
        with self.explained(key), self.parent(key, make=True) as (folder, name), directories.hold_folder(folder):
            if instead_of is None:
                return directories.create_file(folder, name, data)
            if not self.exists(key) or self.read(key) != instead_of:
                return False
            self.write(key, data)
            return True

    def move(self, source: str, target: str) -> None:
        """Rename a file (over another) or a folder (to where nothing is); CrossDeviceError if a folder cannot be."""
        with self.explained(target), self.parent(source) as old, self.parent(target, make=True) as new:
            try:
                os.replace(old[1], new[1], src_dir_fd=old[0], dst_dir_fd=new[0])
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copied(source, old, new)
            os.fsync(new[0])
            os.fsync(old[0])

    def _copied(self, source: str, old: tuple[int, str], new: tuple[int, str]) -> None:
        """Move a file to another disk."""
        if self.listing(source) != [source]:
            raise CrossDeviceError(f"{self._path(source)} cannot be renamed", fix="copy the dataset to another disk")
        directories.copy(old, new, self._path(source))
        os.unlink(old[1], dir_fd=old[0])

    def link(self, source: str, target: str) -> None:
        """Give the same content a second key."""
        with self.explained(target), self.parent(source) as old, self.parent(target, make=True) as new:
            directories.link(old, new, self._path(source))

    def remove(self, key: str) -> None:
        """Remove a file or a folder with everything in it; there may be nothing of that key."""
        with self.explained(key):
            try:
                with self.parent(key) as place:
                    directories.remove(*place)
            except (FileNotFoundError, NotADirectoryError):
                return

    def age(self, key: str) -> float:
        """Return how many seconds ago a file was written, by the clock of the disk."""
        with self.explained(key), self.parent(key) as (folder, name):
            written = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
            draft, handle = directories.write_draft(folder, b"")
            try:
                return os.fstat(handle).st_mtime - written
            finally:
                os.close(handle)
                os.unlink(draft, dir_fd=folder)

    def below(self, key: str) -> "LocalFiles":
        """Return the destination that a folder of this one is."""
        return LocalFiles(self._root, f"{self._under}/{key}" if self._under else key)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Create a private folder in this one, and remove it in the end."""
        key = f".{secrets.token_hex(16)}.spill"
        with self.explained(key), self.parent(key, make=True) as (folder, name):
            os.mkdir(name, 0o700, dir_fd=folder)
            try:
                yield Path(self._path(key))
            finally:
                shutil.rmtree(name, dir_fd=folder, ignore_errors=True)

    def _path(self, key: str) -> str:
        return f"{self.name}/{key}"

    def parent(self, key: str, *, make: bool = False) -> AbstractContextManager[tuple[int, str]]:
        """Open the folder that a key lies in; yields its descriptor, and the key's name there."""
        if key.startswith("/") or ".." in key.split("/"):
            raise StoreError(f"{key!r} is not below {self.name}")
        whole = "/".join(filter(None, (self._under, key)))
        if key or not self._under:
            return directories.parent(self._root, whole, make=make)
        return directories.parent(self._root, f"{whole}/.", make=make)

    @contextmanager
    def explained(self, key: str) -> Iterator[None]:
        """Turn an error of the system into a line with what to do about it."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            fix = _FIXES.get(error.errno or 0, "check the path and its permissions")
            raise StoreError(f"{self._path(key).rstrip('/')}: {reason}", fix=fix) from error


_FREE = "free some space and run again"
_FIXES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EMFILE: "raise the limit of open files (ulimit -n) and run again",
    errno.ENFILE: "raise the system's limit of open files and run again",
    errno.EROFS: "make the file system writable, or choose another destination",
    errno.EIO: "check the disk (dmesg), then run again",
}
