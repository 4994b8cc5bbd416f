"""A door to the disk that fails at the n-th change, as a machine does that loses power there."""

from contextlib import contextmanager
from pathlib import Path

from etl.files import LocalFiles


class PowerLoss(BaseException):
    """The machine stops; nobody below may catch this and go on."""


class FaultyFiles(LocalFiles):
    """A folder whose n-th change fails, before it is done or after. State: `changes` counts down."""

    def __init__(self, root: Path, changes: int, *, after: bool = False) -> None:
        super().__init__(root)
        self.changes = changes
        self.after = after

    def write(self, key, data):
        with self._change():
            super().write(key, data)

    @contextmanager
    def create(self, key):
        with self._change(), super().create(key) as target:
            yield target

    def claim(self, key, data, *, instead_of):
        with self._change():
            return super().claim(key, data, instead_of=instead_of)

    def move(self, source, target):
        with self._change():
            super().move(source, target)

    def link(self, source, target):
        with self._change():
            super().link(source, target)

    def remove(self, key):
        if not self.exists(key):
            return
        with self._change():
            super().remove(key)

    @contextmanager
    def _change(self):
        self.changes -= 1
        if self.changes == 0 and not self.after:
            raise PowerLoss
        yield
        if self.changes <= 0:
            raise PowerLoss
