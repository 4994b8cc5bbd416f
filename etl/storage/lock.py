"""The lock of a destination: one run at a time, and a clear word to the second.

On a local disk the lock file is held by the system's advisory lock, which ends with its process, in whatever container
that was. Where there is no such lock (object stores, some network disks) the owner shows signs of life, and a lock
without them expires. Ages are differences of the destination's own times, so no machine's clock counts.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from etl.errors import StoreError
from etl.storage import directories, paths
from etl.storage.files import Files, LocalFiles
from etl.storage.json_files import JsonFile

BEAT = 20.0
"""Seconds between the signs of life of an owner."""
EXPIRY = 300.0
"""Seconds without one after which an owner counts as dead."""
Alive = Callable[[int], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a destination; `born` distinguishes two processes of one number, `started` is ISO text."""

    user: str
    host: str
    pid: int
    born: str
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder(Owner):
    """What a lock says: its owner, and the system and the namespace in which the process number is valid."""

    boot: str = ""
    namespace: str = ""
    beat: int = 0

    @property
    def owner(self) -> Owner:
        """The owner alone."""
        return Owner(**{name: getattr(self, name) for name in Owner.__dataclass_fields__})


class Lock(Protocol):
    """A lock that was taken."""

    def beat(self) -> None:
        """Show that the owner is alive."""

    def is_held(self) -> bool:
        """Return whether it is still the owner's."""

    def release(self) -> None:
        """Give it back, if it is still the owner's."""


_HOLDER = JsonFile(Holder)


def process_start(pid: int) -> str | None:
    """Return the start of a process of this machine, in the system's own terms; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if Path("/proc/self").exists() else "unknown"
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


@contextmanager
def hold_lock(files: Files, owner: Owner) -> Iterator[Lock]:
    """Hold a destination, and renew the lock until the end; StoreError, naming the other owner, if it is in use."""
    lock = take_lock(files, owner)
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(lock, ended), name="lock", daemon=True)
    beating.start()
    try:
        yield lock
    finally:
        ended.set()
        beating.join()
        lock.release()


def take_lock(files: Files, owner: Owner, *, alive: Alive = process_start) -> Lock:
    """Lock a destination for an owner; StoreError, naming the other owner, if it is in use."""
    holder = Holder(**asdict(owner), boot=_boot(), namespace=_namespace())
    if isinstance(files, LocalFiles):
        return _LockFile.taken(files, holder, alive)
    return _LockObject.taken(files, holder, alive)


def held_by(files: Files, owner: Owner) -> bool:
    """Return whether a destination is the owner's."""
    holder = _read(files.read(paths.LOCK)) if files.exists(paths.LOCK) else None
    return holder is not None and holder.owner == owner


class _LockFile:
    """A file with an advisory lock, as far as the disk has those."""

    def __init__(self, files: LocalFiles, handle: int) -> None:
        self._files = files
        self._handle = handle

    @classmethod
    def taken(cls, files: LocalFiles, holder: Holder, alive: Alive) -> "_LockFile":
        """Take the lock; a new file is locked before it gets its name, so that it never lies there unlocked."""
        with (
            files.explained(paths.LOCK),
            files.parent(paths.LOCK, make=True) as (folder, name),
            directories.hold_folder(folder),
        ):
            draft, handle = directories.write_draft(folder, _HOLDER.encode(holder))
            try:
                directories.take_advisory_lock(handle)
                while not directories.give_name(folder, draft, name):
                    with suppress(FileNotFoundError):  # the other one has released it meanwhile
                        _check_dead(files, (folder, name), holder, alive)
                        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
                        break
            except BaseException:
                os.close(handle)
                raise
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=folder)
        return cls(files, handle)

    def beat(self) -> None:
        os.utime(self._handle)

    def is_held(self) -> bool:
        with (
            self._files.explained(paths.LOCK),
            suppress(FileNotFoundError),
            self._files.parent(paths.LOCK) as (folder, name),
        ):
            there = os.stat(name, dir_fd=folder, follow_symlinks=False)
            return os.path.samestat(there, os.fstat(self._handle))
        return False

    def release(self) -> None:
        try:
            with suppress(StoreError):  # a file that stays is one without a lock: the next run takes it over
                if self.is_held():
                    self._files.remove(paths.LOCK)
        finally:
            os.close(self._handle)


def _check_dead(files: LocalFiles, place: tuple[int, str], holder: Holder, alive: Alive) -> None:
    """Raise StoreError unless the owner of a lock file is dead."""
    handle = directories.open_file(*place, f"{files.name}/{paths.LOCK}")
    try:
        other, age = _read(os.read(handle, 1 << 16)), files.age(paths.LOCK)
        released = directories.take_advisory_lock(handle)
        if released is False:
            raise _in_use(files, other, fix="wait for it, or stop it")
        if not _is_dead(other, holder, age, alive, released=released is True):
            raise _in_use(files, other, age)
    finally:
        os.close(handle)


class _LockObject:
    """An object that is written only if none is there, and again with every beat. State: `_holder`, as written last."""

    def __init__(self, files: Files, holder: Holder) -> None:
        self._files = files
        self._holder = holder

    @classmethod
    def taken(cls, files: Files, holder: Holder, alive: Alive) -> "_LockObject":
        mine = _HOLDER.encode(holder)
        while not files.claim(paths.LOCK, mine, instead_of=None):
            if not files.exists(paths.LOCK):
                continue
            content, age = files.read(paths.LOCK), files.age(paths.LOCK)
            other = _read(content)
            if not _is_dead(other, holder, age, alive):
                raise _in_use(files, other, age)
            if files.claim(paths.LOCK, mine, instead_of=content):
                break
        return cls(files, holder)

    def beat(self) -> None:
        later = replace(self._holder, beat=self._holder.beat + 1)
        if self._files.claim(paths.LOCK, _HOLDER.encode(later), instead_of=_HOLDER.encode(self._holder)):
            self._holder = later

    def is_held(self) -> bool:
        return held_by(self._files, self._holder.owner)

    def release(self) -> None:
        if self.is_held():
            self._files.remove(paths.LOCK)


def _beat(lock: Lock, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with suppress(StoreError, OSError):  # the next one may come through; whether it did is asked before publishing
            lock.beat()


def _is_dead(other: Holder | None, mine: Holder, age: float, alive: Alive, *, released: bool = False) -> bool:
    """Decide whether an owner is dead: by the system's lock, by its process if visible, or by its last renewal."""
    if other is None:
        return False
    if other.boot and other.boot == mine.boot:
        if released:
            return True
        if (other.host, other.namespace) == (mine.host, mine.namespace):
            return alive(other.pid) != other.born
    return age > EXPIRY


def _in_use(files: Files, other: Holder | None, age: float = 0.0, *, fix: str = "") -> StoreError:
    where = f"remove {files.name}/{paths.LOCK}"
    if other is None:
        fix = fix or f"if no run is at work, {where}"
        return StoreError(f"{files.name} is in use by a lock that cannot be read", fix=fix)
    whom = f"{other.user}, process {other.pid} on {other.host}, since {other.started}"
    if fix:
        return StoreError(f"{files.name} is in use by {whom}", fix=fix)
    expiry = f"{EXPIRY / 60:.0f} minutes after its last sign of life, {max(age, 0):.0f} s ago"
    fix = f"wait for it; if that run is dead, {where}, or wait: its lock expires {expiry}"
    return StoreError(f"{files.name} is in use by {whom}", fix=fix)


def _read(content: bytes) -> Holder | None:
    try:
        return _HOLDER.decode(content, paths.LOCK)
    except StoreError:
        return None


def _boot() -> str:
    """Return the id of this boot of the system, empty if it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Return the namespace of process numbers."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
