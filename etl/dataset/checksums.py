"""Data files that differ from the manifest: how, and a one-line error for their readers.

Hashes are compared where a whole file is read anyway, or where reading has failed. `verify` checks whole datasets.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import polars as pl
import pyarrow as pa

from etl.dataset.manifest import DataFile
from etl.errors import StoreError
from etl.storage.files import Files

READ_AT_ONCE = 1 << 22
UNREADABLE = (pl.exceptions.PolarsError, pa.ArrowException, OSError, ValueError)
"""What readers of files raise."""
_FIX = "if a run has just published there, run this again; otherwise see 'datacite-etl verify'"


def problem(files: Files, file: DataFile) -> str:
    """Describe how a file differs from its entry in the manifest; empty if it does not."""
    if not files.exists(file.path):
        return "is missing"
    digest, size = hashlib.sha256(), 0
    with files.open(file.path) as source:
        while piece := source.read(READ_AT_ONCE):
            digest.update(piece)
            size += len(piece)
    if size != file.bytes:
        return f"has {size} bytes, the manifest says {file.bytes}"
    return "" if digest.hexdigest() == file.sha256 else "has changed: its SHA-256 is not the manifest's"


def read_checked(files: Files, file: DataFile) -> bytes:
    """Return a file's bytes; StoreError if they differ from the manifest."""
    content = files.read(file.path) if files.exists(file.path) else b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise StoreError(f"{files.name}/{file.path} differs from the manifest", fix=_FIX)
    return content


@contextmanager
def damage_explained(files: Files, listed: Iterable[DataFile]) -> Iterator[None]:
    """Turn errors of a reader into a StoreError that names the first damaged file.

    If no file is damaged, the manifest describes other tables.
    """
    try:
        yield
    except UNREADABLE as error:
        for file in listed:
            if fault := problem(files, file):
                raise StoreError(f"{files.name}/{file.path} cannot be read: it {fault}", fix=_FIX) from error
        if not isinstance(error, pl.exceptions.PolarsError | pa.ArrowException | UnicodeDecodeError):
            raise
        first_line = str(error).partition("\n")[0]
        raise StoreError(f"{files.name} does not match its manifest: {first_line}", fix=_FIX) from error
