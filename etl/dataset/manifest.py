"""The manifest: the proof that lies beside a dataset, as values. Its documentation is rendered from the types.

Pure. `manifest_build` makes one of a finished run; `manifest_file` reads, checks and writes its bytes; `verify`
compares it with the dataset's other files. A member that is not always written is `UNSET` where it is not.
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
"""What every reader of JSON takes for a whole number."""
Count = Annotated[int, Meta(ge=0, le=MOST)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a table; `path` is relative to the destination."""

    path: Annotated[str, Meta(description="Below the destination.")]
    rows: Annotated[Count, Meta(description="Rows in it.")]
    bytes: Annotated[Count, Meta(description="Its size.")]
    sha256: Annotated[Sha256, Meta(description="Its SHA-256, in hex.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: Annotated[str, Meta(description="Its name.")]
    type: Annotated[Type, Meta(description="What it holds.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaLog:
    """The log that makes a table's Parquet files a Delta table."""

    id: Annotated[str, Meta(description="The id that the log goes by.")]
    log: Annotated[tuple[DataFile, ...], Meta(description="Its commits, in their order.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table of a dataset: `key` is the column that names the record, `of` the main table that has the record."""

    rows: Annotated[Count, Meta(description="Its rows.")]
    key: Annotated[str, Meta(description="The column that names the record.")]
    of: Annotated[str, Meta(description="The main table that has the record.")]
    columns: Annotated[tuple[Column, ...], Meta(description="In the order of the files.")]
    files: Annotated[tuple[DataFile, ...], Meta(description="Its files.")]
    delta: Annotated[DeltaLog, Meta(description="Its log, where the format delta was asked for.")] | UnsetType = UNSET

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
    """The dates that were asked for."""

    by: Annotated[str, Meta(description="The date it bounds.")]
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The question that a dataset answers."""

    resource: Annotated[str, Meta(description="What was asked for.")]
    of: Annotated[str, Meta(description="The record whose activities or media were meant; empty if none.")]
    filters: Annotated[Mapping[str, str], Meta(description="Filters by name.")]
    query: Annotated[str, Meta(description="The search; empty if none.")]
    include: Annotated[tuple[str, ...], Meta(description="Related records that came along.")]
    window: Annotated[RequestWindow, Meta(description="The dates that were asked for; null is open.")]
    detail: Annotated[bool, Meta(description="Whether the API's heavy view was asked for.")]
    tables: Annotated[tuple[str, ...], Meta(description="The tables that were asked for; all if empty.")]
    limit: Annotated[Count, Meta(description="Of how many records a sample was asked for.")] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The counts of all slices together."""

    expected_before: Annotated[
        Count | None, Meta(description="The API's total of the whole query before anything was fetched.")
    ]
    expected_after: Annotated[Count | None, Meta(description="The same at the end.")]
    received: Annotated[
        Count, Meta(description="Records that came; after a sync, those that it compared: the dataset's.")
    ]
    unique: Annotated[Count, Meta(description="Distinct records: the rows of the main table.")]
    duplicates: Annotated[Count, Meta(description="Records that came more than once and are kept once.")]
    rejects: Annotated[Count, Meta(description="Values and records that fit no column, kept in `_etl/rejects`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceFacts:
    """What was counted for one slice, and the verdict on it."""

    key: Annotated[str, Meta(description="Names the slice.")]
    window: Annotated[
        Window,
        Meta(
            description="Which records by their date of creation: start <= created < end, in seconds since 1970; "
            "null is open."
        ),
    ]
    expected_before: Annotated[
        Count | None,
        Meta(description="The API's total before the records were fetched; null where it tells none."),
    ]
    expected_after: Annotated[Count | None, Meta(description="The API's total afterwards.")]
    received: Annotated[
        Count, Meta(description="Records that came; after a sync, those that it compared: the dataset's.")
    ]
    unique: Annotated[Count, Meta(description="Distinct records among them.")]
    verdict: Annotated[State, Meta(description="Of this slice.")]
    attempts: Annotated[Count, Meta(description="How often the slice was walked.")]

    @property
    def tally(self) -> Tally:
        """The counts without the verdict."""
        plain = {name: getattr(self, name) for name in Tally.__dataclass_fields__}
        return Tally(**plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An attribute that no column maps."""

    path: Annotated[str, Meta(description="The attribute.")]
    count: Annotated[Count, Meta(description="How many records have it.")]
    example: Annotated[str, Meta(description="One of the records that have it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One sync since the last full export."""

    run_id: Annotated[str, Meta(description="The sync.")]
    after: Annotated[str, Meta(description="The run that it follows.")]
    path: Annotated[str, Meta(description="Its feed: a row a record that was added, changed or withdrawn.")]
    received: Annotated[Count, Meta(description="Records that came this time.")]
    duplicates: Annotated[Count, Meta(description="Records that came more than once.")]
    added: Annotated[Count, Meta(description="Records that were added.")]
    changed: Annotated[Count, Meta(description="Records that were changed.")]
    withdrawn: Annotated[Count, Meta(description="Records that were withdrawn.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFileOrigin:
    """The data file that an ingest read."""

    name: Annotated[str, Meta(description="The file or folder.")]
    fingerprint: Annotated[str, Meta(description="A hash of its checksums, or of its parts' names where it has none.")]
    parts: Annotated[Count, Meta(description="How many parts it has.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOrigin:
    """The dataset whose kept records an ingest read."""

    name: Annotated[str, Meta(description="Where it was.")]
    run_id: Annotated[str, Meta(description="The run that had made it, or brought it up to date last.")]
    raw: Annotated[bool, Meta(description="Whether they were raw records (`--keep-raw`), or its NDJSON files.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The proof that lies beside the tables, in _etl/manifest.json."""

    format_version: Annotated[Literal[1], Meta(description="Of the layout of dataset and manifest.")]
    resource: Annotated[str, Meta(description="What was exported.")]
    dialect: Annotated[Dialect, Meta(description="The generation of the API.")]
    schema_version: Annotated[str, Meta(description="Of the resource's tables: it changes when their columns do.")]
    request: Annotated[Request, Meta(description="The question that the dataset answers.")]
    fingerprint: Annotated[
        str, Meta(description="A hash of the question and of the tables' version: what may be resumed or synced.")
    ]
    partition_by: Annotated[tuple[str, ...], Meta(description="Columns that make folders.")]
    formats: Annotated[
        tuple[str, ...], Meta(description="Formats of the data files; each holds all rows.", min_length=1)
    ]
    run_id: Annotated[str, Meta(description="Names the run that made the dataset, or brought it up to date last.")]
    started: Annotated[str, Meta(description="When it began, UTC.")]
    finished: Annotated[str, Meta(description="When it was done, UTC.")]
    base_url: Annotated[str, Meta(description="The API that was asked.")]
    seconds: Annotated[float, Meta(description="How long it took.", ge=0)]
    requests: Annotated[Count, Meta(description="How many requests it sent.")]
    retries: Annotated[Count, Meta(description="How many of them were sent again.")]
    bytes_downloaded: Annotated[Count, Meta(description="Bytes that travelled, compressed as they were.")]
    verdict: Annotated[State, Meta(description="Whether everything that the API counts is here.")]
    reasons: Annotated[tuple[str, ...], Meta(description="Why it is no better.")]
    totals: Annotated[Totals, Meta(description="Of all slices together.")]
    slices: Annotated[tuple[SliceFacts, ...], Meta(description="What was fetched, checkpointed and proved as one.")]
    tables: Annotated[Mapping[str, TableFacts], Meta(description="Tables by name.")]
    included: Annotated[Mapping[str, IncludedTally], Meta(description="Records that came along, by type.")]
    facets: Annotated[tuple[FacetCheck, ...], Meta(description="The API's own counts against the tables.")]
    missing: Annotated[tuple[str, ...], Meta(description="Records that the API counts and could not deliver.")]
    absent: Annotated[
        tuple[str, ...],
        Meta(description="Records that were asked for by id and that the API does not have, or does not show."),
    ] = ()
    moved: Annotated[tuple[Move, ...], Meta(description="Records that explain why totals moved during the run.")]
    watermark: Annotated[str | None, Meta(description="Until when the dataset holds everything, UTC.")]
    schema_drift: Annotated[
        tuple[Drift, ...], Meta(description="Attributes that no column maps, kept in the column `extra`.")
    ]
    changes: (
        Annotated[
            tuple[Change, ...],
            Meta(description="Written by `sync`: the syncs since the last full export.", min_length=1),
        ]
        | UnsetType
    ) = UNSET
    metrics: (
        Annotated[
            str,
            Meta(description="Written by `sync --metrics`: when counts of views and citations were refreshed, UTC."),
        ]
        | UnsetType
    ) = UNSET
    data_file: (
        Annotated[DataFileOrigin, Meta(description="Written by `ingest` of a data file: which it was.")] | UnsetType
    ) = UNSET
    dataset: (
        Annotated[
            DatasetOrigin,
            Meta(description="Written by `ingest` of a dataset: the one that its records were kept in."),
        ]
        | UnsetType
    ) = UNSET

    @property
    def main(self) -> str:
        """The table with a row for each record that was asked for."""
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
    """Return all files of some tables, data files first."""
    data = [file for facts in tables.values() for file in facts.files]
    return data + [file for facts in tables.values() for file in facts.commits]
