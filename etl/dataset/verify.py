"""Does a dataset still hold what its manifest says? Every file is read again: presence, bytes, hash, rows, keys.

Reads only, and needs no network: the manifest says which columns are keys. What the API says
today is asked elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl
import pyarrow as pa

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
    """One thing that is not as the manifest says; `path` is a file's or a table's."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was read and what was found; no findings, no damage."""

    files: int
    rows: int
    bytes: int
    verdict: str
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Return whether everything is as the manifest says."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Read:
    """One column of one file, or why it could not be read."""

    keys: pl.Series
    problem: str = ""


def verify(files: Files) -> Verification:
    """Read a dataset again and compare it with its manifest; StoreError if there is no dataset."""
    manifest = store.manifest_of_one(files)
    tables = {name: facts.files for name, facts in manifest.tables.items()}
    listed = [file for found in tables.values() for file in found]
    every = manifest.files
    found = [finding for file in every for finding in _bytes(files, file)]
    unexpected = [key for key in store.strangers(files, tables, every) if key not in copy_on_write.pending(files)]
    found += [Finding(path=key, problem="is not part of this dataset") for key in unexpected]
    found += _logs(files, manifest)
    found += _sums(manifest)
    broken = {finding.path for finding in found}
    whole = {name: [file for file in each if file.path not in broken] for name, each in tables.items()}
    for main in sorted({facts.of for facts in manifest.tables.values()}):
        for suffix in sorted({_suffix(file) for file in listed}):
            found += _Family(files, manifest, whole, main, suffix).findings()
    return Verification(
        files=len(every),
        rows=sum(facts.rows for facts in manifest.tables.values()),
        bytes=sum(file.bytes for file in every),
        verdict=manifest.verdict,
        findings=tuple(found),
    )


def _bytes(files: Files, file: DataFile) -> Iterator[Finding]:
    if found := checksums.problem(files, file):
        yield Finding(path=file.path, problem=found)


def _logs(files: Files, manifest: Manifest) -> Iterator[Finding]:
    """Compare what the log of each Delta table says the table consists of with the manifest."""
    for name, facts in manifest.tables.items():
        if any(not files.exists(file.path) for file in facts.commits):  # a finding already
            continue
        listed = {file.path: file.bytes for file in facts.files if file.path.endswith(delta_log.PARQUET)}
        if facts.delta and listed != delta_log.active(name, [files.read(file.path) for file in facts.commits]):
            yield Finding(path=f"{name}/_delta_log", problem="lists other files than the manifest")


def _sums(manifest: Manifest) -> Iterator[Finding]:
    """Compare the manifest with itself: a table's rows with those of its files, for every format."""
    for name, facts in manifest.tables.items():
        for suffix in sorted({_suffix(file) for file in facts.files}):
            rows = sum(file.rows for file in facts.files if _suffix(file) == suffix)
            if rows != facts.rows:
                problem = f"the manifest says {counted(facts.rows, 'row')}, but {rows:,} in its {suffix} files"
                yield Finding(path=name, problem=problem)


class _Family:
    """A main table and its children in one format. State: `_astray`, parents not found where they should be."""

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
        """Read all files of the family, those of one place together, so that few keys are in memory."""
        found = [finding for place in sorted(self._places()) for finding in self._place(place)]
        return [*found, *self._twice(), *self._orphans()]

    def _places(self) -> set[str]:
        return {paths.place(file.path) for files in self._tables.values() for file in files}

    def _place(self, place: str) -> Iterator[Finding]:
        parents = pl.Series("hash", dtype=pl.UInt64)
        for name in [self._main, *(name for name in self._tables if name != self._main)]:
            for file in self._tables[name]:
                if paths.place(file.path) == place:
                    column = self._read(file, self._keys[name])
                    yield from _column(file, column)
                    if name == self._main:
                        parents = pl.concat([parents, hashes(column.keys)])
                    else:
                        self._stray(name, hashes(column.keys).unique(), parents)

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
        return (self._read(file, self._keys[self._main]).keys for file in self._tables[self._main])

    def _read(self, file: DataFile, column: str) -> _Read:
        try:
            with self._files.open(file.path) as source:
                keys = self._sink.read(source, {column: pl.String()}, [column]).to_series()
        except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
            return _Read(pl.Series(dtype=pl.String), f"cannot be read: {error}")
        short = len(keys) != file.rows
        return _Read(keys, f"has {counted(len(keys), 'row')}, the manifest says {file.rows:,}" if short else "")


def _reads(resource: str, main: str, suffix: str) -> Reads:
    """Choose who reads the files of a main table: lines are records where they were asked for, and rows elsewhere."""
    if suffix == ndjson.SUFFIX and (asked := resources.load(resource)).main.name == main:
        return ndjson.Lines(asked)
    return formats.load(suffix.removeprefix("."))


def _column(file: DataFile, column: _Read) -> Iterator[Finding]:
    if column.problem:
        yield Finding(path=file.path, problem=column.problem)
    if nulls := column.keys.null_count():
        yield Finding(path=file.path, problem=f"has {counted(nulls, 'row')} without a key")


def _suffix(file: DataFile) -> str:
    return PurePosixPath(file.path).suffix
