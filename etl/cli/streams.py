"""Stdout and stderr of a process of its own: what their encoding lacks is escaped, and a reader may leave."""

import codecs
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_ESCAPED = "datacite-etl.escaped"


class TolerantStream(io.TextIOWrapper):
    """A stream that discards output once it is broken.

    If the reader leaves (`| head -1`), nothing is reported, and the exit code stays the command's. A disk
    that is full is an error, but only the first time.
    """

    def write(self, text: str, /) -> int:
        """Write, if there is anybody to read it."""
        with self._once():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written, if there is anybody to read it."""
        with self._once():
            super().flush()

    @contextmanager
    def _once(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if not isinstance(error, BrokenPipeError):
                raise OSError(error.errno, error.strerror, self.name) from error


def make_tolerant() -> None:
    """Make the streams of this process tolerate a closed pipe."""
    codecs.register_error(_ESCAPED, _escape)
    sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)


def _patient(stream: TextIO | None) -> TextIO:
    """Return a stream over the same file, or over none if the process was started without it."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream or Path(os.devnull).open("w", encoding="utf-8")
    encoding, lines = stream.encoding, stream.line_buffering
    return TolerantStream(stream.detach(), encoding=encoding, errors=_ESCAPED, line_buffering=lines)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Write characters that cannot be encoded as JSON escapes, so that JSON stays valid."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
