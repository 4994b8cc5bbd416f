"""What a dataset was asked for and how it is delivered, read from its manifest to ask again."""

from dataclasses import dataclass

from msgspec import UNSET

from etl import resources
from etl.api.query import Query, check
from etl.api.window import Window
from etl.dataset.manifest import Manifest
from etl.errors import UsageError

_FRESH = "export it again with --fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the user wants made of the records; `partition_by` None is the resource's own choice.

    `purpose` keeps apart the unfinished work of commands that want the same records.
    """

    formats: tuple[str, ...] = ("parquet",)
    partition_by: tuple[str, ...] | None = None
    keep_raw: bool = False
    limit: int | None = None
    max_missing: int = 0
    allow_incomplete: bool = False
    fresh: bool = False
    purpose: str = "export"


def query(manifest: Manifest) -> Query:
    """Return the question that a dataset answers; UsageError if this program would understand it otherwise."""
    if manifest.request.limit is not UNSET:
        raise UsageError("this dataset is a sample, which nothing can bring up to date", fix="export without --limit")
    found = asked(manifest)
    if found.fingerprint != manifest.fingerprint:
        raise UsageError("this dataset was written with another version of its tables", fix=_FRESH)
    return found


def asked(manifest: Manifest) -> Query:
    """Return the question that was asked for a dataset, whatever this program would make of the answer."""
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
    """Return how a dataset's records were to be written, for another run with them."""
    return Delivery(
        formats=manifest.formats,
        partition_by=manifest.partition_by,
        keep_raw=keep_raw,
        purpose=purpose,
    )
