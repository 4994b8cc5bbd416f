"""Local folders by descriptor: no symbolic link below a root is followed, and no file is written in place.

Where other users can write, a path that was checked a moment ago may lead elsewhere now; a descriptor cannot. New
content goes into a temporary file with an unpredictable name, created exclusively, which then replaces the old file.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from etl.errors import StoreError

TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")
"""What temporary files are called; a killed process leaves its own behind."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
NO_HARD_LINKS = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS))
"""Errors of file systems, and of their borders, at which a file has to be copied."""
_NO_LOCKS = frozenset((errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF))
"""Errors of file systems without advisory locks, at all or for folders."""


@contextmanager
def parent(root: Path, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the descriptor of the folder that a key lies in, and the key's name there; the key of the root is ".".

    `make` creates missing folders. StoreError for a link on the way.
    """
    *folders, name = key.split("/") if key else ["."]
    if make:
        root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root, _FOLDER)
    try:
        for depth, folder in enumerate(folders):
            below = _enter(handle, folder, "/".join((str(root), *folders[: depth + 1])), make=make)
            os.close(handle)
            handle = below
        yield handle, name
    finally:
        os.close(handle)


def _enter(handle: int, folder: str, path: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(folder, dir_fd=handle)
    try:
        return os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
    except OSError:
        if _is_link(handle, folder):
            raise link_error(path) from None
        raise


def _is_link(handle: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
    except OSError:
        return False


def link_error(path: str) -> StoreError:
    """Describe a forbidden link."""
    return StoreError(
        f"{path} is a symbolic link, which is never followed inside a dataset",
        fix="remove it, or replace it with what it links to",
    )


def open_file(folder: int, name: str, path: str) -> int:
    """Open a regular file; StoreError, calling it `path`, for a link, a pipe or a device."""
    try:
        handle = os.open(name, _READING, dir_fd=folder)
    except OSError:
        if _is_link(folder, name):
            raise link_error(path) from None
        raise
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise StoreError(f"{path} is not a regular file", fix="remove it")


def exists(folder: int, name: str) -> bool:
    """Return whether the name exists, even as a link."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def empty(folder: int) -> bool:
    """Return whether a folder has no entries."""
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def listing(folder: int, name: str) -> list[str]:
    """Return the paths of all files at or below a name."""
    paths: list[str] = []
    if exists(folder, name):
        is_folder = stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        _list(folder, name, name, paths) if is_folder else paths.append(name)
    return paths


def _list(folder: int, name: str, path: str, paths: list[str]) -> None:
    try:
        handle = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:  # removed meanwhile
        return
    try:
        with os.scandir(handle) as entries:
            for entry in entries:
                below = f"{path}/{entry.name}"
                _list(handle, entry.name, below, paths) if entry.is_dir(follow_symlinks=False) else paths.append(below)
    finally:
        os.close(handle)


@contextmanager
def replace_file(folder: int, name: str) -> Iterator[BinaryIO]:
    """Yield a new file that takes a name once it is on the disk; it is removed if the caller fails."""
    temporary = f".{secrets.token_hex(16)}.tmp"
    try:
        with os.fdopen(os.open(temporary, _WRITING, 0o666, dir_fd=folder), "wb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def create_file(folder: int, name: str, data: bytes) -> bool:
    """Create a whole file if there is none; return whether it was created."""
    draft, handle = write_draft(folder, data)
    try:
        return give_name(folder, draft, name)
    finally:
        os.close(handle)
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)


def write_draft(folder: int, data: bytes) -> tuple[str, int]:
    """Write a whole file under a temporary name; return the name and a descriptor."""
    draft = f".{secrets.token_hex(16)}.tmp"
    handle = os.open(draft, _WRITING, 0o666, dir_fd=folder)
    with os.fdopen(os.dup(handle), "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(handle)
    return draft, handle


def give_name(folder: int, draft: str, name: str) -> bool:
    """Rename a draft to an unused name; return whether the name was unused. This is also safe on shared disks."""
    try:
        os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        if exists(folder, name):
            return False
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
    return True


def link(source: tuple[int, str], target: tuple[int, str], path: str) -> None:
    """Link a regular file to a second name, replacing any file there; copy it if links are not possible."""
    folder, name = target
    temporary = f".{secrets.token_hex(16)}.tmp"
    os.close(open_file(*source, path))
    try:
        os.link(source[1], temporary, src_dir_fd=source[0], dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        copy(source, target, path)
        return
    try:
        # Renaming one name of a file over another name of the same file does nothing, and leaves both.
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
    os.fsync(folder)


def copy(source: tuple[int, str], target: tuple[int, str], path: str) -> None:
    """Copy a regular file over any file of the target's name."""
    with os.fdopen(open_file(*source, path), "rb") as content, replace_file(*target) as copied:
        shutil.copyfileobj(content, copied, 1 << 20)


def remove(folder: int, name: str) -> None:
    """Remove a file, a link or a folder with everything in it, if it exists."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


@contextmanager
def hold_folder(folder: int) -> Iterator[None]:
    """Lock a folder against other processes of this machine, if its disk supports locks."""
    handle = os.open(".", _FOLDER, dir_fd=folder)  # its own: locks belong to what was opened, not to who holds it
    try:
        with suppress(_NoLocksError):
            _flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def take_advisory_lock(handle: int) -> bool | None:
    """Take the advisory lock of a file; False if another process has it, None if the disk has no such locks."""
    try:
        _flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except _NoLocksError:
        return None
    return True


class _NoLocksError(OSError):
    """The disk has no advisory locks."""


def _flock(handle: int, how: int) -> None:
    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise _NoLocksError from error
