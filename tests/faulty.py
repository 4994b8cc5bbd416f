"""A door to the disk that fails at the n-th change, as a machine does that loses power there, or whose disk is full."""

from contextlib import contextmanager
from pathlib import Path

from etl.errors import StoreError
from etl.files import LocalFiles


class PowerLoss(BaseException):
    """The machine stops; nobody below may catch this and go on."""


class FaultyFiles(LocalFiles):
    """A folder whose n-th change fails, before it is done or after, and every later one. State: `changes` counts down.

    With `full` the disk is full instead: from then on nothing can be written, but still be moved and removed.
    """

    def __init__(self, root: Path, changes: int, *, after: bool = False, full: bool = False) -> None:
        super().__init__(root)
        self.changes = changes
        self.after = after
        self.full = full

    def write(self, key, data):
        with self._change(writes=True):
            super().write(key, data)

    @contextmanager
    def create(self, key):
        with self._change(writes=True), super().create(key) as target:
            yield target

    def claim(self, key, data, *, instead_of):
        with self._change(writes=True):
            return super().claim(key, data, instead_of=instead_of)

    def link(self, source, target):
        with self._change():
            super().link(source, target)

    def move(self, source, target):
        with self._change():
            super().move(source, target)

    def remove(self, key):
        if not self.exists(key):
            return
        with self._change():
            super().remove(key)

    @contextmanager
    def _change(self, *, writes: bool = False):
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
