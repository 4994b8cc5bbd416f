"""Publish where folders cannot be renamed: new files are added beside those of the old dataset.

Every new file has a name that no file of the old dataset has; the manifest makes the switch, and is only written if the
old one is unchanged. A note records the publication, so that the next run, on any machine, removes the new files or,
once all of them are there, finishes. Logs of Delta tables are committed just before the manifest.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from etl.dataset import delta_log, manifest_file, recovery
from etl.dataset.manifest import DataFile, Manifest, TableFacts, every_file
from etl.errors import StoreError
from etl.storage import formats, paths
from etl.storage.files import Files
from etl.storage.json_files import JsonFile

AT_ONCE = 8
"""Number of files written concurrently."""
_SUFFIXES = tuple(f".{name}" for name in formats.names())
_FOLDERS = (paths.REJECTS, paths.RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The files that a publication adds; once all are there, also its commits, its manifest and the obsolete files."""

    keys: tuple[str, ...]
    logs: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""
    gone: tuple[str, ...] = ()


_NOTE = JsonFile(Note)


def is_needed(files: Files, manifest: Manifest) -> bool:
    """Return whether a dataset is published this way: where nothing can be renamed, and for readers of Delta logs."""
    return not files.renames or delta_log.FORMAT in manifest.formats


def with_unique_names(before: Mapping[str, TableFacts], manifest: Manifest) -> tuple[Manifest, dict[str, str]]:
    """Return the manifest with unique file names, and the staged path of each file by its new name."""
    held = {file.path: file.sha256 for file in every_file(before)}
    staged: dict[str, str] = {}

    def renamed(file: DataFile) -> DataFile:
        taken = held.get(file.path, file.sha256) != file.sha256
        own = paths.generation(file.path, file.sha256[:8]) if taken else file.path
        staged[own] = file.path
        return replace(file, path=own)

    tables = {
        name: replace(facts, files=tuple(sorted(map(renamed, facts.files), key=lambda file: file.path)))
        for name, facts in manifest.tables.items()
    }
    return replace(manifest, tables=tables), staged


def publish(files: Files, before: Mapping[str, TableFacts], manifest: Manifest, reports: Mapping[str, bytes]) -> None:
    """Add the staged files to the destination, switch to the manifest that lists them, and remove the obsolete ones."""
    manifest, staged = with_unique_names(before, manifest)
    held = {file.path for file in every_file(before)}
    new = {path: paths.staged(source) for path, source in staged.items() if path not in held}
    if lost := sorted(source for source in new.values() if not files.exists(source)):
        raise StoreError(f"staged files are missing: {', '.join(lost[:3])}", fix="run again with --fresh")
    logs: dict[str, str] = {}
    if delta_log.FORMAT in manifest.formats:
        manifest, logs = delta_log.commits(before, manifest)
    note = Note(keys=tuple(sorted(new)))
    _NOTE.write(files, paths.NOTE, note)
    _put(files, new)
    obsolete = sorted(held - {file.path for file in manifest.files})
    obsolete += _put_reports(files, reports)
    note = replace(note, logs=logs, manifest=manifest_file.encode(manifest).decode(), gone=tuple(obsolete))
    _NOTE.write(files, paths.NOTE, note)
    _forward(files, note)


def recover(files: Files) -> bool:
    """Finish a publication, or undo it; return whether the dataset is now the new one.

    JournalError if its note is damaged, or names files that are not part of the dataset.
    """
    if not files.exists(paths.NOTE):
        return False
    note = recovery.read_journal(files, paths.NOTE, _NOTE)
    _check(files, note)
    if note.manifest:
        _forward(files, note)
        return True
    # Even a damaged manifest did not list them: no file of the old dataset has their names.
    known = {file.path for file in every_file(recovery.published_tables(files))}
    _remove(files, [key for key in note.keys if key not in known])
    files.remove(paths.NOTE)
    return False


def pending_files(files: Files) -> set[str]:
    """Name the files that an unfinished publication adds or removes; the manifest decides whether they count."""
    if not files.exists(paths.NOTE):
        return set()
    note = recovery.read_journal(files, paths.NOTE, _NOTE)
    return {*note.keys, *note.logs, *note.gone}


def _check(files: Files, note: Note) -> None:
    """Refuse a note with files that neither its manifest nor the names of our tables allow."""
    new = manifest_file.decode(note.manifest.encode(), f"{files.name}/{paths.NOTE}").tables if note.manifest else {}
    tables = recovery.declared_tables() | recovery.published_tables(files).keys() | new.keys()
    for key in (*note.keys, *note.logs, *note.gone):
        data = key.partition("/")[0] in tables and (key.endswith(_SUFFIXES) or delta_log.is_commit(key))
        if not data and not any(key.startswith(f"{folder}/") for folder in _FOLDERS):
            raise recovery.foreign_entry(files, paths.NOTE, key)
    if wrong := {*note.gone} & {file.path for file in every_file(new)}:
        raise recovery.foreign_entry(files, paths.NOTE, min(wrong))


def _put(files: Files, wanted: Mapping[str, str]) -> None:
    """Link staged files into the dataset; the first error is raised."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="put") as pool:
        list(pool.map(lambda path: files.link(wanted[path], path), sorted(wanted)))


def _put_reports(files: Files, reports: Mapping[str, bytes]) -> list[str]:
    """Add rejects, raw records and reports; return those of the old dataset that are obsolete."""
    obsolete: list[str] = []
    for folder in _FOLDERS:
        here = files.listing(paths.staged(folder))
        wanted = {key.removeprefix(paths.staged("")): key for key in here}
        _put(files, wanted)
        obsolete += [key for key in files.listing(folder) if key not in wanted]
    for name, content in reports.items():
        files.write(f"{paths.OWN}/{name}", content)
    return obsolete


def _forward(files: Files, note: Note) -> None:
    for path, text in note.logs.items():
        _once(files, path, text.encode())
    switched = note.manifest.encode()
    held = files.read(paths.MANIFEST) if files.exists(paths.MANIFEST) else None
    if held != switched and not files.claim(paths.MANIFEST, switched, instead_of=held):
        raise StoreError(
            f"another run has just published to {files.name}", fix="find out which, then run this one again"
        )
    _remove(files, note.gone)
    files.remove(paths.NOTE)


def _once(files: Files, path: str, content: bytes) -> None:
    """Commit to a log, unless that has been done; StoreError if another program has."""
    if not files.claim(path, content, instead_of=None) and files.read(path) != content:
        raise StoreError(
            f"{files.name}/{path} was written by another program",
            fix="let only datacite-etl write there, and export again with --fresh",
        )


def _remove(files: Files, keys: Sequence[str]) -> None:
    for key in keys:
        files.remove(key)
