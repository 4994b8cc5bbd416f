"""The one door to the destination: everything written or read there goes through a `Files`.

Names are keys: relative, with `/`, below the destination. A key that exists is whole: every write goes to a
neighbour first, is synced and renamed. Here are the door's words and the local disk behind it; what the names mean
is the business of `store` and `dataset`.
"""

import fcntl
import hashlib
import io
import mmap
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from etl.errors import StoreError


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
    """What passes through to a file. State: the running hash and the bytes so far."""

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


class Files(Protocol):
    """A place with keys. Every method raises StoreError where the place refuses."""

    @property
    def name(self) -> str:
        """How a person names the place."""

    @property
    def renames(self) -> bool:
        """Whether a folder can be put in another's place in one step."""

    @property
    def options(self) -> Mapping[str, str]:
        """What other libraries have to be told to read there themselves."""

    def exists(self, key: str) -> bool:
        """Tell whether there is a file or a folder of that key."""

    def empty(self) -> bool:
        """Tell whether there is nothing at all."""

    def listing(self, key: str) -> list[str]:
        """Return the keys of all files at or below a key, sorted; none if there is nothing."""

    def read(self, key: str) -> bytes:
        """Return a file's content."""

    def open(self, key: str) -> pa.NativeFile:
        """Open a file for reading here and there."""

    def map(self, key: str) -> mmap.mmap:
        """Put a file that nobody else changes into the address space: what is not looked at is not read."""

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Put a whole file, durably, over whatever was there."""

    def create(self, key: str) -> AbstractContextManager[Writing]:
        """Put a file piece by piece; it appears, whole and durable, when the context ends without an error."""

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Put a small file only if its content is `instead_of` (None: there is none); tell whether that was so."""

    def move(self, source: str, target: str) -> None:
        """Rename a file (over another) or a folder (to where nothing is)."""

    def link(self, source: str, target: str) -> None:
        """Let a second key name the same bytes."""

    def remove(self, key: str) -> None:
        """Remove a file or a folder with all that is in it; nothing to remove is fine."""


class LocalFiles:
    """A folder of this machine."""

    renames = True
    options: Mapping[str, str] = {}

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._root)

    def exists(self, key: str) -> bool:
        """Tell whether there is a file or a folder of that key."""
        return self._path(key).exists()

    def empty(self) -> bool:
        """Tell whether there is nothing at all."""
        with _told(""):
            return not self._root.exists() or next(self._root.iterdir(), None) is None

    def listing(self, key: str) -> list[str]:
        """Return the keys of all files at or below a key, sorted; none if there is nothing."""
        with _told(key):
            top = self._path(key)
            found = [top] if top.is_file() else (path for path in top.rglob("*") if not path.is_dir())
            return sorted(path.relative_to(self._root).as_posix() for path in found)

    def read(self, key: str) -> bytes:
        """Return a file's content."""
        with _told(key):
            return self._path(key).read_bytes()

    def open(self, key: str) -> pa.NativeFile:
        """Open a file for reading here and there."""
        with _told(key):
            return pa.OSFile(str(self._path(key)))

    def map(self, key: str) -> mmap.mmap:
        """Put a file that nobody else changes into the address space: what is not looked at is not read."""
        with _told(key), self._path(key).open("rb") as source:
            return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Put a whole file, durably, over whatever was there."""
        with _told(key):
            path = self._place(key)
            with _beside(path) as target:
                target.write(data)
            _sync(path.parent)

    @contextmanager
    def create(self, key: str) -> Iterator[Writing]:
        """Put a file piece by piece; it appears, whole and durable, when the context ends without an error."""
        with _told(key):
            path = self._place(key)
            with _beside(path) as target:
                writing = Writing(target)
                yield writing
                writing.flush()
            _sync(path.parent)

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Put a small file only if its content is `instead_of` (None: there is none); tell whether that was so."""
        with _told(key):
            path = self._place(key)
            with _alone(path.parent):
                if (path.read_bytes() if path.exists() else None) != instead_of:
                    return False
                if instead_of is None:
                    return _appear(path, data)
                self.write(key, data)
                return True

    def move(self, source: str, target: str) -> None:
        """Rename a file (over another) or a folder (to where nothing is)."""
        with _told(target):
            old, new = self._path(source), self._place(target)
            old.replace(new)
            _sync(new.parent)
            _sync(old.parent)

    def link(self, source: str, target: str) -> None:
        """Let a second key name the same bytes."""
        with _told(target):
            new = self._place(target)
            new.unlink(missing_ok=True)
            new.hardlink_to(self._path(source))
            _sync(new.parent)

    def remove(self, key: str) -> None:
        """Remove a file or a folder with all that is in it; nothing to remove is fine."""
        with _told(key):
            path = self._path(key)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if key.startswith("/") or ".." in key.split("/"):
            raise StoreError(f"{key!r} does not lie below {self.name}")
        return self._root / key

    def _place(self, key: str) -> Path:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    """Yield a file next to `path` that takes its place once it is on the disk; gone if the caller fails."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _appear(path: Path, data: bytes) -> bool:
    """Let a whole file appear only where none is; unlike a lock of this machine, true of shared disks as well."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(data)
        path.hardlink_to(beside)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    _sync(path.parent)
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes of this machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(key: str) -> Iterator[None]:
    """Translate what the system says into what a person can act on."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "free some space and run again" if error.errno in _FULL else "check the path and its permissions"
        raise StoreError(f"{error.filename or key}: {reason}", fix=fix) from error


_FULL = (28, 122)  # ENOSPC, EDQUOT
