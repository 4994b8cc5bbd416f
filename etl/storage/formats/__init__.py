"""The formats a table can be written in: one file here each, registered by existing.

A sink module ends in a `SINK`; the rest of the program receives it as a `Sink` and never imports a particular one.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, Protocol

import polars as pl

from etl.errors import UsageError

LINES = "ndjson"
"""For the main table, records as received (`records.ndjson`); for other tables, one row per line."""
DELTA = "delta"
"""A format without files of its own: a log over the Parquet files, written when they are published."""


class Reads(Protocol):
    """Reads one format of data files."""

    @property
    def suffix(self) -> str:
        """The suffix of its file names, with the dot."""

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file, as they were written."""

    def read_pieces(
        self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read a file of any number of rows, at least one piece, which may be empty."""


class Sink(Reads, Protocol):
    """One format of data files."""

    def write(
        self,
        pieces: Iterable[pl.DataFrame],
        target: BinaryIO,
        *,
        metadata: Mapping[str, str],
        sorted_by: tuple[str, ...],
    ) -> None:
        """Write sorted rows, given in one piece or more, as one file; the same pieces give the same bytes."""


def names() -> list[str]:
    """List the names of all formats."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Sink:
    """Return the sink of a format; UsageError if there is none."""
    if name == DELTA:
        raise UsageError("only export, sync and ingest make Delta tables", fix=f"choose one of: {', '.join(names())}")
    if name not in names():
        raise UsageError(f"there is no format {name!r}", fix=f"valid are: {', '.join([*names(), DELTA])}")
    sink: Sink = importlib.import_module(f"{__name__}.{name}").SINK
    return sink


def of_dataset(formats: Iterable[str]) -> tuple[Sink, ...]:
    """Return the sinks of a dataset's tables, one per kind of file; Delta tables are Parquet, records no table."""
    sinks = [load("parquet" if name == DELTA else name) for name in formats]
    return tuple({sink.suffix: sink for sink in sinks if sink.suffix != f".{LINES}"}.values())
