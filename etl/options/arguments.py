"""Arguments as typed: text, paths and destinations."""

from pathlib import Path
from typing import TYPE_CHECKING

from etl.errors import UsageError
from etl.options import folders

if TYPE_CHECKING:
    from etl.storage.files import Files


def utf8(text: str) -> str:
    """Return an argument as typed, even in an ASCII locale; UsageError if it is not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError as error:
        raise UsageError(f"{text!r} is not UTF-8", fix="enter it as UTF-8") from error


def path_of(where: str) -> str:
    """Return a path or URL with `~` expanded; UsageError if it is empty."""
    if not where.strip():
        fix = "name a folder, or s3://bucket/folder; is a shell variable unset?"
        raise UsageError("the name of a folder is empty", fix=fix)
    return str(folders.expand(Path(where))) if where.startswith("~") else where


def destination(where: str) -> "Files":
    """Open the location of a dataset: a folder, or the URL of an object store.

    Unfinished work for an object store is kept below DATACITE_ETL_WORK, by default in the user's cache.
    """
    from etl.storage.location import open_files

    return open_files(path_of(where), folders.work_folder())
