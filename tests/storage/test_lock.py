import errno
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from etl.errors import StoreError
from etl.storage import directories, lock, paths
from etl.storage.files import LocalFiles
from etl.storage.object_store import ObjectFiles
from tests.support.bucket import unique
from tests.support.small import local, owner

CHILD = """
import sys
from pathlib import Path
from etl.storage import lock
from etl.storage.files import LocalFiles
from etl.storage.lock import Owner
owner = Owner(user="bob", host=sys.argv[2], pid=1, born="1", started="2026-01-01T00:00:00Z")
try:
    held = lock.take_lock(LocalFiles(Path(sys.argv[1])), owner)
except Exception as error:
    print(error, flush=True)
else:
    print("taken", flush=True)
    input()
"""


@pytest.fixture(params=["folder", "no advisory locks", "objects"])
def files(request, tmp_path, monkeypatch):
    """Every kind of destination: what is true of one is true of the others."""
    if request.param == "objects":
        return ObjectFiles(unique(request.getfixturevalue("bucket")))
    if request.param == "no advisory locks":
        without_locks(monkeypatch)
    return local(tmp_path)


def without_locks(monkeypatch):
    """Let the disk have no advisory locks."""

    def refuse(handle, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(directories.fcntl, "flock", refuse)


def elsewhere(monkeypatch):
    """Let this process run on another machine from here on."""
    monkeypatch.setattr(lock, "_boot", lambda: "another")


def child(folder: Path, host: str = "here") -> subprocess.Popen[str]:
    """Take the lock in a process of its own, which waits for a line."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), host], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_one_of_two_owners_gets_the_lock(files):
    """The other is refused with user, process, machine and time, and what to do."""
    held = lock.take_lock(files, owner(pid=os.getpid()), alive=lambda pid: "7")
    assert held.is_held()
    assert lock.held_by(files, owner(pid=os.getpid()))
    with pytest.raises(StoreError, match=r"in use by ann, process \d+ on here, since 2026.*; wait for it"):
        lock.take_lock(files, owner(pid=2), alive=lambda pid: "7")
    held.release()
    assert files.listing(paths.OWN) == []
    lock.take_lock(files, owner(pid=2)).release()


def test_the_lock_of_a_process_that_is_gone_is_taken_over(files):
    """A run that was killed does not keep its successor out, whether its number is free or has been given again."""
    for born in (None, "another birth"):
        dead = lock.take_lock(files, owner(pid=11), alive=lambda pid: "7")
        with suppress(AttributeError):
            os.close(dead._handle)  # as the system does with the files of a dead process
        held = lock.take_lock(files, owner(pid=12), alive=lambda pid, born=born: born)
        assert lock.held_by(files, owner(pid=12))
        held.release()


def test_a_lock_without_a_sign_of_life_expires(files, monkeypatch):
    """Of processes on other machines only the signs of life are known."""
    without_locks(monkeypatch)  # of another machine, at a shared disk
    lock.take_lock(files, owner(host="there"))
    elsewhere(monkeypatch)
    with pytest.raises(
        StoreError,
        match=r"on there.*remove .*_etl/lock, .* 5 minutes after its last sign of life, \d+ s",
    ):
        lock.take_lock(files, owner(host="here"))
    monkeypatch.setattr(lock, "EXPIRY", -1.0)
    lock.take_lock(files, owner(host="here")).release()


def test_signs_of_life_keep_a_lock(files, monkeypatch):
    """They are written by the thread that holds the destination, and end with the run."""
    monkeypatch.setattr(lock, "BEAT", 0.01)
    beats = []
    for kind in (lock._LockFile, lock._LockObject):
        plain = kind.beat
        monkeypatch.setattr(kind, "beat", lambda self, plain=plain: (plain(self), beats.append(1)))
    with lock.hold_lock(files, owner()) as held:
        while len(beats) < 3:
            pass
        assert held.is_held()
    assert not files.exists(paths.LOCK)
    with lock.hold_lock(files, owner()):
        pass


def test_a_lock_that_cannot_be_read_is_not_taken_over(files):
    """Nobody knows whose it is, so nobody's work is endangered."""
    files.write(paths.LOCK, b"?")
    with pytest.raises(StoreError, match="cannot be read; if no run is at work, remove"):
        lock.take_lock(files, owner())


def test_only_the_owner_releases_a_lock(files):
    """A run that lost its lock leaves the new owner's alone, and knows that it lost it."""
    held = lock.take_lock(files, owner(pid=11))
    files.remove(paths.LOCK)
    assert not held.is_held()
    other = lock.take_lock(files, owner(pid=12))
    held.release()
    assert other.is_held()
    other.release()


def test_two_processes_of_one_number_on_one_host_do_not_take_each_others_lock(tmp_path):
    """Containers may share the name of the host, and each has a process 1."""
    with child(tmp_path) as first:
        assert said(first) == "taken\n"
        with child(tmp_path) as second:
            assert "in use by bob, process 1 on here" in said(second)
        assert lock.held_by(LocalFiles(tmp_path), replace(owner(), user="bob", born="1"))
        first.kill()


def test_a_container_that_was_killed_returns_under_a_new_name(tmp_path):
    """The system's lock has ended with its process, whatever the lock file says."""
    with child(tmp_path, "a1b2c3d4e5f6") as first:
        assert said(first) == "taken\n"
        first.kill()
    with child(tmp_path, "0f9e8d7c6b5a") as second:
        assert said(second) == "taken\n"
        second.kill()


def test_a_disk_that_cannot_be_written_is_reported_in_one_line(tmp_path, monkeypatch):
    """No lock can be taken there."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(directories.os, "fsync", refuse)
    with pytest.raises(StoreError, match="Read-only file system; make the file system writable"):
        lock.take_lock(local(tmp_path), owner())


def test_a_process_is_born_once_and_then_gone():
    """The birth of a running process stays the same, and a finished process has none."""
    assert lock.process_start(os.getpid()) == lock.process_start(os.getpid()) is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert lock.process_start(process.pid) not in (None, lock.process_start(1))
    assert lock.process_start(process.pid) is None
