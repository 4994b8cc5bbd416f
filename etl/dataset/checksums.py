"""Data files that are not what the manifest says: how they differ, and one line about it for whoever reads them.

A hash is compared where all of a file is read anyway, or where reading has failed. Whether a whole dataset is sound is
asked by `verify`.
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
    """Say how a file differs from what the manifest says of it; empty if it does not."""
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


def content(files: Files, file: DataFile) -> bytes:
    """Return a file's bytes; StoreError if they are not those that the manifest tells of."""
    found = files.read(file.path) if files.exists(file.path) else b""
    if hashlib.sha256(found).hexdigest() != file.sha256:
        raise StoreError(f"{files.name}/{file.path} is not what the manifest says", fix=_FIX)
    return found


@contextmanager
def explained(files: Files, listed: Iterable[DataFile]) -> Iterator[None]:
    """Turn what a reader of some files raises into a StoreError that names the first damaged one.

    Where none is, the files are not of the tables that the manifest describes.
    """
    try:
        yield
    except UNREADABLE as error:
        for file in listed:
            if found := problem(files, file):
                raise StoreError(f"{files.name}/{file.path} cannot be read: it {found}", fix=_FIX) from error
        if not isinstance(error, pl.exceptions.PolarsError | pa.ArrowException):
            raise
        first_line = str(error).partition("\n")[0]
        raise StoreError(f"{files.name} is not as its manifest describes it: {first_line}", fix=_FIX) from error
