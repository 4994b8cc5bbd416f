"""Publication where folders cannot be renamed: new files are put beside those of the old dataset.

Every new file gets a name that no file of the old dataset has; the switch is the manifest, written only if it is still
the one that was replaced. A note says what is under way, so that the next run, on any machine, removes the new files
or, once all of them are there, finishes. Logs of Delta tables are committed just before the manifest.
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
"""Files put at once."""
_SUFFIXES = tuple(f".{name}" for name in formats.names())
_FOLDERS = (paths.REJECTS, paths.RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a publication adds; from when everything is there on also what it commits, switches to and removes."""

    keys: tuple[str, ...]
    logs: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""
    gone: tuple[str, ...] = ()


_NOTE = JsonFile(Note)


def needed(files: Files, manifest: Manifest) -> bool:
    """Return whether a dataset is published so: where nothing can be renamed, and for readers that follow a log."""
    return not files.renames or delta_log.FORMAT in manifest.formats


def apart(before: Mapping[str, TableFacts], manifest: Manifest) -> tuple[Manifest, dict[str, str]]:
    """Return the manifest with names that no other file has, and by new name the path each file was staged under."""
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
    """Put the staged dataset that the manifest describes beside the published one, switch, and clear the old one."""
    manifest, staged = apart(before, manifest)
    held = {file.path for file in every_file(before)}
    new = {path: paths.staged(source) for path, source in staged.items() if path not in held}
    if lost := sorted(source for source in new.values() if not files.exists(source)):
        raise StoreError(f"staged files are gone: {', '.join(lost[:3])}", fix="run again with --fresh")
    logs: dict[str, str] = {}
    if delta_log.FORMAT in manifest.formats:
        manifest, logs = delta_log.commits(before, manifest)
    note = Note(keys=tuple(sorted(new)))
    _NOTE.write(files, paths.NOTE, note)
    _put(files, new)
    gone = sorted(held - {file.path for file in manifest.files})
    gone += _beside(files, reports)
    note = replace(note, logs=logs, manifest=manifest_file.encode(manifest).decode(), gone=tuple(gone))
    _NOTE.write(files, paths.NOTE, note)
    _forward(files, note)


def recover(files: Files) -> bool:
    """Finish a publication, or undo it; return whether the dataset is now the new one.

    JournalError if its note is damaged, or names what is not the dataset's.
    """
    if not files.exists(paths.NOTE):
        return False
    note = recovery.read(files, paths.NOTE, _NOTE)
    _check(files, note)
    if note.manifest:
        _forward(files, note)
        return True
    # A damaged manifest never listed them: they have names that no file of the old dataset had.
    known = {file.path for file in every_file(recovery.published(files))}
    _remove(files, [key for key in note.keys if key not in known])
    files.remove(paths.NOTE)
    return False


def pending(files: Files) -> set[str]:
    """Name the files that a publication under way adds or removes; the manifest decides whether they count."""
    if not files.exists(paths.NOTE):
        return set()
    note = recovery.read(files, paths.NOTE, _NOTE)
    return {*note.keys, *note.logs, *note.gone}


def _check(files: Files, note: Note) -> None:
    """Refuse a note that names what neither its manifest nor the names of our files allow."""
    new = manifest_file.decode(note.manifest.encode(), f"{files.name}/{paths.NOTE}").tables if note.manifest else {}
    tables = recovery.declared_tables() | recovery.published(files).keys() | new.keys()
    for key in (*note.keys, *note.logs, *note.gone):
        data = key.partition("/")[0] in tables and (key.endswith(_SUFFIXES) or delta_log.is_commit(key))
        if not data and not any(key.startswith(f"{folder}/") for folder in _FOLDERS):
            raise recovery.foreign(files, paths.NOTE, key)
    if wrong := {*note.gone} & {file.path for file in every_file(new)}:
        raise recovery.foreign(files, paths.NOTE, min(wrong))


def _put(files: Files, wanted: Mapping[str, str]) -> None:
    """Give staged files their names in the dataset; the first error is raised."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="put") as pool:
        list(pool.map(lambda path: files.link(wanted[path], path), sorted(wanted)))


def _beside(files: Files, reports: Mapping[str, bytes]) -> list[str]:
    """Put rejects, raw records and reports; return those of the old dataset that have no successor."""
    gone = []
    for folder in _FOLDERS:
        here = files.listing(paths.staged(folder))
        wanted = {key.removeprefix(paths.staged("")): key for key in here}
        _put(files, wanted)
        gone += [key for key in files.listing(folder) if key not in wanted]
    for name, content in reports.items():
        files.write(f"{paths.OWN}/{name}", content)
    return gone


def _forward(files: Files, note: Note) -> None:
    for path, text in note.logs.items():
        _once(files, path, text.encode())
    switched = note.manifest.encode()
    held = files.read(paths.MANIFEST) if files.exists(paths.MANIFEST) else None
    if held != switched and not files.claim(paths.MANIFEST, switched, instead_of=held):
        raise StoreError(f"{files.name} was published to by somebody else just now", fix="see who, then run again")
    _remove(files, note.gone)
    files.remove(paths.NOTE)


def _once(files: Files, path: str, content: bytes) -> None:
    """Commit to a log, unless that has been done; StoreError if somebody else has."""
    if not files.claim(path, content, instead_of=None) and files.read(path) != content:
        raise StoreError(
            f"{files.name}/{path} was written by another program",
            fix="let only datacite-etl write there, and export again with --fresh",
        )


def _remove(files: Files, keys: Sequence[str]) -> None:
    for key in keys:
        files.remove(key)
