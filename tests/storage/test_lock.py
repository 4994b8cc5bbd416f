import os
import subprocess
import sys

import pytest

from etl.errors import StoreError
from etl.storage import lock, paths
from tests.support.small import local, owner


def test_a_lock_of_a_process_that_is_gone_is_taken_over(tmp_path):
    """A run that was killed does not keep its successor out."""
    files = local(tmp_path)
    lock.take(files, owner(pid=11))
    lock.take(files, owner(pid=12), alive=lambda pid: None)
    assert b'"pid": 12' in files.read(paths.LOCK)


def test_a_process_that_only_has_the_same_number_is_not_the_owner(tmp_path):
    """Numbers of processes come again, after a restart of a container the very next day."""
    files = local(tmp_path)
    lock.take(files, owner(pid=11))
    lock.take(files, owner(pid=12), alive=lambda pid: "another birth")
    assert b'"pid": 12' in files.read(paths.LOCK)


def test_the_lock_of_another_machine_is_for_a_person_to_judge(tmp_path):
    """Of processes elsewhere nothing is known: the message says what to remove if they are dead."""
    files = local(tmp_path)
    lock.take(files, owner(host="there"))
    with pytest.raises(StoreError, match=r"on there.*if that run is dead, remove .*_etl/lock"):
        lock.take(files, owner(host="here"), alive=lambda pid: None)


def test_a_lock_that_cannot_be_read_is_not_taken_over(tmp_path):
    """Nobody knows whose it is, so nobody's work is endangered."""
    files = local(tmp_path)
    files.write(paths.LOCK, b"?")
    with pytest.raises(StoreError, match="cannot be read; if no run is at work, remove"):
        lock.take(files, owner())


def test_only_the_owner_gives_a_lock_back(tmp_path):
    """A run that lost its lock leaves the new owner's alone."""
    files = local(tmp_path)
    lock.take(files, owner(pid=11))
    lock.give_back(files, owner(pid=12))
    assert files.exists(paths.LOCK)
    lock.give_back(files, owner(pid=11))
    lock.give_back(files, owner(pid=11))
    assert not files.exists(paths.LOCK)


def test_a_process_is_born_once_and_then_gone():
    """The birth of a running process stays the same, and a finished process has none."""
    assert lock.born(os.getpid()) == lock.born(os.getpid()) is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert lock.born(child.pid) not in (None, lock.born(1))
    assert lock.born(child.pid) is None
