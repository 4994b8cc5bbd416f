"""Compare a dataset with its manifest: the presence, size, hash, rows and keys of every file.

This only reads, and needs no network. `remote_totals` compares the dataset with the API.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from etl import resources
from etl.dataset import checksums, copy_on_write, delta_log, store
from etl.dataset.manifest import DataFile, Manifest
from etl.events import counted
from etl.records import ndjson
from etl.records.duplicates import hashes, repeated
from etl.storage import formats, paths
from etl.storage.files import Files
from etl.storage.formats import Reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference from the manifest; `path` names a file or a table."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The files read, and the findings: without any, the dataset is intact."""

    files: int
    rows: int
    bytes: int
    verdict: str
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything is as the manifest says."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Read:
    """The hashes of a file's keys, without duplicates, and what is wrong with the file."""

    hashes: pl.Series
    findings: tuple[Finding, ...] = ()


def verify(files: Files) -> Verification:
    """Read a dataset again and compare it with its manifest; StoreError if there is no dataset."""
    manifest = store.readable_manifest(files)
    tables = {name: facts.files for name, facts in manifest.tables.items()}
    listed = [file for listed_files in tables.values() for file in listed_files]
    every = manifest.files
    findings = [finding for file in every for finding in _bytes(files, file)]
    unexpected = [
        key for key in store.unexpected_files(files, tables, every) if key not in copy_on_write.pending_files(files)
    ]
    findings += [Finding(path=key, problem="is not part of this dataset") for key in unexpected]
    findings += _logs(files, manifest)
    findings += _sums(manifest)
    broken = {finding.path for finding in findings}
    whole = {name: [file for file in listed_files if file.path not in broken] for name, listed_files in tables.items()}
    for main in sorted({facts.of for facts in manifest.tables.values()}):
        for suffix in sorted({_suffix(file) for file in listed}):
            findings += _Family(files, manifest, whole, main, suffix).findings()
    return Verification(
        files=len(every),
        rows=sum(facts.rows for facts in manifest.tables.values()),
        bytes=sum(file.bytes for file in every),
        verdict=manifest.verdict,
        findings=tuple(findings),
    )


def _bytes(files: Files, file: DataFile) -> Iterator[Finding]:
    if problem := checksums.problem(files, file):
        yield Finding(path=file.path, problem=problem)


def _logs(files: Files, manifest: Manifest) -> Iterator[Finding]:
    """Compare the files in the log of each Delta table with the manifest."""
    for name, facts in manifest.tables.items():
        if any(not files.exists(file.path) for file in facts.commits):  # a finding already
            continue
        listed = {file.path: file.bytes for file in facts.files if file.path.endswith(delta_log.PARQUET)}
        try:
            active = delta_log.active_files(name, [files.read(file.path) for file in facts.commits])
        except ValueError as error:
            yield Finding(path=f"{name}/_delta_log", problem=f"is damaged: {error}")
        else:
            if facts.delta and listed != active:
                yield Finding(path=f"{name}/_delta_log", problem="lists other files than the manifest")


def _sums(manifest: Manifest) -> Iterator[Finding]:
    """Check that the rows of a table are the sum over its files, in every format."""
    for name, facts in manifest.tables.items():
        for suffix in sorted({_suffix(file) for file in facts.files}):
            rows = sum(file.rows for file in facts.files if _suffix(file) == suffix)
            if rows != facts.rows:
                problem = f"the manifest says {counted(facts.rows, 'row')}, but {rows:,} in its {suffix} files"
                yield Finding(path=name, problem=problem)


class _Family:
    """A main table and its children in one format. State: `_astray`, hashes of parents that are not in their place."""

    def __init__(
        self, files: Files, manifest: Manifest, tables: Mapping[str, Sequence[DataFile]], main: str, suffix: str
    ) -> None:
        self._files = files
        self._main = main
        self._sink = _reads(manifest.resource, main, suffix)
        self._keys: dict[str, str] = {name: facts.key for name, facts in manifest.tables.items() if facts.of == main}
        self._tables = {name: [file for file in tables[name] if _suffix(file) == suffix] for name in self._keys}
        self._astray: dict[str, pl.Series] = {}

    def findings(self) -> list[Finding]:
        """Read all files of the family, place by place, so that few keys are in memory."""
        read = [finding for place in sorted(self._places()) for finding in self._place(place)]
        return [*read, *self._twice(), *self._orphans()]

    def _places(self) -> set[str]:
        return {paths.place(file.path) for files in self._tables.values() for file in files}

    def _place(self, place: str) -> Iterator[Finding]:
        parents = pl.Series("hash", dtype=pl.UInt64)
        for name in [self._main, *(name for name in self._tables if name != self._main)]:
            for file in self._tables[name]:
                if paths.place(file.path) == place:
                    column = self._read(file, self._keys[name])
                    yield from column.findings
                    if name == self._main:
                        parents = pl.concat([parents, column.hashes])
                    else:
                        self._stray(name, column.hashes, parents)

    def _stray(self, name: str, children: pl.Series, parents: pl.Series) -> None:
        lost = children.filter(~children.is_in(parents.implode()))
        if len(lost):
            self._astray[name] = pl.concat([self._astray[name], lost]) if name in self._astray else lost

    def _twice(self) -> Iterator[Finding]:
        total = sum(file.rows for file in self._tables[self._main])
        again = repeated(self._main_keys, total)
        if len(again):
            yield Finding(
                path=self._main, problem=f"{counted(len(again), 'duplicate value')} of {self._keys[self._main]}"
            )

    def _orphans(self) -> Iterator[Finding]:
        for name, lost in self._astray.items():
            left = lost.unique()
            for keys in self._main_keys():
                left = left.filter(~left.is_in(hashes(keys).implode()))
            if len(left):
                yield Finding(
                    path=name, problem=f"{counted(len(left), 'value')} of {self._keys[name]} not in {self._main}"
                )

    def _main_keys(self) -> Iterator[pl.Series]:
        for file in self._tables[self._main]:
            with suppress(*checksums.UNREADABLE):  # a finding already
                yield from self._pieces(file, self._keys[self._main])

    def _read(self, file: DataFile, column: str) -> _Read:
        rows = nulls = 0
        distinct = [pl.Series("hash", dtype=pl.UInt64)]
        try:
            for keys in self._pieces(file, column):
                rows += len(keys)
                nulls += keys.null_count()
                distinct.append(hashes(keys).unique())
        except checksums.UNREADABLE as error:
            return _Read(distinct[0], (Finding(path=file.path, problem=f"cannot be read: {error}"),))
        problems = [f"has {counted(rows, 'row')}, the manifest says {file.rows:,}"] if rows != file.rows else []
        problems += [f"has {counted(nulls, 'row')} without a key"] if nulls else []
        findings = tuple(Finding(path=file.path, problem=problem) for problem in problems)
        return _Read(pl.concat(distinct).unique(), findings)

    def _pieces(self, file: DataFile, column: str) -> Iterator[pl.Series]:
        with self._files.open(file.path) as source:
            for piece in self._sink.read_pieces(source, {column: pl.String()}, [column]):
                yield piece.to_series()


def _reads(resource: str, main: str, suffix: str) -> Reads:
    """Choose the reader of a main table: lines of the requested resource are records, other lines are rows."""
    if suffix == ndjson.SUFFIX and (asked := resources.load(resource)).main.name == main:
        return ndjson.Lines(asked)
    return formats.load(suffix.removeprefix("."))


def _suffix(file: DataFile) -> str:
    return PurePosixPath(file.path).suffix
