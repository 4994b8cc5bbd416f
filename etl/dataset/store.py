"""The dataset's destination: who may write there, what is unfinished, and the switch from staged to published.

What stands in the files is decided elsewhere. A switch is written down before it begins and is finished by the next
run if this one dies in it, so that a dataset is always the old one or the new one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from etl.api.window import Window
from etl.completeness.verdict import Tally
from etl.dataset import copy_on_write, lock, manifest_file, recovery
from etl.dataset.lock import Owner
from etl.dataset.manifest import DataFile, Manifest, TableFacts, every_file
from etl.dataset.manifest_build import as_request
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json
from etl.storage import paths
from etl.storage.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a run wants of a destination; work that was begun under another claim cannot be gone on with."""

    request: Mapping[str, Json]
    fingerprint: str
    base_url: str
    formats: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    keep_raw: bool = False
    purpose: str = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one slice produced; its presence means that all pages are staged.

    `missing` are records that could not be had; `vanished` came in an earlier walk of the slice only.
    """

    tally: Tally
    pages: int
    missing: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


class Store:
    """A destination that this run holds. State: none; everything it knows is on the disk.

    `fresh` is whether it may replace any dataset, one too whose manifest cannot be read.
    """

    def __init__(self, files: Files, *, fresh: bool = False) -> None:
        self.files = files
        self._fresh = fresh

    def manifest(self) -> Manifest | None:
        """Return the published dataset's manifest, if there is one."""
        return read_manifest(self.files)

    def plan(self) -> Json:
        """Return the plan of the unfinished work, None if there is none."""
        return _json(self.files, paths.PLAN, {}).get("plan")

    def begin(self, claim: Claim, plan: Json, *, started: float | None = None) -> None:
        """Write down what is to be done and since when; from here on the work can be gone on with."""
        found = {"claim": _plain(claim), "plan": plan, "started": started, "over": _digest(self.files)}
        self.files.write(paths.PLAN, _dump(found))

    def started(self) -> float | None:
        """Return when the unfinished work was begun, by whichever run; None if nobody wrote that down."""
        found: float | None = _json(self.files, paths.PLAN, {}).get("started")
        return found

    def receipt(self, key: str) -> Receipt | None:
        """Return a slice's receipt, if it is done."""
        if not self.files.exists(paths.slice_receipt(key)):
            return None
        plain = _json(self.files, paths.slice_receipt(key), {})
        tally = plain["tally"]
        window = Window(tally["window"]["start"], tally["window"]["end"])
        return Receipt(
            tally=Tally(**{**tally, "window": window}),
            pages=plain["pages"],
            missing=tuple(plain["missing"]),
            vanished=tuple(plain.get("vanished", ())),
        )

    def commit(self, receipt: Receipt) -> None:
        """Put a slice's receipt: it is done."""
        self.files.write(paths.slice_receipt(receipt.tally.key), _dump(asdict(receipt)))

    def discard(self, key: str) -> None:
        """Forget a slice with its pages, so that it is fetched anew."""
        self.files.remove(paths.slice_folder(key))

    def give_up(self) -> None:
        """Throw the work away, so that the next run plans anew."""
        retire(self.files)

    def report(self, name: str, content: bytes) -> None:
        """Put a report of a run that publishes nothing."""
        self.files.write(f"{paths.OWN}/{name}", content)

    def keep(self, path: str) -> None:
        """Take a published data file over into the staged dataset as it is."""
        self.files.link(path, paths.staged(path))

    def publish(self, manifest: Manifest, reports: Mapping[str, bytes] | None = None) -> None:
        """Switch to the staged dataset that the manifest describes; the one before it is gone afterwards."""
        before = _before(self.files, fresh=self._fresh)
        names = before.keys() | manifest.tables.keys()
        _foreign_free(self.files, names, before)
        if copy_on_write.needed(self.files, manifest):
            copy_on_write.publish(self.files, before, manifest, reports or {})
            retire(self.files)
            return
        _only_listed(self.files, names, manifest.files)
        for name, content in (reports or {}).items():
            self.files.write(paths.staged(f"{paths.OWN}/{name}"), content)
        self.files.write(paths.staged(paths.MANIFEST), manifest_file.encode(manifest))
        self.files.write(paths.JOURNAL, _dump(_journal(self.files, names, reports or {})))
        finish(self.files)


@contextmanager
def hold(files: Files, claim: Claim, owner: Owner, *, fresh: bool = False) -> Iterator[Store]:
    """Hold a destination for one run: lock it, finish what a dead run was publishing, and see whose work lies there.

    With `fresh`, unfinished work is thrown away, and a dataset of another request may be replaced, and one whose
    manifest cannot be read. Raises StoreError for a destination that is in use, UsageError for one that is not ours or
    holds what `fresh` would throw away.
    """
    _ours(files)
    lock.take(files, owner)
    try:
        finish(files)
        if fresh:
            retire(files)
        _same_dataset(files, claim, fresh=fresh)
        _same_work(files, claim)
        yield Store(files, fresh=fresh)
    finally:
        lock.give_back(files, owner)


def read_manifest(files: Files) -> Manifest | None:
    """Return the manifest of the dataset at a destination, if there is one; ManifestError if it is wrong."""
    if not files.exists(paths.MANIFEST):
        return None
    return manifest_file.decode(files.read(paths.MANIFEST), f"{files.name}/{paths.MANIFEST}")


def _before(files: Files, *, fresh: bool) -> Mapping[str, TableFacts]:
    """Return the tables of the dataset that is to be replaced; of one without a readable manifest, by their names."""
    if fresh and not (files.exists(paths.MANIFEST) and manifest_file.is_proof(files.read(paths.MANIFEST))):
        return recovery.listed(files)
    manifest = read_manifest(files)
    return manifest.tables if manifest else {}


def published_manifest(files: Files) -> Manifest:
    """Return the manifest of the dataset at a destination; StoreError if there is none."""
    manifest = read_manifest(files)
    if manifest is None:
        raise StoreError(f"{files.name} holds no dataset", fix="check the path, or export one there first")
    return manifest


def manifest_of_one(files: Files) -> Manifest:
    """Return the manifest of a dataset to be read; StoreError if there is none, or if the tables may be of two.

    They are where a process was killed among its renames, until the next run finishes its work.
    """
    manifest = published_manifest(files)
    if files.exists(paths.JOURNAL):
        raise half_a_switch(files)
    return manifest


def half_a_switch(files: Files) -> StoreError:
    """Say that what is there may be of two datasets."""
    return StoreError(f"{files.name} is half-way to a new dataset", fix="run the export again to finish that")


def finish(files: Files) -> None:
    """Finish a publication that was begun, whichever of its steps are done, and clear what is spent."""
    if copy_on_write.recover(files):
        retire(files)
    if files.exists(paths.JOURNAL):
        journal = _json(files, paths.JOURNAL, {})
        for name in journal["gone"]:
            _aside(files, name)
        for name in journal["folders"]:
            _switch(files, name)
        for name in journal["files"]:
            if files.exists(paths.staged(name)):
                files.move(paths.staged(name), name)
        retire(files)
    files.remove(paths.SPENT)


def retire(files: Files) -> None:
    """Throw the work away: out of sight in one step, then file by file."""
    files.remove(paths.SPENT)
    if files.exists(paths.WORK):
        files.move(paths.WORK, paths.SPENT)
        files.remove(paths.SPENT)


def strangers(files: Files, tables: Iterable[str], listed: Iterable[DataFile]) -> list[str]:
    """Name the files in table folders that the manifest does not list."""
    known = {file.path for file in listed}
    return [key for table in sorted(tables) for key in files.listing(table) if key not in known]


def _aside(files: Files, name: str) -> None:
    """Put a folder out of the way, unless that has been done."""
    if files.exists(name) and not files.exists(f"{paths.OLD}/{name}"):
        files.move(name, f"{paths.OLD}/{name}")


def _switch(files: Files, name: str) -> None:
    """Put a staged folder in the place of the one before it, unless that has been done."""
    if files.exists(paths.staged(name)):
        _aside(files, name)
        files.move(paths.staged(name), name)


def _journal(files: Files, tables: Iterable[str], reports: Iterable[str]) -> dict[str, list[str]]:
    """List what goes, what is switched, and the single files that are replaced, the manifest last."""
    folders = [*sorted(tables), paths.REJECTS, paths.RAW]
    return {
        "gone": [name for name in folders if not files.exists(paths.staged(name))],
        "folders": [name for name in folders if files.exists(paths.staged(name))],
        "files": [*(f"{paths.OWN}/{name}" for name in reports), paths.MANIFEST],
    }


def half_way(files: Files) -> bool:
    """Tell whether a publication was begun and has not ended."""
    return files.exists(paths.JOURNAL) or files.exists(paths.NOTE)


def _digest(files: Files) -> str | None:
    """Tell which dataset is published, None if there is none."""
    return hashlib.sha256(files.read(paths.MANIFEST)).hexdigest() if files.exists(paths.MANIFEST) else None


def _foreign_free(files: Files, tables: Iterable[str], before: Mapping[str, TableFacts]) -> None:
    if found := strangers(files, tables, every_file(before)):
        some = ", ".join(found[:3]) + (" …" if len(found) > 3 else "")
        raise StoreError(f"{files.name} holds files that datacite-etl did not write: {some}", fix="move them elsewhere")


def _only_listed(files: Files, names: Iterable[str], data: Iterable[DataFile]) -> None:
    """See that what is staged of the tables that are switched is exactly what the manifest lists; leftovers go.

    What is staged beside them stays: a run that dies right after this still needs it.
    """
    listed = {paths.staged(file.path) for file in data}
    here = {key for name in names for key in files.listing(paths.staged(name))}
    if lost := sorted(listed - here):
        raise StoreError(f"staged files are gone: {', '.join(lost[:3])}", fix="run again with --fresh")
    for key in here - listed:
        files.remove(key)


def _ours(files: Files) -> None:
    """Refuse a folder that holds something and was never a destination."""
    if not files.exists(paths.OWN) and not files.empty():
        raise UsageError(f"{files.name} is not empty and not a dataset", fix="choose another --to")


def _same_dataset(files: Files, claim: Claim, *, fresh: bool) -> None:
    before = _before(files, fresh=fresh)
    _foreign_free(files, before, before)
    manifest = None if fresh else read_manifest(files)
    if manifest is None or manifest.request == as_request(claim.request):
        return
    theirs = f"{manifest.resource}, request {manifest.fingerprint}"
    raise UsageError(
        f"{files.name} holds the dataset of another request ({theirs})",
        fix="choose another --to, or replace it with --fresh",
    )


def _same_work(files: Files, claim: Claim) -> None:
    found = _json(files, paths.PLAN, None)
    if found is None or found.get("over") != _digest(files):  # never planned, or the dataset has moved on
        retire(files)
        return
    theirs, ours = found["claim"], _plain(claim)
    if differing := [name for name in ours if theirs.get(name) != ours[name]]:
        raise UsageError(
            f"{files.name} holds unfinished work that differs in {', '.join(differing)}",
            fix="run that one again to finish it, or throw it away with --fresh",
        )


def _plain(claim: Claim) -> dict[str, Json]:
    """Return a claim as it reads after a trip through a file."""
    plain: dict[str, Json] = json.loads(_dump(asdict(claim)))
    return plain


def _json(files: Files, key: str, default: Json) -> Json:
    if not files.exists(key):
        return default
    try:
        return json.loads(files.read(key))
    except ValueError as error:
        raise StoreError(f"{files.name}/{key} is damaged: {error}", fix="run again with --fresh") from error


def _dump(value: Json) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
