"""Calls to the system that fail: the n-th file operation of the storage, or all from the n-th on."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from etl.storage import directories, files

CALLS = ("open", "mkdir", "replace", "link", "unlink", "fsync", "fdopen", "scandir")
"""What may fail: everything that opens, changes, synchronises or lists."""


class FaultySystem:
    """The module `os`, with a call that fails. State: `calls` made so far."""

    def __init__(self, number: int, at: int, *, lasting: bool) -> None:
        self.calls = 0
        self._number = number
        self._at = at
        self._lasting = lasting
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._failing(real) if name in CALLS else real

    def _failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with self._turn:
                self.calls += 1
                calls = self.calls
            if calls == self._at or (self._lasting and calls > self._at):
                raise OSError(self._number, os.strerror(self._number))
            return real(*arguments, **options)

        return call


@contextmanager
def failing(number: int, at: int, *, lasting: bool = False) -> Iterator[FaultySystem]:
    """Let the storage work on a system whose call fails."""
    system = FaultySystem(number, at, lasting=lasting)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directories, "os", system)
        patch.setattr(files, "os", system)
        yield system
