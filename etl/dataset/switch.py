"""Publish by renaming: staged folders replace the published ones, and the manifest comes last.

A journal is written before the first rename, and the next run finishes it, so that a dataset is always the old one or
the new one. Every step can be repeated. Where folders cannot be renamed (in an image layer), their files are moved one
by one, through a folder that can be renamed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from etl.dataset import recovery
from etl.errors import StoreError
from etl.storage import paths
from etl.storage.files import CrossDeviceError, Files
from etl.storage.json_files import JsonFile

_FOLDERS = (paths.REJECTS, paths.RAW)
_PRIVATE = (paths.WORK, paths.SPENT, paths.PARKED, paths.LOCK, paths.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The steps of a publication: folders to remove, folders to replace, single files to replace."""

    gone: tuple[str, ...]
    folders: tuple[str, ...]
    files: tuple[str, ...]


_JOURNAL = JsonFile(Journal)


def publish(files: Files, tables: Iterable[str], reports: Mapping[str, bytes], manifest: bytes) -> None:
    """Move everything staged into its place; `tables` are those of the old dataset and the new one."""
    for name, content in reports.items():
        files.write(paths.staged(f"{paths.OWN}/{name}"), content)
    files.write(paths.staged(paths.MANIFEST), manifest)
    folders = [*sorted(tables), *_FOLDERS]
    journal = Journal(
        gone=tuple(name for name in folders if not files.exists(paths.staged(name))),
        folders=tuple(name for name in folders if files.exists(paths.staged(name))),
        files=(*(f"{paths.OWN}/{name}" for name in reports), paths.MANIFEST),
    )
    _JOURNAL.write(files, paths.JOURNAL, journal)
    finish(files)


def is_under_way(files: Files) -> bool:
    """Return whether a publication is unfinished: tables may be from two datasets."""
    return files.exists(paths.JOURNAL)


def half_published(files: Files) -> StoreError:
    """Describe a dataset whose publication is unfinished."""
    return StoreError(
        f"the publication of a new dataset to {files.name} is unfinished", fix="run the export again to finish it"
    )


def finish(files: Files) -> None:
    """Finish a publication, whichever of its steps are done; StoreError if its journal does not fit this dataset."""
    if not is_under_way(files):
        return
    journal = recovery.read_journal(files, paths.JOURNAL, _JOURNAL)
    _check(files, journal)
    for name in journal.gone:
        _set_aside(files, name)
    for name in journal.folders:
        _replace(files, name)
    for name in journal.files:
        if files.exists(paths.staged(name)):
            files.move(paths.staged(name), name)
    retire(files)


def retire(files: Files, work: str = paths.WORK) -> None:
    """Remove a folder of work, finished or not: move it away in one step, then remove it file by file."""
    files.remove(paths.SPENT)
    if not files.exists(work):
        return
    try:
        files.move(work, paths.SPENT)
    except CrossDeviceError:
        for decisive in (paths.JOURNAL, paths.plan_of(work), work):  # without a plan nothing is resumed
            files.remove(decisive)
    files.remove(paths.SPENT)


def park(files: Files, purpose: str) -> bool:
    """Move the work away in one step, for a run of another purpose; return whether that could be done.

    In an image layer it cannot, and the work is discarded.
    """
    retire(files, paths.parked(purpose))
    try:
        files.move(paths.WORK, paths.parked(purpose))
    except CrossDeviceError:
        retire(files)
        return False
    return True


def unpark(files: Files, purpose: str) -> None:
    """Move the work of a purpose back, if there is any, in place of pages without a plan."""
    retire(files)
    if files.exists(paths.parked(purpose)):
        files.move(paths.parked(purpose), paths.WORK)


def _check(files: Files, journal: Journal) -> None:
    """Refuse a journal with names that are neither in the manifests nor staged."""
    tables = recovery.known_tables(files) | {*_FOLDERS}
    for name in (*journal.gone, *journal.folders):
        if name not in tables and (files.exists(name) or files.exists(paths.staged(name))):
            raise recovery.foreign_entry(files, paths.JOURNAL, name)
    for name in journal.files:
        if not name.startswith(f"{paths.OWN}/") or any(name == own or name.startswith(f"{own}/") for own in _PRIVATE):
            raise recovery.foreign_entry(files, paths.JOURNAL, name)


def _set_aside(files: Files, name: str) -> None:
    """Move a published folder out of the way, unless that has been done."""
    old = f"{paths.OLD}/{name}"
    if not files.exists(old) and (files.listing(name) or files.listing(_moving(old))):
        _relocate(files, name, old)


def _replace(files: Files, name: str) -> None:
    """Move a staged folder into its place, unless that has been done."""
    staged = paths.staged(name)
    if files.listing(staged) or files.listing(_moving(name)):
        _set_aside(files, name)
        if not files.listing(name):
            files.remove(name)  # empty folders that a relocation has left behind
        _relocate(files, staged, name)


def _relocate(files: Files, source: str, target: str) -> None:
    """Move a folder, in one step or, resumably, file by file through a new folder that can be renamed."""
    moving, current = _moving(target), source
    for level in count():
        onward = f"{moving}/{level}"
        if not any(int(key.removeprefix(f"{moving}/").partition("/")[0]) >= level for key in files.listing(moving)):
            try:
                files.move(current, target)
                break
            except CrossDeviceError:  # a new folder is in the top layer, unless an image has been built since
                pass
        for key in files.listing(current):
            files.move(key, onward + key.removeprefix(current))
        current = onward
    files.remove(source)
    files.remove(moving)


def _moving(target: str) -> str:
    return f"{paths.MOVING}/{target}"
