"""The lock of a destination: one run at a time, and a clear word to the second.

A lock names its owner. One whose process is gone from this machine is stale and taken over; of other machines
nothing is known, so a person decides.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from etl.errors import StoreError
from etl.storage import paths
from etl.storage.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a destination; `born` distinguishes two processes with the same number, `started` is ISO text."""

    user: str
    host: str
    pid: int
    born: str
    started: str


def born(pid: int) -> str | None:
    """Return when a process of this machine started, in the system's own terms; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if Path("/proc/self").exists() else "unknown"
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def take(files: Files, owner: Owner, *, alive: Callable[[int], str | None] = born) -> None:
    """Lock the destination for the owner; StoreError, naming the other, if it is held."""
    mine = json.dumps(asdict(owner)).encode()
    while not files.claim(paths.LOCK, mine, instead_of=None):
        held = _held(files)
        if held is None:
            continue
        other = _read(held)
        if other is None or not _stale(other, owner.host, alive):
            raise StoreError(f"{files.name} is in use{_holder(other)}", fix=_fix(files, other))
        if files.claim(paths.LOCK, mine, instead_of=held):
            return


def held_by(files: Files, owner: Owner) -> bool:
    """Return whether the owner holds the destination."""
    held = _held(files)
    return held is not None and _read(held) == owner


def give_back(files: Files, owner: Owner) -> None:
    """Unlock the destination if the owner still holds it."""
    if held_by(files, owner):
        files.remove(paths.LOCK)


def _held(files: Files) -> bytes | None:
    return files.read(paths.LOCK) if files.exists(paths.LOCK) else None


def _read(held: bytes) -> Owner | None:
    try:
        return Owner(**json.loads(held))
    except (ValueError, TypeError):
        return None


def _stale(other: Owner, host: str, alive: Callable[[int], str | None]) -> bool:
    return other.host == host and alive(other.pid) != other.born


def _holder(other: Owner | None) -> str:
    if other is None:
        return " by a lock that cannot be read"
    return f" by {other.user}, process {other.pid} on {other.host}, since {other.started}"


def _fix(files: Files, other: Owner | None) -> str:
    where = f"remove {files.name}/{paths.LOCK}"
    return f"wait for it; if that run is dead, {where}" if other else f"if no run is at work, {where}"
