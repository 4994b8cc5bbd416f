"""A dataset as the source of an ingest: its tables are rebuilt from its records as received.

They are in its NDJSON files, or in `_etl/raw` (`raw_versions`). Its manifest proves them: the result must have the
records that the dataset has. Tables without requested records (included ones, `withdrawn`) are copied.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from etl import resources
from etl.api.query import Query
from etl.completeness.verdict import State, Verdict
from etl.dataset import checksums, manifest_file, request, store
from etl.dataset.layout import Layout
from etl.dataset.manifest import DataFile, DatasetOrigin, Manifest, TableFacts
from etl.dataset.manifest_build import Evidence
from etl.dataset.reader import Published, open_published, tombstone_layout
from etl.dataset.request import Delivery
from etl.errors import StoreError
from etl.events import Noted, Observe, counted
from etl.records import duplicates, ndjson
from etl.runs.context import claim_of
from etl.runs.ingest.raw_versions import RawVersions, open_raw_versions
from etl.runs.ingest.source import GROUP, RECORD, Ingest, IngestResult, WrittenGroups
from etl.runs.sync import merge_included
from etl.schema.withdrawn import NAME as WITHDRAWN
from etl.settings import Settings
from etl.staging import table_writer
from etl.staging.consolidate import Consolidated
from etl.staging.consolidate import included_layouts as laid_out
from etl.storage import paths
from etl.storage.files import Files

_KEY = {"hash": pl.UInt64(), "updated": pl.Datetime("us", "UTC")}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """A dataset with records as received: in its `files`, or in `versions`."""

    held: Published
    manifest: Manifest
    query: Query
    files: Mapping[str, DataFile]
    versions: RawVersions | None

    @property
    def name(self) -> str:
        """The location of the dataset."""
        return self.held.files.name

    @property
    def base_url(self) -> str:
        """The root URL of its API."""
        return self.manifest.base_url

    @property
    def fingerprint(self) -> str:
        """A hash of its manifest."""
        return f"dataset {hashlib.sha256(manifest_file.encode(self.manifest)).hexdigest()[:16]}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the files with the records."""
        return self.versions.keys if self.versions else tuple(sorted(self.files))

    @property
    def sizes(self) -> Mapping[str, int]:
        """The sizes of those files: raw ones of an export are as large as its parts, those of syncs may be small."""
        if self.versions is None:
            return {path: file.rows * RECORD for path, file in self.files.items()}
        return {key: self.versions.counts.get(key, GROUP // RECORD) * RECORD for key in self.versions.keys}

    @property
    def records(self) -> int:
        """The number of records of the dataset."""
        return self.manifest.tables[self._main].rows

    @property
    def _main(self) -> str:
        return self.held.layout.resource.main.name

    def complete(self, delivery: Delivery) -> Delivery:
        """Keep the partitions unless others are requested; a sample stays a sample."""
        folders = self.manifest.partition_by if delivery.partition_by is None else delivery.partition_by
        return replace(delivery, partition_by=folders, limit=self.manifest.request.limit or None)

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the newest versions of records in a file."""
        if self.versions:
            yield from self.versions.counting_lines(part)
        else:
            content = checksums.read_checked(self.held.files, self.files[part])
            yield from filter(None, content.split(b"\n"))

    def judge(self, run: Ingest, closed: Consolidated, written: WrittenGroups) -> IngestResult:
        """Compare the records with those of the dataset; the rest of its proof stays."""
        missing, reasons = self._compared(run, closed, [key for keys, _ in written for key in keys])
        tables, untold = self._copied_tables(run)
        if store.read_manifest(self.held.files) != self.manifest:
            raise StoreError(f"{self.name} was published to meanwhile", fix="run this again")
        if self.manifest.metrics:
            run.observe(Noted(text=_COUNTS))
        evidence = _evidence(self.manifest, closed, missing, [*reasons, *untold])
        origin = DatasetOrigin(name=self.name, run_id=self.manifest.run_id, raw=self.versions is not None)
        return IngestResult(evidence=evidence, tables=dict(closed.tables) | tables, origin=origin)

    def _compared(self, run: Ingest, closed: Consolidated, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        """Name the records that are missing here, and describe other differences."""
        if self.versions is None:
            return [], _differing(self.records, closed.unique)
        there = lambda: (frame for _, frame in self.held.records())  # noqa: E731
        try:
            return compare_records(there, lambda: run.read_keys(keys), self.records)
        except StoreError as error:
            run.observe(Noted(text=f"{error.message}: records are compared with the manifest by their number"))
            return [], _differing(self.records, closed.unique)

    def _copied_tables(self, run: Ingest) -> tuple[dict[str, TableFacts], list[str]]:
        """Copy the tables of included and withdrawn records; name those that cannot be copied."""
        tables: dict[str, TableFacts] = {}
        reasons = []
        for theirs, own in self._pairs(run.layout):
            try:
                tables |= merge_included.copy_tables(self.held.files, theirs, self.manifest, run.files, own)
            except (StoreError, pl.exceptions.PolarsError) as error:
                reason = error.message if isinstance(error, StoreError) else str(error)
                reasons.append(f"{own.prefix}{own.resource.name} is empty, because it cannot be copied: {reason}")
                tables |= table_writer.fill_empty(run.files, own, table_writer.table_facts(own, []))
        return tables, reasons

    def _pairs(self, layout: Layout) -> Iterator[tuple[Layout, Layout]]:
        includes = [include for include in self.query.resource.includes if include.name in self.query.include]
        related = {include.name: resources.load(include.resource) for include in includes}
        yield from zip(laid_out(self.held.layout, related), laid_out(layout, related), strict=True)
        if WITHDRAWN in self.manifest.tables:
            yield tombstone_layout(self.held.layout), tombstone_layout(layout)


_COUNTS = (
    "note: sync --metrics has refreshed counts in that dataset since its records arrived; here they are as received, "
    "and sync --metrics can refresh them"
)


def open_dataset(files: Files, observe: Observe) -> DatasetSource:
    """Open a dataset to rebuild its tables; StoreError if it has no raw records, or its publication is unfinished."""
    manifest = store.readable_manifest(files)
    query = request.requested_query(manifest)
    _, layout = claim_of(query, request.delivery(manifest, ""), Settings())
    listed = manifest.tables[manifest.main].files
    lines = {file.path: file for file in listed if file.path.endswith(ndjson.SUFFIX)}
    held = open_published(files, layout, manifest)
    kept = bool(files.listing(paths.RAW))
    if not (lines or kept) and manifest.totals.unique:
        fix = "export with --keep-raw or --format ndjson to have them"
        raise StoreError(f"{files.name} is a dataset without its records as received", fix=fix)
    versions = None if lines else _raw_versions(held, manifest, observe)
    return DatasetSource(held=held, manifest=manifest, query=query, files=lines, versions=versions)


def _raw_versions(held: Published, manifest: Manifest, observe: Observe) -> RawVersions:
    """Find the newest version of each record, even if the tables are no longer readable."""
    files, resource = held.files, held.layout.resource
    own, key = tombstone_layout(held.layout), resource.key.name
    withdrawn = pl.Series(key, dtype=pl.String)
    try:
        if WITHDRAWN in manifest.tables:
            withdrawn = merge_included.read_table(files, own, own.resource.main, manifest)[key]
        return open_raw_versions(files, resource, withdrawn, lambda: (frame["key"] for _, frame in held.records()))
    except StoreError as error:
        observe(Noted(text=f"{error.message}: a withdrawn record may be mistaken for a current one"))
        return open_raw_versions(files, resource, withdrawn, None)


def compare_records(
    there: Callable[[], Iterable[pl.DataFrame]], here: Callable[[], Iterable[pl.DataFrame]], total: int
) -> tuple[list[str], list[str]]:
    """Name the records of a dataset that are missing here, and describe other differences.

    Both return `key` and `updated`, and are called again for every share of records that fits in memory.
    """
    shares = total // duplicates.AT_ONCE + 1
    unmatched, stale, more = pl.Series("hash", dtype=pl.UInt64), 0, 0
    for share in range(shares):
        ours, came = (_hashed(side(), share, shares) for side in (there, here))
        newest = came.group_by("hash").agg(pl.col("updated").max().alias("came"), pl.lit(value=True).alias("seen"))
        both = ours.join(newest, on="hash", how="left")
        unmatched = pl.concat([unmatched, both.filter(pl.col("seen").is_null())["hash"]])
        stale += both.filter(pl.col("seen") & pl.col("updated").ne_missing(pl.col("came"))).height
        more += newest.join(ours, on="hash", how="anti").height
    named = [
        frame.filter(pl.col("key").hash().is_in(unmatched.implode()))["key"] for frame in there() if len(unmatched)
    ]
    reasons = _differing(total, total - len(unmatched)) + (_differing(total, total + more) if more else [])
    if stale:
        reasons.append(f"{counted(stale, 'record')} older here than in the dataset")
    return sorted(key for keys in named for key in keys), reasons


def _hashed(frames: Iterable[pl.DataFrame], share: int, shares: int) -> pl.DataFrame:
    every = (
        frame.select(pl.col("key").hash().alias("hash"), pl.col("updated").cast(_KEY["updated"])) for frame in frames
    )
    return pl.concat([pl.DataFrame(schema=_KEY), *(frame.filter(pl.col("hash") % shares == share) for frame in every)])


def _differing(expected: int, unique: int) -> list[str]:
    """Describe the difference from the dataset's number of records."""
    if unique < expected:
        return [f"{expected - unique} short of the dataset's records ({unique} of {expected})"]
    return [f"{unique - expected} more than the dataset's {expected} records"] if unique > expected else []


def _evidence(held: Manifest, closed: Consolidated, missing: Sequence[str], reasons: Sequence[str]) -> Evidence:
    """Copy the evidence of a manifest, unless the records differ: then nothing is complete."""
    verdict = Verdict(
        state=State.INCOMPLETE if reasons else held.verdict,
        unique=closed.unique,
        missing=len(missing) + len(held.missing),
        slices={piece.key: piece.verdict for piece in held.slices},
        reasons=(*held.reasons, *reasons),
        moved=held.moved,
    )
    return Evidence(
        tallies=[piece.tally for piece in held.slices],
        verdict=verdict,
        expected_before=held.totals.expected_before,
        expected_after=held.totals.expected_after,
        duplicates=held.totals.duplicates,
        rejects=closed.rejects,
        included=held.included,
        facets=() if reasons else held.facets,
        drift=closed.drift,
        watermark=None if reasons else held.watermark,
        missing=[*held.missing, *missing],
    )
