"""The query of a dataset and its delivery, read from the manifest to repeat them."""

from dataclasses import dataclass

from msgspec import UNSET

from etl import resources
from etl.api.query import Query, check
from etl.api.window import Window
from etl.dataset.manifest import Manifest
from etl.errors import UsageError
from etl.events import counted

_FRESH = "export it again with --fresh"
EXPORT, SYNC, METRICS, INGEST = "export", "sync", "metrics", "ingest"
PURPOSES = (EXPORT, SYNC, METRICS, INGEST)
"""The commands with unfinished work of their own, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawable:
    """How many records a sync or load may withdraw: a percentage of the dataset, or this many if that is more."""

    percent: float = 0.0
    records: int = 0

    def of(self, held: int) -> int:
        """Return the number for a dataset of so many records."""
        return max(self.records, int(held * self.percent / 100))

    def excess(self, withdrawn: int, held: int) -> str:
        """Say that too many of the records held would be withdrawn; empty if the limit allows that."""
        allowed = self.of(held)
        if withdrawn <= allowed:
            return ""
        return f"{withdrawn:,} of {counted(held, 'record')} would be withdrawn, and --max-withdrawn allows {allowed:,}"


USUALLY_WITHDRAWABLE = Withdrawable(percent=10, records=20)
"""The limit of syncs and loads unless one is given; twenty records may go from a dataset of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The user's choices for the dataset; with `partition_by` None the resource's default applies.

    `purpose` separates the unfinished work of commands that fetch the same records.
    """

    formats: tuple[str, ...] = ("parquet",)
    partition_by: tuple[str, ...] | None = None
    keep_raw: bool = False
    limit: int | None = None
    max_missing: int = 0
    allow_incomplete: bool = False
    min_records: int = 0
    max_withdrawn: Withdrawable | None = None
    fresh: bool = False
    purpose: str = EXPORT


def repeatable_query(manifest: Manifest) -> Query:
    """Return the query of a dataset; UsageError if the dataset cannot be brought up to date."""
    if manifest.request.limit is not UNSET:
        raise UsageError("this dataset is a sample, which cannot be brought up to date", fix="export without --limit")
    query = requested_query(manifest)
    if query.fingerprint != manifest.fingerprint:
        raise UsageError("this dataset was written with another version of its tables", fix=_FRESH)
    return query


def requested_query(manifest: Manifest) -> Query:
    """Return the query of a dataset, even if its tables have changed since."""
    request = manifest.request
    return check(
        Query(
            resource=resources.load(request.resource),
            filters=tuple(request.filters.items()),
            text=request.query,
            include=request.include,
            window=Window(request.window.start, request.window.end),
            by=request.window.by,
            of=request.of,
            detail=request.detail,
            tables=request.tables,
        )
    )


def delivery(manifest: Manifest, purpose: str, *, keep_raw: bool = False) -> Delivery:
    """Return the delivery of a dataset, for another run."""
    return Delivery(
        formats=manifest.formats,
        partition_by=manifest.partition_by,
        keep_raw=keep_raw,
        purpose=purpose,
    )
