"""Folders that know of every change: one fails at the n-th, one records the state before each."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.errors import StoreError
from etl.storage.files import LocalFiles


class PowerLoss(BaseException):
    """The machine stops; nothing below may catch this and continue."""


class WatchedFiles(LocalFiles):
    """A folder whose changes are all made inside `change`."""

    @contextmanager
    def change(self, *, writes: bool = False) -> Iterator[None]:
        """Do something before and after a change; `writes` if it needs space."""
        del writes
        yield

    def write(self, key, data):
        with self.change(writes=True):
            super().write(key, data)

    @contextmanager
    def create(self, key):
        with self.change(writes=True), super().create(key) as target:
            yield target

    def claim(self, key, data, *, instead_of):
        with self.change(writes=True):
            return super().claim(key, data, instead_of=instead_of)

    def link(self, source, target):
        with self.change():
            super().link(source, target)

    def move(self, source, target):
        with self.change():
            super().move(source, target)

    def remove(self, key):
        if not self.exists(key):
            return
        with self.change():
            super().remove(key)


class FaultyFiles(WatchedFiles):
    """A folder whose n-th change fails, before it is done or after, and every later one. State: `changes` counts down.

    With `full` the disk is full instead: from then on nothing can be written, but still be moved and removed.
    """

    def __init__(self, root: Path, changes: int, *, after: bool = False, full: bool = False) -> None:
        super().__init__(root)
        self.changes = changes
        self.after = after
        self.full = full

    @contextmanager
    def change(self, *, writes: bool = False) -> Iterator[None]:
        """Fail, if it is time."""
        self.changes -= 1
        if self.full:
            if writes and self.changes <= 0:
                raise StoreError("No space left on device", fix="free some space and run again")
            yield
            return
        if self.changes < 0 or (self.changes == 0 and not self.after):
            raise PowerLoss
        yield
        if self.changes <= 0:
            raise PowerLoss


class PicturedFiles(WatchedFiles):
    """A folder that records what a machine that stops before each change would leave.

    One change at a time: a claim writes through another one. State: the number of recorded states.
    """

    def __init__(self, root: Path, pictures: Path) -> None:
        super().__init__(root)
        self.root = root
        self.pictures = pictures
        self.taken = 0
        self._turn = threading.RLock()

    @contextmanager
    def change(self, *, writes: bool = False) -> Iterator[None]:
        """Take a picture first."""
        with self._turn:
            self.taken += 1
            if self.root.exists():
                shutil.copytree(self.root, self.pictures / str(self.taken), copy_function=_linked)
            yield


def _linked(source: str, target: str) -> None:
    """Copy without copying: files are replaced and never written into."""
    Path(target).hardlink_to(source)
