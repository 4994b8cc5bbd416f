"""Publication where no folder can be put in another's place: new files stand beside those of the old dataset.

Every new file gets a name that no file of the old dataset has; the switch is the manifest, put only if it is still the
one that was replaced. A note tells what is under way, so that whoever comes next, on whichever machine, takes the new
files away again or, once all of them are there, finishes. Logs of Delta tables are committed just before the manifest.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from etl.dataset import delta_log, manifest_file
from etl.dataset.manifest import DataFile, Manifest, TableFacts, every_file
from etl.errors import ManifestError, StoreError
from etl.schema.declarations import Json
from etl.storage import paths
from etl.storage.files import Files

AT_ONCE = 8
"""Files put at once."""


def needed(files: Files, manifest: Manifest) -> bool:
    """Tell whether a dataset is published so: where nothing can be renamed, and for readers that follow a log."""
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
    files.write(paths.NOTE, _dump({"keys": sorted(new)}))
    _put(files, new)
    gone = sorted(held - {file.path for file in manifest.files})
    gone += _beside(files, reports)
    note = {"keys": sorted(new), "logs": logs, "manifest": manifest_file.encode(manifest).decode(), "gone": gone}
    files.write(paths.NOTE, _dump(note))
    _forward(files, note)


def recover(files: Files) -> bool:
    """Finish a publication that was begun, or take it back; tell whether the dataset is now the new one."""
    if not files.exists(paths.NOTE):
        return False
    note = json.loads(files.read(paths.NOTE))
    if "manifest" in note:
        _forward(files, note)
        return True
    # One that is damaged never listed them: they have names that no file of the old dataset had.
    known = {file.path for file in every_file(_published(files))}
    _remove(files, [key for key in note["keys"] if key not in known])
    files.remove(paths.NOTE)
    return False


def _published(files: Files) -> Mapping[str, TableFacts]:
    """Return the tables of the published dataset; none of one whose manifest cannot be read."""
    if not files.exists(paths.MANIFEST):
        return {}
    try:
        return manifest_file.decode(files.read(paths.MANIFEST), paths.MANIFEST).tables
    except ManifestError:
        return {}


def _put(files: Files, wanted: Mapping[str, str]) -> None:
    """Give staged files their names in the dataset; the first error is raised."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="put") as pool:
        list(pool.map(lambda path: files.link(wanted[path], path), sorted(wanted)))


def _beside(files: Files, reports: Mapping[str, bytes]) -> list[str]:
    """Put rejects, raw records and reports; return those of the old dataset that have no successor."""
    gone = []
    for folder in (paths.REJECTS, paths.RAW):
        here = files.listing(paths.staged(folder))
        wanted = {key.removeprefix(paths.staged("")): key for key in here}
        _put(files, wanted)
        gone += [key for key in files.listing(folder) if key not in wanted]
    for name, content in reports.items():
        files.write(f"{paths.OWN}/{name}", content)
    return gone


def _forward(files: Files, note: Mapping[str, Json]) -> None:
    for path, text in note["logs"].items():
        _once(files, path, text.encode())
    switched = note["manifest"].encode()
    held = files.read(paths.MANIFEST) if files.exists(paths.MANIFEST) else None
    if held != switched and not files.claim(paths.MANIFEST, switched, instead_of=held):
        raise StoreError(f"{files.name} was published to by somebody else just now", fix="see who, then run again")
    _remove(files, note["gone"])
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


def _dump(value: Json) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
