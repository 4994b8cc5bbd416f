"""The manifest: the proof that lies beside a dataset, built from plain values and read back with suspicion.

Pure: who stores the bytes is `store`, who compares them with the files is `verify`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from etl.completeness.verdict import FacetCheck, IncludedTally, Tally, Verdict
from etl.errors import StoreError
from etl.schema.declarations import Json, Resource

FORMAT_VERSION = 1
_ANEW = "export again with --fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a table; `path` is relative to the destination."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table of a dataset: its columns as {name, type}, its files, and whose rows they are.

    `key` is the column that names the record; `of` is the main table that has the record.
    """

    columns: tuple[Mapping[str, str], ...]
    files: tuple[DataFile, ...]
    key: str
    of: str

    @property
    def rows(self) -> int:
        """How many rows the table has; where there are several formats, each holds all of them."""
        one = PurePosixPath(self.files[0].path).suffix if self.files else ""
        return sum(file.rows for file in self.files if file.path.endswith(one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which run made a dataset, when, and from where; times as ISO text."""

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
    """Everything the manifest says about the records, beside the tables; `duplicates` came more than once.

    `missing` are records that the API counts and did not deliver, `absent` those asked for by id that it has none of.
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
    watermark: str | None = None
    missing: Sequence[str] = ()
    absent: Sequence[str] = ()


def build(
    resource: Resource,
    request: Mapping[str, Json],
    run: Run,
    evidence: Evidence,
    tables: Mapping[str, TableFacts],
    *,
    fingerprint: str,
    partition_by: Sequence[str] = (),
    formats: Sequence[str] = (),
) -> dict[str, Json]:
    """Write down a finished run as the manifest's plain values."""
    return {
        "format_version": FORMAT_VERSION,
        "resource": resource.name,
        "dialect": resource.dialect,
        "schema_version": resource.schema_version,
        "request": dict(request),
        "fingerprint": fingerprint,
        "partition_by": list(partition_by),
        "formats": list(formats),
        **asdict(run),
        "verdict": evidence.verdict.state.value,
        "reasons": list(evidence.verdict.reasons),
        "totals": totals(evidence),
        "slices": [_slice(tally, evidence.verdict) for tally in evidence.tallies],
        "tables": {name: _table(facts) for name, facts in sorted(tables.items())},
        "included": {name: asdict(tally) for name, tally in sorted(evidence.included.items())},
        "facets": [asdict(check) for check in evidence.facets],
        "missing": list(evidence.missing),
        "absent": list(evidence.absent),
        "moved": [asdict(move) for move in evidence.verdict.moved],
        "watermark": evidence.watermark,
        "schema_drift": [
            {"path": path, "count": count, "example": example}
            for path, (count, example) in sorted(evidence.drift.items())
        ],
    }


def totals(evidence: Evidence) -> dict[str, int | None]:
    """Add up the slices and put what else was counted beside them."""
    return {
        "expected_before": evidence.expected_before,
        "expected_after": evidence.expected_after,
        "received": sum(tally.received for tally in evidence.tallies),
        "unique": evidence.verdict.unique,
        "duplicates": evidence.duplicates,
        "rejects": evidence.rejects,
    }


def encode(manifest: Mapping[str, Json]) -> bytes:
    """Write a manifest as its file's bytes."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def decode(content: bytes, name: str) -> dict[str, Json]:
    """Read a manifest file's bytes; StoreError, with the file's name, for anything that is none or is newer."""
    try:
        plain: Json = json.loads(content)
    except ValueError as error:
        raise StoreError(f"{name} is damaged: {error}", fix=_ANEW) from error
    if not _is_one(plain):
        raise StoreError(f"{name} is not a manifest of datacite-etl", fix=f"{_ANEW}, or choose another destination")
    if (version := plain["format_version"]) > FORMAT_VERSION:
        raise StoreError(f"{name} has format {version}, this program reads {FORMAT_VERSION}", fix="update datacite-etl")
    checked: dict[str, Json] = plain
    return checked


def is_legible(content: bytes) -> bool:
    """Tell whether a manifest file's bytes are a manifest, of this format or a newer one."""
    try:
        return _is_one(json.loads(content))
    except ValueError:
        return False


def _is_one(plain: Json) -> bool:
    if not isinstance(plain, dict) or not isinstance(plain.get("format_version"), int):
        return False
    if plain["format_version"] > FORMAT_VERSION:
        return True
    tables = plain.get("tables")
    return isinstance(tables, dict) and all(isinstance(facts, dict) and "files" in facts for facts in tables.values())


def data_files(manifest: Mapping[str, Json]) -> dict[str, tuple[DataFile, ...]]:
    """Return the files of each table that a manifest lists."""
    tables: Mapping[str, Any] = manifest["tables"]
    return {name: tuple(DataFile(**file) for file in facts["files"]) for name, facts in tables.items()}


def _slice(tally: Tally, verdict: Verdict) -> dict[str, Json]:
    return {
        "key": tally.key,
        "window": {"start": tally.window.start, "end": tally.window.end},
        "expected_before": tally.expected_before,
        "expected_after": tally.expected_after,
        "received": tally.received,
        "unique": tally.unique,
        "verdict": verdict.slices[tally.key].value,
        "attempts": tally.attempts,
    }


def _table(facts: TableFacts) -> dict[str, Json]:
    return {
        "rows": facts.rows,
        "key": facts.key,
        "of": facts.of,
        "columns": [dict(column) for column in facts.columns],
        "files": [asdict(file) for file in sorted(facts.files, key=lambda file: file.path)],
    }
