"""The manifest: the proof of a dataset, as values. Its documentation is rendered from the types.

Pure. `manifest_build` makes one from a finished run; `manifest_file` reads, checks and writes its bytes; `verify`
compares it with the dataset's other files. An optional member that is absent is `UNSET`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from etl.api.window import Window
from etl.completeness.verdict import FacetCheck, IncludedTally, Move, State, Tally
from etl.schema.declarations import Dialect, Type

FORMAT_VERSION: Literal[1] = 1
MOST = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""
Count = Annotated[int, Meta(ge=0, le=MOST)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a table; `path` is relative to the destination."""

    path: Annotated[str, Meta(description="Path below the destination.")]
    rows: Annotated[Count, Meta(description="Number of rows.")]
    bytes: Annotated[Count, Meta(description="Size in bytes.")]
    sha256: Annotated[Sha256, Meta(description="SHA-256 in hexadecimal.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: Annotated[str, Meta(description="Name of the column.")]
    type: Annotated[Type, Meta(description="Type of its values.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaLog:
    """The log that makes a table's Parquet files a Delta table."""

    id: Annotated[str, Meta(description="Id of the Delta table.")]
    log: Annotated[tuple[DataFile, ...], Meta(description="Commits in order.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table of a dataset: `key` is the column that names the record, `of` the main table that has the record."""

    rows: Annotated[Count, Meta(description="Number of rows.")]
    key: Annotated[str, Meta(description="Column with the key of the record.")]
    of: Annotated[str, Meta(description="Main table of the record.")]
    columns: Annotated[tuple[Column, ...], Meta(description="Columns in the order of the files.")]
    files: Annotated[tuple[DataFile, ...], Meta(description="Data files.")]
    delta: Annotated[DeltaLog, Meta(description="Delta log, if the format delta was requested.")] | UnsetType = UNSET

    @classmethod
    def of_files(cls, columns: Sequence[Column], files: Sequence[DataFile], *, key: str, of: str) -> "TableFacts":
        """Describe a table by its files; where there are several formats, each holds all rows."""
        ordered = tuple(sorted(files, key=lambda file: file.path))
        return cls(rows=rows_of(ordered), key=key, of=of, columns=tuple(columns), files=ordered)

    @property
    def commits(self) -> tuple[DataFile, ...]:
        """The files of its log."""
        return self.delta.log if self.delta else ()


def rows_of(files: Sequence[DataFile]) -> int:
    """Count the rows of a table's files, those of one format."""
    suffix = PurePosixPath(files[0].path).suffix if files else ""
    return sum(file.rows for file in files if file.path.endswith(suffix))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWindow:
    """The window of a request."""

    by: Annotated[str, Meta(description="Date to which the bounds apply.")]
    start: Annotated[int | None, Meta(description="First second, inclusive, since 1970; null is open.")]
    end: Annotated[int | None, Meta(description="End, exclusive, in seconds since 1970; null is open.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request that a dataset answers."""

    resource: Annotated[str, Meta(description="Requested resource.")]
    of: Annotated[str, Meta(description="Record whose activities or media were requested; empty if none.")]
    filters: Annotated[Mapping[str, str], Meta(description="Filters by name.")]
    query: Annotated[str, Meta(description="Search text; empty if none.")]
    include: Annotated[tuple[str, ...], Meta(description="Related records to include.")]
    window: Annotated[RequestWindow, Meta(description="Window of the request.")]
    detail: Annotated[bool, Meta(description="Whether the API's detail view was requested.")]
    tables: Annotated[tuple[str, ...], Meta(description="Requested tables; all if empty.")]
    limit: Annotated[Count, Meta(description="Requested size of a sample.")] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums over all slices."""

    expected_before: Annotated[Count | None, Meta(description="Total of the query in the API before the fetch.")]
    expected_after: Annotated[Count | None, Meta(description="Total of the query in the API after the fetch.")]
    received: Annotated[
        Count, Meta(description="Records received; after a sync, the records of the dataset that it compared.")
    ]
    unique: Annotated[Count, Meta(description="Distinct records: the rows of the main table.")]
    duplicates: Annotated[Count, Meta(description="Records that arrived more than once and are kept once.")]
    rejects: Annotated[Count, Meta(description="Values and records that fit no column, kept in `_etl/rejects`.")]


COUNTED = ("key", "window", "expected_before", "expected_after", "received", "unique", "attempts", "recent")
"""The members that a slice shares with its tally."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceFacts:
    """The counts of one slice, and its verdict."""

    key: Annotated[str, Meta(description="Key of the slice.")]
    window: Annotated[
        Window,
        Meta(description="Creation dates of its records: start <= created < end, in seconds since 1970; null is open."),
    ]
    expected_before: Annotated[
        Count | None,
        Meta(description="Total of the slice in the API before the fetch; null if the API has none."),
    ]
    expected_after: Annotated[Count | None, Meta(description="Total of the slice in the API after the fetch.")]
    received: Annotated[
        Count, Meta(description="Records received; after a sync, the records of the dataset that it compared.")
    ]
    unique: Annotated[Count, Meta(description="Distinct records among them.")]
    verdict: Annotated[State, Meta(description="Verdict of the slice.")]
    attempts: Annotated[Count, Meta(description="Number of times the slice was fetched.")]
    recent: Annotated[
        Count,
        Meta(description="Distinct records that changed at or after `as_of`, expected as they came."),
    ] = 0

    @property
    def tally(self) -> Tally:
        """The counts without the verdict."""
        plain = {name: getattr(self, name) for name in COUNTED}
        for name in ("expected_before", "expected_after"):
            plain[name] = None if plain[name] is None else plain[name] - self.recent
        return Tally(**plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An attribute without a column."""

    path: Annotated[str, Meta(description="Path of the attribute.")]
    count: Annotated[Count, Meta(description="Number of records with it.")]
    example: Annotated[str, Meta(description="Id of a record with it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One sync since the last full export."""

    run_id: Annotated[str, Meta(description="Run id of the sync.")]
    after: Annotated[str, Meta(description="Run id of the run that it follows.")]
    path: Annotated[str, Meta(description="Feed of changes: one row per record that was added, changed or withdrawn.")]
    received: Annotated[Count, Meta(description="Records received by the sync.")]
    duplicates: Annotated[Count, Meta(description="Records that arrived more than once.")]
    added: Annotated[Count, Meta(description="Added records.")]
    changed: Annotated[Count, Meta(description="Changed records.")]
    withdrawn: Annotated[Count, Meta(description="Withdrawn records.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFileOrigin:
    """The data file that an ingest read."""

    name: Annotated[str, Meta(description="Name of the file or folder.")]
    fingerprint: Annotated[str, Meta(description="Hash of its checksums, or of the names of its parts if it has none.")]
    parts: Annotated[Count, Meta(description="Number of parts.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOrigin:
    """The dataset whose records an ingest read."""

    name: Annotated[str, Meta(description="Location of the dataset.")]
    run_id: Annotated[str, Meta(description="Run that made it or last updated it.")]
    raw: Annotated[bool, Meta(description="Whether raw records (`--keep-raw`) were read, or NDJSON files.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The proof of a dataset, in _etl/manifest.json."""

    format_version: Annotated[Literal[1], Meta(description="Version of the layout of dataset and manifest.")]
    resource: Annotated[str, Meta(description="Exported resource.")]
    dialect: Annotated[Dialect, Meta(description="Generation of the API.")]
    schema_version: Annotated[str, Meta(description="Version of the resource's tables; it changes with their columns.")]
    request: Annotated[Request, Meta(description="Request that the dataset answers.")]
    fingerprint: Annotated[
        str, Meta(description="Hash of the request and the tables' version; only the same can be resumed or synced.")
    ]
    partition_by: Annotated[tuple[str, ...], Meta(description="Columns that become folders.")]
    formats: Annotated[
        tuple[str, ...], Meta(description="Formats of the data files; each holds all rows.", min_length=1)
    ]
    run_id: Annotated[str, Meta(description="Id of the run that made or last updated the dataset.")]
    started: Annotated[str, Meta(description="Start of the run, UTC.")]
    finished: Annotated[str, Meta(description="End of the run, UTC.")]
    base_url: Annotated[str, Meta(description="Root URL of the API.")]
    seconds: Annotated[float, Meta(description="Duration of the run in seconds.", ge=0)]
    requests: Annotated[Count, Meta(description="Number of requests.")]
    retries: Annotated[Count, Meta(description="Number of retries among them.")]
    bytes_downloaded: Annotated[Count, Meta(description="Bytes received, as compressed.")]
    verdict: Annotated[State, Meta(description="Whether all records that the API counts are here.")]
    reasons: Annotated[tuple[str, ...], Meta(description="Reasons for the verdict, if it is not complete.")]
    totals: Annotated[Totals, Meta(description="Counts of all slices together.")]
    slices: Annotated[
        tuple[SliceFacts, ...], Meta(description="Slices: the parts of the query that were fetched and proved as one.")
    ]
    tables: Annotated[Mapping[str, TableFacts], Meta(description="Tables by name.")]
    included: Annotated[Mapping[str, IncludedTally], Meta(description="Counts of included records by type.")]
    facets: Annotated[tuple[FacetCheck, ...], Meta(description="Comparison of the API's facets with the tables.")]
    missing: Annotated[tuple[str, ...], Meta(description="Records that the API counts but did not deliver.")]
    absent: Annotated[
        tuple[str, ...],
        Meta(description="Records requested by id that the API does not have or does not show."),
    ] = ()
    moved: Annotated[
        tuple[Move, ...],
        Meta(description="Records that were created, changed or withdrawn at or after `as_of`, the first 10,000."),
    ]
    as_of: Annotated[
        str | None,
        Meta(
            description="Moment of the server's clock, UTC: what last changed before it is complete, later changes may"
            " be here or not; null if the records come from no API."
        ),
    ] = None
    watermark: Annotated[str | None, Meta(description="Time up to which the dataset is known to be complete, UTC.")]
    schema_drift: Annotated[
        tuple[Drift, ...], Meta(description="Attributes without a column, kept in the column `extra`.")
    ]
    changes: (
        Annotated[
            tuple[Change, ...],
            Meta(description="Syncs since the last full export; written by `sync`.", min_length=1),
        ]
        | UnsetType
    ) = UNSET
    metrics: (
        Annotated[
            str,
            Meta(description="Time of the last refresh of counts, UTC; written by `sync --metrics`."),
        ]
        | UnsetType
    ) = UNSET
    data_file: (
        Annotated[DataFileOrigin, Meta(description="The data file; written by `ingest` of a data file.")] | UnsetType
    ) = UNSET
    dataset: (
        Annotated[
            DatasetOrigin,
            Meta(description="The dataset that kept the records; written by `ingest` of a dataset."),
        ]
        | UnsetType
    ) = UNSET

    @property
    def main(self) -> str:
        """The table with one row per requested record."""
        return self.resource.replace("/", "_").replace("-", "_")

    @property
    def history(self) -> tuple[Change, ...]:
        """The syncs since the last full export."""
        return self.changes or ()

    @property
    def files(self) -> list[DataFile]:
        """All files in the folders of tables, the logs' too."""
        return every_file(self.tables)


def every_file(tables: Mapping[str, TableFacts]) -> list[DataFile]:
    """Return all files of the tables, data files first."""
    data = [file for facts in tables.values() for file in facts.files]
    return data + [file for facts in tables.values() for file in facts.commits]
