"""The destination of a dataset: its lock, its unfinished work, and the switch from staged to published.

Other modules decide what is in the files. A switch is recorded before it begins, and the next run finishes it if this
one dies, so that a dataset is always the old one or the new one.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath

from etl.api import window
from etl.completeness.verdict import Tally
from etl.dataset import copy_on_write, manifest_file, recovery, switch
from etl.dataset.manifest import DataFile, Manifest, TableFacts, every_file
from etl.dataset.manifest_build import as_request
from etl.dataset.recovery import JournalError
from etl.dataset.request import EXPORT, PURPOSES
from etl.errors import StoreError, UsageError
from etl.schema.declarations import Json
from etl.storage import lock, paths
from etl.storage.directories import TEMPORARY
from etl.storage.files import Files
from etl.storage.json_files import JsonFile
from etl.storage.lock import Lock, Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a run writes to a destination; work that began under another claim cannot be resumed."""

    request: Mapping[str, Json]
    fingerprint: str
    base_url: str
    formats: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    keep_raw: bool = False
    purpose: str = EXPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The outcome of one slice; its presence means that all pages are staged.

    `missing` are records that the API could not deliver.
    """

    tally: Tally
    pages: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedWork:
    """Unfinished work: its claim, plan and start, and the published dataset it replaces (hash of the manifest)."""

    claim: Claim
    plan: Json
    started: float | None = None
    over: str | None = None


_WORK = JsonFile(UnfinishedWork)
_RECEIPT = JsonFile(Receipt)


class Store:
    """A destination held by this run. State: none; everything is on the disk.

    With `fresh` it may replace any dataset, even one with an unreadable manifest. `notes` say what became of the
    unfinished work of other runs.
    """

    def __init__(
        self, files: Files, *, fresh: bool = False, held: Lock | None = None, notes: tuple[str, ...] = ()
    ) -> None:
        self.files = files
        self.notes = notes
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
        """Record the work and its start; from here on it can be resumed."""
        work = UnfinishedWork(claim=claim, plan=plan, started=started, over=_digest(self.files))
        _WORK.write(self.files, paths.PLAN, work)

    def started(self) -> float | None:
        """Return the start of the unfinished work, by whichever run; None if unknown."""
        work = _WORK.read(self.files, paths.PLAN)
        return work.started if work else None

    def receipt(self, key: str) -> Receipt | None:
        """Return a slice's receipt, if it is done."""
        return _RECEIPT.read(self.files, paths.slice_receipt(key))

    def commit(self, receipt: Receipt) -> None:
        """Write a slice's receipt: it is done."""
        _RECEIPT.write(self.files, paths.slice_receipt(receipt.tally.key), receipt)

    def discard(self, key: str) -> None:
        """Remove a slice with its pages, so that it is fetched again."""
        self.files.remove(paths.slice_folder(key))

    def give_up(self) -> None:
        """Discard the work, so that the next run starts over."""
        switch.retire(self.files)

    def report(self, name: str, content: bytes) -> None:
        """Write a report of a run that publishes nothing."""
        self.files.write(f"{paths.OWN}/{name}", content)

    def keep(self, path: str) -> None:
        """Link a published data file into the staged dataset."""
        self.files.link(path, paths.staged(path))

    def publish(self, manifest: Manifest, reports: Mapping[str, bytes] | None = None) -> None:
        """Switch to the staged dataset that the manifest describes, and remove the previous one."""
        if self._held and not self._held.is_held():
            raise StoreError(
                f"{self.files.name} is no longer held by this run", fix="find out which run holds it, then run again"
            )
        before = _replaced_tables(self.files, fresh=self._fresh)
        names = before.keys() | manifest.tables.keys()
        _check_unexpected(self.files, names, before)
        if copy_on_write.is_needed(self.files, manifest):
            copy_on_write.publish(self.files, before, manifest, reports or {})
            switch.retire(self.files)
            return
        _check_staged(self.files, names, manifest.files)
        switch.publish(self.files, names, reports or {}, manifest_file.encode(manifest))


@contextmanager
def hold(files: Files, claim: Claim, owner: Owner, *, fresh: bool = False) -> Iterator[Store]:
    """Hold a destination for one run: lock it, finish the publication of a dead run, and check what is there.

    Unfinished work of another purpose is set aside, and stays until a run of that purpose resumes it, or until the
    dataset changes. With `fresh`, work of this purpose is discarded, and a dataset of another request or with an
    unreadable manifest may be replaced. Raises StoreError for a destination in use, UsageError for one that is not a
    dataset or holds what only `fresh` may discard.
    """
    _check_destination(files)
    with lock.hold_lock(files, owner) as held:
        finish(files, fresh=fresh)
        _check_dataset(files, claim, fresh=fresh)
        notes = (*_discard_outdated(files), *_make_way(files, claim.purpose, fresh=fresh))
        _check_work(files, claim)
        yield Store(files, fresh=fresh, held=held, notes=notes)


def read_manifest(files: Files) -> Manifest | None:
    """Return the manifest of the dataset at a destination, if there is one; ManifestError if it is invalid."""
    if not files.exists(paths.MANIFEST):
        return None
    return manifest_file.decode(files.read(paths.MANIFEST), f"{files.name}/{paths.MANIFEST}")


def _replaced_tables(files: Files, *, fresh: bool) -> Mapping[str, TableFacts]:
    """Return the tables of the dataset to replace, recognised by file names if the manifest is not enough."""
    if fresh and not (files.exists(paths.MANIFEST) and manifest_file.is_proof(files.read(paths.MANIFEST))):
        return recovery.tables_by_name(files)
    manifest = read_manifest(files)
    tables = manifest.tables if manifest else {}
    return recovery.tables_by_name(files) if fresh and unexpected_files(files, tables, every_file(tables)) else tables


def published_manifest(files: Files) -> Manifest:
    """Return the manifest of the dataset at a destination; StoreError if there is none."""
    manifest = read_manifest(files)
    if manifest is None:
        raise StoreError(f"{files.name} holds no dataset", fix="check the path, or export one there first")
    return manifest


def readable_manifest(files: Files) -> Manifest:
    """Return the manifest of a dataset to read; StoreError if there is none, or its publication is unfinished.

    After a process was killed between its renames, tables are from two datasets until the next run finishes the work.
    """
    manifest = published_manifest(files)
    if switch.is_under_way(files):
        raise switch.half_published(files)
    return manifest


def finish(files: Files, *, fresh: bool = False) -> None:
    """Finish or undo the publication of a dead run; `fresh` discards a journal that cannot be followed."""
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


def unexpected_files(files: Files, tables: Iterable[str], listed: Iterable[DataFile]) -> list[str]:
    """Name the files in table folders that the manifest does not list."""
    known = {file.path for file in listed}
    return [key for table in sorted(tables) for key in files.listing(table) if key not in known]


def _digest(files: Files) -> str | None:
    """Return the hash of the published manifest, None if there is none."""
    return hashlib.sha256(files.read(paths.MANIFEST)).hexdigest() if files.exists(paths.MANIFEST) else None


def _check_unexpected(files: Files, tables: Iterable[str], before: Mapping[str, TableFacts]) -> None:
    if unexpected := unexpected_files(files, tables, every_file(before)):
        names = ", ".join(unexpected[:3]) + (" …" if len(unexpected) > 3 else "")
        raise StoreError(
            f"{files.name} holds files that datacite-etl did not write: {names}", fix="move them elsewhere"
        )


def _check_staged(files: Files, names: Iterable[str], data: Iterable[DataFile]) -> None:
    """Check that all files of the manifest are staged, and remove other staged files of its tables.

    Whatever else is staged stays: a run that dies right after this still needs it.
    """
    listed = {paths.staged(file.path) for file in data}
    here = {key for name in names for key in files.listing(paths.staged(name))}
    if lost := sorted(listed - here):
        raise StoreError(f"staged files are missing: {', '.join(lost[:3])}", fix="run again with --fresh")
    for key in here - listed:
        files.remove(key)


def _check_destination(files: Files) -> None:
    """Refuse a folder that is not empty and was never a destination."""
    if not files.exists(paths.OWN) and not files.empty():
        raise UsageError(f"{files.name} is not empty and not a dataset", fix="choose another --to")


def _check_dataset(files: Files, claim: Claim, *, fresh: bool) -> None:
    before = _replaced_tables(files, fresh=fresh)
    _check_unexpected(files, before, before)
    manifest = None if fresh else read_manifest(files)
    if manifest is None or manifest.request == as_request(claim.request):
        return
    theirs = f"{manifest.resource}, request {manifest.fingerprint}"
    raise UsageError(
        f"{files.name} holds the dataset of another request ({theirs})",
        fix="choose another --to, or replace it with --fresh",
    )


def _discard_outdated(files: Files) -> Iterator[str]:
    """Discard work that began over another dataset: what it fetched is older than what has been published since."""
    now = _digest(files)
    for folder in (paths.WORK, *map(paths.parked, PURPOSES)):
        work = _readable_work(files, folder)
        if work is not None and work.over != now:
            switch.retire(files, folder)
            yield f"discarded {_named(work)}: the dataset has been replaced since, and its records would be older"


def _make_way(files: Files, purpose: str, *, fresh: bool) -> Iterator[str]:
    """Set work of another purpose aside, and take up that of this purpose; with `fresh`, discard it."""
    work = _readable_work(files, paths.WORK)
    if work is not None and work.claim.purpose != purpose and work.claim.purpose in PURPOSES:
        if switch.park(files, work.claim.purpose):
            yield f"set {_named(work)} aside: it can be resumed until another run publishes"
        else:
            yield f"discarded {_named(work)}: it is in an image layer, where folders cannot be renamed"
    if fresh:
        switch.retire(files)
        switch.retire(files, paths.parked(purpose))
    elif not files.exists(paths.PLAN):
        switch.unpark(files, purpose)


def _readable_work(files: Files, folder: str) -> UnfinishedWork | None:
    """Return the work in a folder; None if there is none, or its plan is damaged."""
    try:
        return _WORK.read(files, paths.plan_of(folder))
    except StoreError:
        return None


def _named(work: UnfinishedWork) -> str:
    begun = "" if work.started is None else f" of {window.iso(int(work.started))}"
    return f"the unfinished {work.claim.purpose}{begun}"


def _check_work(files: Files, claim: Claim) -> None:
    work = _WORK.read(files, paths.PLAN)
    if work is None:  # never planned
        switch.retire(files)
        return
    ours = _WORK.decode(_WORK.encode(replace(work, claim=claim)), "").claim
    if differing := [
        member.name for member in fields(Claim) if getattr(work.claim, member.name) != getattr(ours, member.name)
    ]:
        raise UsageError(
            f"{files.name} holds unfinished work that differs in {', '.join(differing)}",
            fix="run that one again to finish it, or discard it with --fresh",
        )
