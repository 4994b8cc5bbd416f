"""What a dataset holds, file by file, and what of it differs from what was loaded somewhere before.

Records and their rows in all tables lie in files of the same *place* (folder and part), so a record can only have
changed where a file of its place has. Reads manifests and data files; databases are the matter of `warehouses`.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from etl.dataset import checksums, manifest_file, relations, store
from etl.dataset.manifest import DataFile, Manifest
from etl.dataset.relations import Relation
from etl.errors import UsageError
from etl.records.flatten import DTYPES
from etl.storage import formats, paths
from etl.storage.files import Files

_FORMATS = (".parquet", ".csv", ".ndjson")
"""From the format that is read fastest to the slowest; every one holds all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was loaded once: by table its columns and the hashes of its files by path."""

    run_id: str
    digest: str
    fingerprint: str
    columns: Mapping[str, list[str]]
    files: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Inventory:
    """A dataset that is to be loaded."""

    files: Files
    manifest: Manifest
    digest: str
    relations: tuple[Relation, ...]

    @property
    def resource(self) -> str:
        """The resource that the dataset is of."""
        return self.manifest.resource

    @property
    def main(self) -> str:
        """The table with a row for each record that was asked for."""
        return self.manifest.main

    def data_files(self, table: str) -> list[DataFile]:
        """Return a table's files in the one format that is read."""
        found = self.manifest.tables[table].files
        suffixes = {PurePosixPath(file.path).suffix for file in found}
        chosen = next((suffix for suffix in _FORMATS if suffix in suffixes), "")
        return [file for file in found if file.path.endswith(chosen)]

    def rows(self, table: str) -> int:
        """Return how many rows the manifest says a table has."""
        return self.manifest.tables[table].rows

    def contents(self) -> Contents:
        """Return what a load of this dataset has to remember."""
        return Contents(
            run_id=self.manifest.run_id,
            digest=self.digest,
            fingerprint=self.manifest.fingerprint,
            columns={one.name: [f"{field.name} {field.type}" for field in one.columns] for one in self.relations},
            files={one.name: {file.path: file.sha256 for file in self.data_files(one.name)} for one in self.relations},
        )

    def frames(self, relation: Relation, files: Iterable[DataFile]) -> Iterator[pl.DataFrame]:
        """Read whole files of a table, partition columns included; StoreError for one that has changed."""
        for file in files:
            yield self._frame(relation, file, relation.names)

    def keys(self, relation: Relation) -> Iterator[pl.DataFrame]:
        """Read the keys of all rows of a table."""
        for file in self.data_files(relation.name):
            yield self._frame(relation, file, (relation.record,))

    def _frame(self, relation: Relation, file: DataFile, names: Iterable[str]) -> pl.DataFrame:
        content = checksums.content(self.files, file)
        folders = paths.partition(file.path)
        kinds: dict[str, pl.DataType] = {field.name: DTYPES[field.type] for field in relation.columns}
        stored = [name for name in names if name not in folders]
        sink = formats.load(PurePosixPath(file.path).suffix.removeprefix("."))
        values = [pl.lit(folders[name], pl.String).cast(kinds[name]).alias(name) for name in names if name in folders]
        with checksums.explained(self.files, [file]):
            frame = sink.read(io.BytesIO(content), {name: kinds[name] for name in stored}, stored)
            return frame.with_columns(values).select(names)


def open_dataset(files: Files) -> Inventory:
    """Read the manifest of a dataset; StoreError if there is none or it is half-way to a new one."""
    manifest = store.manifest_of_one(files)
    if set(manifest.formats) == {formats.LINES}:
        raise UsageError(
            f"{files.name} holds records as received (NDJSON) and no tables",
            fix="export it as parquet too, or make tables of DOIs: datacite-etl ingest",
        )
    digest = hashlib.sha256(manifest_file.encode(manifest)).hexdigest()
    return Inventory(files, manifest, digest, relations.of_dataset(manifest))


def grown(before: Contents, now: Contents) -> bool:
    """Return whether what was loaded is still there, with the same columns; tables may have come, as tombstones do."""
    return all(now.columns.get(name) == columns for name, columns in before.columns.items())


def changed_places(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Return the places of one table at which files came, went or changed."""
    return {paths.place(path) for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
