"""A dataset as the origin of an ingest: its tables are made again of the records as it received them.

They are in its NDJSON files, or below `_etl/raw` (`receptions`). Its manifest proves them: what is made must have the
records that the dataset has. Tables that no asked-for record is behind (included, `withdrawn`) are taken over.
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
from etl.events import Noted, Observe
from etl.records import duplicates, ndjson
from etl.runs.context import claim_of
from etl.runs.ingest import raw_versions as receptions
from etl.runs.ingest.raw_versions import Receptions
from etl.runs.ingest.source import GROUP, RECORD, Ingest, Judged, Written
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
class Rebuilt:
    """A dataset with records as received: in its `files`, or in `receptions`."""

    held: Published
    manifest: Manifest
    query: Query
    files: Mapping[str, DataFile]
    receptions: Receptions | None

    @property
    def name(self) -> str:
        """Where the dataset is."""
        return self.held.files.name

    @property
    def base_url(self) -> str:
        """The API that was asked for it."""
        return self.manifest.base_url

    @property
    def fingerprint(self) -> str:
        """A hash of its manifest."""
        return f"dataset {hashlib.sha256(manifest_file.encode(self.manifest)).hexdigest()[:16]}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Name the files that have the records."""
        return self.receptions.keys if self.receptions else tuple(sorted(self.files))

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of those files: raw ones of an export are as large as its parts, those of syncs may be small."""
        if self.receptions is None:
            return {path: file.rows * RECORD for path, file in self.files.items()}
        return {key: self.receptions.counts.get(key, GROUP // RECORD) * RECORD for key in self.receptions.keys}

    @property
    def records(self) -> int:
        """How many records the dataset has."""
        return self.manifest.tables[self._main].rows

    @property
    def _main(self) -> str:
        return self.held.layout.resource.main.name

    def wanted(self, delivery: Delivery) -> Delivery:
        """Leave partitions as they are unless others are asked for; a sample stays one."""
        folders = self.manifest.partition_by if delivery.partition_by is None else delivery.partition_by
        return replace(delivery, partition_by=folders, limit=self.manifest.request.limit or None)

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a file, the newest reception of each."""
        if self.receptions:
            yield from self.receptions.counting(part)
        else:
            content = checksums.read_checked(self.held.files, self.files[part])
            yield from filter(None, content.split(b"\n"))

    def judged(self, run: Ingest, closed: Consolidated, written: Written) -> Judged:
        """Compare the records with those of the dataset; what else its manifest proves stands as it is."""
        missing, reasons = self._compared(run, closed, [key for keys, _ in written for key in keys])
        tables, untold = self._along(run)
        if store.read_manifest(self.held.files) != self.manifest:
            raise StoreError(f"{self.name} was published to meanwhile", fix="run this again")
        if self.manifest.metrics:
            run.observe(Noted(text=_COUNTS))
        evidence = _evidence(self.manifest, closed, missing, [*reasons, *untold])
        origin = DatasetOrigin(name=self.name, run_id=self.manifest.run_id, raw=self.receptions is not None)
        return Judged(evidence=evidence, tables=dict(closed.tables) | tables, origin=origin)

    def _compared(self, run: Ingest, closed: Consolidated, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        """Name the records of the dataset that did not come, and say what else is not as it is there."""
        if self.receptions is None:
            return [], _differing(self.records, closed.unique)
        there = lambda: (frame for _, frame in self.held.records())  # noqa: E731
        try:
            return compared(there, lambda: run.noted(keys), self.records)
        except StoreError as error:
            run.observe(Noted(text=f"{error.message}: records are compared with the manifest by their number"))
            return [], _differing(self.records, closed.unique)

    def _along(self, run: Ingest) -> tuple[dict[str, TableFacts], list[str]]:
        """Take over the tables of records that came along, and of withdrawn ones; say which cannot be."""
        tables: dict[str, TableFacts] = {}
        reasons = []
        for theirs, own in self._pairs(run.layout):
            try:
                tables |= merge_included.copy_tables(self.held.files, theirs, self.manifest, run.files, own)
            except (StoreError, pl.exceptions.PolarsError) as error:
                said = error.message if isinstance(error, StoreError) else str(error)
                reasons.append(f"{own.prefix}{own.resource.name} is empty, for it cannot be taken over: {said}")
                tables |= table_writer.fill_empty(run.files, own, table_writer.table_facts(own, []))
        return tables, reasons

    def _pairs(self, layout: Layout) -> Iterator[tuple[Layout, Layout]]:
        includes = [one for one in self.query.resource.includes if one.name in self.query.include]
        along = {one.name: resources.load(one.resource) for one in includes}
        yield from zip(laid_out(self.held.layout, along), laid_out(layout, along), strict=True)
        if WITHDRAWN in self.manifest.tables:
            yield tombstone_layout(self.held.layout), tombstone_layout(layout)


_COUNTS = (
    "note: sync --metrics has refreshed counts in that dataset since its records came; here they are as they came, "
    "and sync --metrics refreshes them"
)


def opened(files: Files, observe: Observe) -> Rebuilt:
    """Open a dataset to make its tables again; StoreError if it has kept no records, or is half-way to a new one."""
    manifest = store.readable_manifest(files)
    query = request.requested_query(manifest)
    _, layout = claim_of(query, request.delivery(manifest, ""), Settings())
    listed = manifest.tables[manifest.main].files
    lines = {file.path: file for file in listed if file.path.endswith(ndjson.SUFFIX)}
    held = open_published(files, layout, manifest)
    kept = bool(files.listing(paths.RAW))
    if not (lines or kept) and manifest.totals.unique:
        fix = "export with --keep-raw or with --format ndjson to have them"
        raise StoreError(f"{files.name} is a dataset that has not kept its records as received", fix=fix)
    found = None if lines else _receptions(held, manifest, observe)
    return Rebuilt(held=held, manifest=manifest, query=query, files=lines, receptions=found)


def _receptions(held: Published, manifest: Manifest, observe: Observe) -> Receptions:
    """Find the newest reception of each record, also where the tables cannot be read any more."""
    files, resource = held.files, held.layout.resource
    own, key = tombstone_layout(held.layout), resource.key.name
    gone = pl.Series(key, dtype=pl.String)
    try:
        if WITHDRAWN in manifest.tables:
            gone = merge_included.read_table(files, own, own.resource.main, manifest)[key]
        return receptions.opened(files, resource, gone, lambda: (frame["key"] for _, frame in held.records()))
    except StoreError as error:
        observe(Noted(text=f"{error.message}: a record that was withdrawn may be taken for one that is there"))
        return receptions.opened(files, resource, gone, None)


def compared(
    there: Callable[[], Iterable[pl.DataFrame]], here: Callable[[], Iterable[pl.DataFrame]], total: int
) -> tuple[list[str], list[str]]:
    """Name the records of a dataset that did not come, and say what else differs.

    Both give `key` and `updated` and are asked again for every share of so many records as memory should hold.
    """
    shares = total // duplicates.AT_ONCE + 1
    lacking, stale, more = pl.Series("hash", dtype=pl.UInt64), 0, 0
    for share in range(shares):
        ours, came = (_hashed(side(), share, shares) for side in (there, here))
        newest = came.group_by("hash").agg(pl.col("updated").max().alias("came"), pl.lit(value=True).alias("seen"))
        both = ours.join(newest, on="hash", how="left")
        lacking = pl.concat([lacking, both.filter(pl.col("seen").is_null())["hash"]])
        stale += both.filter(pl.col("seen") & pl.col("updated").ne_missing(pl.col("came"))).height
        more += newest.join(ours, on="hash", how="anti").height
    named = [frame.filter(pl.col("key").hash().is_in(lacking.implode()))["key"] for frame in there() if len(lacking)]
    reasons = _differing(total, total - len(lacking)) + (_differing(total, total + more) if more else [])
    if stale:
        reasons.append(f"{stale} of the dataset's records are as they were before their last change")
    return sorted(key for keys in named for key in keys), reasons


def _hashed(frames: Iterable[pl.DataFrame], share: int, shares: int) -> pl.DataFrame:
    every = (
        frame.select(pl.col("key").hash().alias("hash"), pl.col("updated").cast(_KEY["updated"])) for frame in frames
    )
    return pl.concat([pl.DataFrame(schema=_KEY), *(some.filter(pl.col("hash") % shares == share) for some in every)])


def _differing(expected: int, unique: int) -> list[str]:
    """Say how far a number of records is from the dataset's."""
    if unique < expected:
        return [f"{expected - unique} short of the dataset's records ({unique} of {expected})"]
    return [f"{unique - expected} more than the dataset's {expected} records"] if unique > expected else []


def _evidence(held: Manifest, closed: Consolidated, missing: Sequence[str], reasons: Sequence[str]) -> Evidence:
    """Take over what a manifest proves of a dataset's records, unless they are others: then nothing is complete."""
    verdict = Verdict(
        state=State.INCOMPLETE if reasons else held.verdict,
        unique=closed.unique,
        missing=len(missing) + len(held.missing),
        slices={one.key: one.verdict for one in held.slices},
        reasons=(*held.reasons, *reasons),
        moved=held.moved,
    )
    return Evidence(
        tallies=[one.tally for one in held.slices],
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
