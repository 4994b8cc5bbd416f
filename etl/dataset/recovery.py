"""Recognise the tables and files of a dataset after a killed run, or without a manifest.

A journal may only name what the manifests and the names of our tables allow: another program may have written it.
Recognition by names alone is for an export that replaces the dataset (`--fresh`); data are never read this way.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from etl import resources
from etl.dataset import delta_log, manifest_file
from etl.dataset.manifest import DataFile, DeltaLog, TableFacts
from etl.errors import ManifestError, StoreError
from etl.schema import withdrawn
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.json_files import JsonFile

_INCLUDED = "included_"
T = TypeVar("T")


class JournalError(StoreError):
    """A journal is damaged, or names files that are not part of the dataset."""


def read_journal(files: Files, key: str, kind: JsonFile[T]) -> T:
    """Read the journal at a key; JournalError if it is damaged."""
    try:
        return kind.decode(files.read(key), f"{files.name}/{key}")
    except StoreError as error:
        raise JournalError(error.message, fix=error.fix) from error


def foreign_entry(files: Files, journal: str, name: str) -> JournalError:
    """Describe a journal that names a file that is not part of the dataset."""
    return JournalError(
        f"{files.name}/{journal} names {name!r}, which is not part of this dataset",
        fix="find out which program wrote it; --fresh discards it",
    )


def published_tables(files: Files, key: str = paths.MANIFEST) -> Mapping[str, TableFacts]:
    """Return the tables of the manifest at a key; none if it is missing or unreadable."""
    if not files.exists(key):
        return {}
    try:
        return manifest_file.decode(files.read(key), key).tables
    except ManifestError:
        return {}


def known_tables(files: Files) -> set[str]:
    """Name the tables of the published and the staged dataset; without a readable manifest, all declared tables."""
    known = published_tables(files)
    return {*known, *published_tables(files, paths.staged(paths.MANIFEST))} | (set() if known else declared_tables())


def tables_by_name(files: Files) -> dict[str, TableFacts]:
    """Return the tables of a dataset, recognised by name, with their files only."""
    tables, keys_of = declared_tables(), defaultdict(list)
    for key in files.listing(""):
        name = key.partition("/")[0]
        if name in tables and paths.is_data_file(key):
            keys_of[name].append(key)
    return {name: _facts(files, name, keys) for name, keys in keys_of.items()}


def declared_tables() -> set[str]:
    """Name all tables that a dataset may have."""
    declared = [table.name for name in resources.names() for table in resources.load(name).tables]
    return {withdrawn.NAME, *declared, *(_INCLUDED + name for name in declared)}


def _facts(files: Files, name: str, keys: Sequence[str]) -> TableFacts:
    """Describe a table; an existing log is continued for its readers."""
    log = {key: files.read(key) for key in keys if delta_log.is_commit(key)}
    try:
        active = delta_log.active_files(name, log.values())
        of = delta_log.table_id(log.values()) if log else ""
    except ValueError as error:
        fix = f"remove {files.name}/{name}, or choose another destination"
        raise StoreError(f"the log of the table {name} is damaged: {error}", fix=fix) from error
    data = [DataFile(path=key, rows=0, bytes=0, sha256="") for key in sorted({*keys, *active} - log.keys())]
    facts = TableFacts.of_files((), data, key="", of="")
    if not log:
        return facts
    commits = tuple(delta_log.describe_commit(key, content) for key, content in log.items())
    return replace(facts, delta=DeltaLog(id=of, log=commits))
