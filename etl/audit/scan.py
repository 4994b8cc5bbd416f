"""An exported dataset as lazy frames: all of it, or one place, which has all rows of its records.

A place is a part of a run within a partition, at most some hundred thousand records. Rules about single records run
place by place, so that memory does not grow with the dataset.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import unquote

import polars as pl

from etl.audit.words import Tables
from etl.dataset.manifest import Column, Manifest
from etl.errors import StoreError, UsageError
from etl.storage import paths as places
from etl.storage.formats.csv import cast_text

_DTYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}
_FORMATS = (".parquet", ".csv")
Schema = Mapping[str, pl.DataType]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The files of each table in one format, and the types of their columns."""

    root: str
    options: Mapping[str, str]
    files: Mapping[str, tuple[str, ...]]
    schemas: Mapping[str, Schema]
    as_of: date

    def places(self) -> list[str]:
        """Name the places that have records."""
        return sorted({places.place(path) for path in self.files["dois"]})

    def tables(self, place: str | None = None) -> Tables:
        """Return every table, or its rows of one place, as a lazy frame."""
        return with_views({name: self._frame(name, place) for name in self.schemas}, self.as_of)

    def columns(self, table: str) -> set[str]:
        """Name the columns of a table or a view; none if it was not exported."""
        if table == "creators_identified":
            both = self.columns("doi_creators") and self.columns("doi_creator_identifiers")
            return {*self.columns("doi_creators"), "orcid_valid"} if both else set()
        return {*self.schemas.get(table, ()), *({"as_of"} if table == "dois" else ())}

    def _frame(self, name: str, place: str | None) -> pl.LazyFrame:
        wanted = [path for path in self.files[name] if place is None or places.place(path) == place]
        folders = {folder: [*paths] for folder, paths in groupby(wanted, key=lambda path: path.rpartition("/")[0])}
        schema = self.schemas[name]
        parts = [
            _read([f"{self.root}/{path}" for path in paths], schema, folder, self.options)
            for folder, paths in folders.items()
        ]
        return pl.concat(parts) if parts else pl.LazyFrame(schema=dict(schema))


def open_tables(root: str, manifest: Manifest, options: Mapping[str, str]) -> Scan:
    """Find the tables of DOIs that a manifest lists; UsageError if it lists none."""
    if manifest.resource != "dois":
        raise UsageError(f"{root} holds {manifest.resource}, not DOIs", fix="audit an export of dois")
    tables = manifest.tables
    suffixes = {PurePosixPath(file.path).suffix for file in tables["dois"].files}
    suffix = next((known for known in _FORMATS if known in suffixes), None)
    if suffix is None:
        raise StoreError(f"{root} has no Parquet or CSV files", fix="export with --format parquet")
    return Scan(
        root=root,
        options=options,
        files={name: tuple(f.path for f in facts.files if f.path.endswith(suffix)) for name, facts in tables.items()},
        schemas={name: _schema(facts.columns) for name, facts in tables.items()},
        as_of=_day(manifest.finished),
    )


def with_views(tables: Tables, as_of: date) -> Tables:
    """Add what declarations may also use: the day of the dataset, and creators with their ORCID iDs."""
    dated = {**tables, "dois": tables["dois"].with_columns(as_of=pl.lit(as_of))}
    if {"doi_creators", "doi_creator_identifiers"} <= tables.keys():
        return {**dated, "creators_identified": _identified(tables)}
    return dated


def _schema(columns: Iterable[Column]) -> Schema:
    return {column.name: _DTYPES.get(column.type, pl.String()) for column in columns}


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(UTC).date()


def _read(paths: list[str], schema: Schema, folder: str, options: Mapping[str, str]) -> pl.LazyFrame:
    """Read files of one folder, whose name has the values of the partition columns."""
    partition = {
        name: None if value == places.NULL else unquote(value)
        for name, equals, value in (part.partition("=") for part in folder.split("/")[1:])
        if equals
    }
    within = {name: dtype for name, dtype in schema.items() if name not in partition}
    constants = [
        pl.lit(value, pl.String()).cast(schema[name]).alias(name) for name, value in partition.items() if name in schema
    ]
    return _files(paths, within, dict(options) or None).with_columns(constants).select(*schema)


def _files(paths: list[str], schema: Schema, options: dict[str, str] | None) -> pl.LazyFrame:
    if paths[0].endswith(".parquet"):
        return pl.scan_parquet(paths, hive_partitioning=False, glob=False, storage_options=options)
    text = pl.scan_csv(paths, infer_schema=False, glob=False, storage_options=options)
    return text.select(cast_text(pl.col(name), dtype).alias(name) for name, dtype in schema.items())


def _identified(tables: Tables) -> pl.LazyFrame:
    """Add to each creator whether one of the identifiers is a valid ORCID iD."""
    right = tables["doi_creator_identifiers"].filter(pl.col("orcid_valid")).select("doi", position="creator_position")
    marked = right.unique().with_columns(orcid_valid=pl.lit(value=True))
    return tables["doi_creators"].join(marked, on=["doi", "position"], how="left")
