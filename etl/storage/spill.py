"""Rows on their way into tables beside a dataset: put aside on disk so that memory does not hold them, then written.

What the rows mean is the matter of `auditing` and `diffing`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from etl.storage import formats as sinks
from etl.storage.files import Files, Writing
from etl.storage.formats import Sink

PIECE = 100_000
"""Rows of one piece of a table, a row group in Parquet."""


class Spill:
    """A folder of Arrow files by name. State: `_count`, files so far."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def put(self, name: str, rows: pl.DataFrame) -> None:
        """Put rows aside under a name."""
        if rows.height:
            (self._folder / name).mkdir(exist_ok=True)
            self._count += 1
            rows.write_ipc(self._folder / name / f"{self._count:08}.arrow", compression="lz4")

    def get(self, name: str) -> pl.LazyFrame | None:
        """Return what was put aside under a name, in that order; None if nothing was."""
        parts = self._parts(name)
        return pl.scan_ipc(parts) if parts else None

    def pieces(self, name: str) -> Iterator[pl.DataFrame]:
        """Yield what was put aside under a name, in that order and in pieces that are small."""
        for part in self._parts(name):
            yield from pl.read_ipc(part).iter_slices(PIECE)

    def _parts(self, name: str) -> list[Path]:
        return sorted((self._folder / name).glob("*.arrow"))


@contextmanager
def open_spill(target: Files) -> Iterator[Spill]:
    """Yield a folder for rows on the disk of a target; it is removed at the end."""
    with target.scratch() as folder:
        yield Spill(folder)


def write(
    target: Files,
    name: str,
    pieces: Callable[[], Iterable[pl.DataFrame]],
    formats: Sequence[str],
    schema: Mapping[str, pl.DataType],
) -> int:
    """Write a table in each format and return its number of rows; without rows it still has its columns."""
    rows = 0
    for format_name in formats:
        sink = sinks.load(format_name)
        with target.create(f"{name}{sink.suffix}") as out:
            rows = _put(sink, out, name, pieces(), schema)
    return rows


def _put(sink: Sink, out: Writing, name: str, pieces: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType]) -> int:
    rows = 0

    def filled() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for piece in pieces:
            if piece.height:
                rows += piece.height
                yield piece
        if not rows:
            yield pl.DataFrame(schema=dict(schema))

    sink.write(filled(), out, metadata={"datacite-etl": name}, sorted_by=())
    return rows
