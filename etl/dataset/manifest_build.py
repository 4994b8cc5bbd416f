"""Build the manifest of a finished run: its provenance, its evidence, and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from etl.completeness.verdict import FacetCheck, IncludedTally, Tally, Verdict
from etl.dataset.manifest import (
    COUNTED,
    FORMAT_VERSION,
    DataFileOrigin,
    DatasetOrigin,
    Drift,
    Manifest,
    Request,
    SliceFacts,
    TableFacts,
    Totals,
)
from etl.schema.declarations import Json, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The run that made a dataset, its times (ISO text), and its server."""

    run_id: str
    started: str
    finished: str
    base_url: str
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0
    bytes_downloaded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the manifest says about the records besides the tables; `duplicates` arrived more than once.

    `missing` are records that the API counts but did not deliver, `absent` those requested by id that it does not have.
    """

    tallies: Sequence[Tally]
    verdict: Verdict
    expected_before: int | None
    expected_after: int | None
    duplicates: int = 0
    rejects: int = 0
    included: Mapping[str, IncludedTally] = field(default_factory=dict)
    facets: Sequence[FacetCheck] = ()
    drift: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    as_of: str | None = None
    watermark: str | None = None
    missing: Sequence[str] = ()
    absent: Sequence[str] = ()


def build(
    resource: Resource,
    request: Mapping[str, Json],
    run: Provenance,
    evidence: Evidence,
    tables: Mapping[str, TableFacts],
    *,
    fingerprint: str,
    partition_by: Sequence[str] = (),
    formats: Sequence[str] = (),
) -> Manifest:
    """Return the manifest of a finished run."""
    plain: dict[str, Any] = asdict(run)
    return Manifest(
        format_version=FORMAT_VERSION,
        resource=resource.name,
        dialect=resource.dialect,
        schema_version=resource.schema_version,
        request=as_request(request),
        fingerprint=fingerprint,
        partition_by=tuple(partition_by),
        formats=tuple(formats),
        **plain,
        verdict=evidence.verdict.state,
        reasons=evidence.verdict.reasons,
        totals=_totals(evidence),
        slices=tuple(_slice(tally, evidence.verdict) for tally in evidence.tallies),
        tables=dict(sorted(tables.items())),
        included=dict(sorted(evidence.included.items())),
        facets=tuple(evidence.facets),
        missing=tuple(evidence.missing),
        absent=tuple(evidence.absent),
        moved=evidence.verdict.moved,
        as_of=evidence.as_of,
        watermark=evidence.watermark,
        schema_drift=tuple(
            Drift(path=path, count=count, example=example) for path, (count, example) in sorted(evidence.drift.items())
        ),
    )


def with_origin(manifest: Manifest, origin: DataFileOrigin | DatasetOrigin) -> Manifest:
    """Add the data file or dataset from which the records of a manifest were read."""
    if isinstance(origin, DataFileOrigin):
        return replace(manifest, data_file=origin)
    return replace(manifest, dataset=origin)


def as_request(plain: Mapping[str, Json]) -> Request:
    """Return a query's request, given as JSON values, as in a manifest."""
    return msgspec.convert(plain, Request)


def _totals(evidence: Evidence) -> Totals:
    """Add up the counts of the slices, and add the other counts.

    The totals exclude recent changes: those are expected as received.
    """
    recent = sum(tally.recent for tally in evidence.tallies)
    return Totals(
        expected_before=_with(evidence.expected_before, recent),
        expected_after=_with(evidence.expected_after, recent),
        received=sum(tally.received for tally in evidence.tallies),
        unique=evidence.verdict.unique,
        duplicates=evidence.duplicates,
        rejects=evidence.rejects,
    )


def _slice(tally: Tally, verdict: Verdict) -> SliceFacts:
    plain = {name: getattr(tally, name) for name in COUNTED}
    plain |= {name: _with(plain[name], tally.recent) for name in ("expected_before", "expected_after")}
    return SliceFacts(**plain, verdict=verdict.slices[tally.key])


def _with(total: int | None, recent: int) -> int | None:
    return None if total is None else total + recent
