"""What a dataset holds, file by file, and which files differ from those that were loaded before.

A record and its rows in all tables lie in files of the same *place* (folder and part), so a record can only have
changed if a file of its place has. This reads manifests and data files; `warehouses` knows the databases.
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
"""From the fastest format to read to the slowest; each one holds all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was loaded before: the columns of each table, and the hashes of its files by path.

    Loads by earlier versions recorded neither verdict nor server.
    """

    run_id: str
    digest: str
    fingerprint: str
    columns: Mapping[str, list[str]]
    files: Mapping[str, Mapping[str, str]]
    verdict: str = ""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """A dataset to load."""

    files: Files
    manifest: Manifest
    digest: str
    relations: tuple[Relation, ...]

    @property
    def resource(self) -> str:
        """The exported resource."""
        return self.manifest.resource

    @property
    def main(self) -> str:
        """The table with one row per requested record."""
        return self.manifest.main

    def data_files(self, table: str) -> list[DataFile]:
        """Return a table's files in the format that is read."""
        files = self.manifest.tables[table].files
        suffixes = {PurePosixPath(file.path).suffix for file in files}
        chosen = next((suffix for suffix in _FORMATS if suffix in suffixes), "")
        return [file for file in files if file.path.endswith(chosen)]

    def rows(self, table: str) -> int:
        """Return the number of rows of a table, as the manifest says."""
        return self.manifest.tables[table].rows

    def contents(self) -> Contents:
        """Return what a load of this dataset has to record."""
        return Contents(
            run_id=self.manifest.run_id,
            digest=self.digest,
            fingerprint=self.manifest.fingerprint,
            columns={
                relation.name: [f"{field.name} {field.type}" for field in relation.columns]
                for relation in self.relations
            },
            files={
                relation.name: {file.path: file.sha256 for file in self.data_files(relation.name)}
                for relation in self.relations
            },
            verdict=str(self.manifest.verdict),
            base_url=self.manifest.base_url,
        )

    def frames(self, relation: Relation, files: Iterable[DataFile]) -> Iterator[pl.DataFrame]:
        """Read files of a table piece by piece, including partition columns; StoreError for one that has changed."""
        for file in files:
            yield from self._pieces(relation, file, relation.names)

    def keys(self, relation: Relation, files: Iterable[DataFile]) -> Iterator[pl.DataFrame]:
        """Read the keys of the rows of a table's files."""
        for file in files:
            yield from self._pieces(relation, file, (relation.record,))

    def _pieces(self, relation: Relation, file: DataFile, names: Iterable[str]) -> Iterator[pl.DataFrame]:
        content = checksums.read_checked(self.files, file)
        folders = paths.partition(file.path)
        kinds: dict[str, pl.DataType] = {field.name: DTYPES[field.type] for field in relation.columns}
        stored = [name for name in names if name not in folders]
        sink = formats.load(PurePosixPath(file.path).suffix.removeprefix("."))
        values = [pl.lit(folders[name], pl.String).cast(kinds[name]).alias(name) for name in names if name in folders]
        with checksums.damage_explained(self.files, [file]):
            for piece in sink.read_pieces(io.BytesIO(content), {name: kinds[name] for name in stored}, stored):
                yield piece.with_columns(values).select(names)


def open_dataset(files: Files) -> Inventory:
    """Read the manifest of a dataset; StoreError if there is none, or its publication is unfinished."""
    manifest = store.readable_manifest(files)
    if set(manifest.formats) == {formats.LINES}:
        raise UsageError(
            f"{files.name} has no tables, only records as received (NDJSON)",
            fix="export it with --format parquet too, or make tables from it: datacite-etl ingest",
        )
    digest = hashlib.sha256(manifest_file.encode(manifest)).hexdigest()
    return Inventory(files, manifest, digest, relations.of_dataset(manifest))


def grown(before: Contents, now: Contents) -> bool:
    """Return whether all loaded tables still exist with the same columns; tables may be new, such as tombstones."""
    return all(now.columns.get(name) == columns for name, columns in before.columns.items())


def changed_places(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Return the places of one table where files were added, removed or changed."""
    return {paths.place(path) for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
