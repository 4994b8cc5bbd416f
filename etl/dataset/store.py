"""The dataset's destination: who may write there, what is unfinished, and the switch from staged to published.

What stands in the files is decided elsewhere. A switch is written down before it begins and is finished by the next
run if this one dies in it, so that a dataset is always the old one or the new one.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath

from etl.completeness.verdict import Tally
from etl.dataset import copy_on_write, manifest_file, recovery, switch
from etl.dataset.manifest import DataFile, Manifest, TableFacts, every_file
from etl.dataset.manifest_build import as_request
from etl.dataset.recovery import JournalError
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json
from etl.storage import lock, paths
from etl.storage.directories import TEMPORARY
from etl.storage.files import Files
from etl.storage.json_files import JsonFile
from etl.storage.lock import Lock, Owner


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

    `missing` are records that could not be had.
    """

    tally: Tally
    pages: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Unfinished work: what it is for, since when, and over which published dataset (the hash of its manifest)."""

    claim: Claim
    plan: Json
    started: float | None = None
    over: str | None = None


_WORK = JsonFile(Work)
_RECEIPT = JsonFile(Receipt)


class Store:
    """A destination that this run holds. State: none; everything it knows is on the disk.

    `fresh` is whether it may replace any dataset, one too whose manifest cannot be read.
    """

    def __init__(self, files: Files, *, fresh: bool = False, held: Lock | None = None) -> None:
        self.files = files
        self._fresh = fresh
        self._held = held

    def manifest(self) -> Manifest | None:
        """Return the published dataset's manifest, if there is one."""
        return read_manifest(self.files)

    def plan(self) -> Json:
        """Return the plan of the unfinished work, None if there is none."""
        work = _WORK.read(self.files, paths.PLAN)
        return work.plan if work else None

    def begin(self, claim: Claim, plan: Json, *, started: float | None = None) -> None:
        """Write down what is to be done and since when; from here on the work can be gone on with."""
        work = Work(claim=claim, plan=plan, started=started, over=_digest(self.files))
        _WORK.write(self.files, paths.PLAN, work)

    def started(self) -> float | None:
        """Return when the unfinished work was begun, by whichever run; None if nobody wrote that down."""
        work = _WORK.read(self.files, paths.PLAN)
        return work.started if work else None

    def receipt(self, key: str) -> Receipt | None:
        """Return a slice's receipt, if it is done."""
        return _RECEIPT.read(self.files, paths.slice_receipt(key))

    def commit(self, receipt: Receipt) -> None:
        """Put a slice's receipt: it is done."""
        _RECEIPT.write(self.files, paths.slice_receipt(receipt.tally.key), receipt)

    def discard(self, key: str) -> None:
        """Forget a slice with its pages, so that it is fetched anew."""
        self.files.remove(paths.slice_folder(key))

    def give_up(self) -> None:
        """Throw the work away, so that the next run plans anew."""
        switch.retire(self.files)

    def report(self, name: str, content: bytes) -> None:
        """Put a report of a run that publishes nothing."""
        self.files.write(f"{paths.OWN}/{name}", content)

    def keep(self, path: str) -> None:
        """Take a published data file over into the staged dataset as it is."""
        self.files.link(path, paths.staged(path))

    def publish(self, manifest: Manifest, reports: Mapping[str, bytes] | None = None) -> None:
        """Switch to the staged dataset that the manifest describes; the one before it is gone afterwards."""
        if self._held and not self._held.is_held():
            raise StoreError(f"{self.files.name} is no longer held by this run", fix="see who holds it, then run again")
        before = _before(self.files, fresh=self._fresh)
        names = before.keys() | manifest.tables.keys()
        _foreign_free(self.files, names, before)
        if copy_on_write.needed(self.files, manifest):
            copy_on_write.publish(self.files, before, manifest, reports or {})
            switch.retire(self.files)
            return
        _only_listed(self.files, names, manifest.files)
        switch.publish(self.files, names, reports or {}, manifest_file.encode(manifest))


@contextmanager
def hold(files: Files, claim: Claim, owner: Owner, *, fresh: bool = False) -> Iterator[Store]:
    """Hold a destination for one run: lock it, finish what a dead run was publishing, and see whose work lies there.

    With `fresh`, unfinished work is thrown away, and a dataset of another request may be replaced, and one whose
    manifest cannot be read. Raises StoreError for a destination that is in use, UsageError for one that is not ours or
    holds what `fresh` would throw away.
    """
    _ours(files)
    with lock.held(files, owner) as held:
        finish(files, fresh=fresh)
        if fresh:
            switch.retire(files)
        _same_dataset(files, claim, fresh=fresh)
        _same_work(files, claim)
        yield Store(files, fresh=fresh, held=held)


def read_manifest(files: Files) -> Manifest | None:
    """Return the manifest of the dataset at a destination, if there is one; ManifestError if it is wrong."""
    if not files.exists(paths.MANIFEST):
        return None
    return manifest_file.decode(files.read(paths.MANIFEST), f"{files.name}/{paths.MANIFEST}")


def _before(files: Files, *, fresh: bool) -> Mapping[str, TableFacts]:
    """Return the tables of the dataset to be replaced, by the names of their files where the manifest lacks some."""
    if fresh and not (files.exists(paths.MANIFEST) and manifest_file.is_proof(files.read(paths.MANIFEST))):
        return recovery.listed(files)
    manifest = read_manifest(files)
    tables = manifest.tables if manifest else {}
    return recovery.listed(files) if fresh and strangers(files, tables, every_file(tables)) else tables


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
    if switch.is_under_way(files):
        raise switch.half_published(files)
    return manifest


def finish(files: Files, *, fresh: bool = False) -> None:
    """Finish or undo what a dead run was publishing; `fresh` discards a journal that cannot be followed."""
    try:
        if copy_on_write.recover(files):
            switch.retire(files)
        switch.finish(files)
    except JournalError:
        if not fresh:
            raise
        files.remove(paths.NOTE)
        switch.retire(files)
    files.remove(paths.SPENT)
    for key in files.listing("") if files.renames else ():
        if TEMPORARY.fullmatch(PurePosixPath(key).name):
            files.remove(key)


def strangers(files: Files, tables: Iterable[str], listed: Iterable[DataFile]) -> list[str]:
    """Name the files in table folders that the manifest does not list."""
    known = {file.path for file in listed}
    return [key for table in sorted(tables) for key in files.listing(table) if key not in known]


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
    work = _WORK.read(files, paths.PLAN)
    if work is None or work.over != _digest(files):  # never planned, or the dataset has moved on
        switch.retire(files)
        return
    ours = _WORK.decode(_WORK.encode(replace(work, claim=claim)), "").claim
    if differing := [each.name for each in fields(Claim) if getattr(work.claim, each.name) != getattr(ours, each.name)]:
        raise UsageError(
            f"{files.name} holds unfinished work that differs in {', '.join(differing)}",
            fix="run that one again to finish it, or throw it away with --fresh",
        )
