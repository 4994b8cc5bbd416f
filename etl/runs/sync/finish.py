"""The end of a sync: merged tables, tombstones, the feed of changes, the verdict, and the switch.

It can be repeated after a crash with the same outcome: it changes nothing that it reads.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from etl.api.query import requested_ids
from etl.api.window import iso
from etl.completeness import verdict as completeness
from etl.completeness import watermark
from etl.completeness.slices import Part, Plan
from etl.completeness.verdict import Move, State, Tally, Verdict
from etl.dataset.layout import read_file
from etl.dataset.manifest import Change, DataFile, Manifest, TableFacts
from etl.dataset.manifest_build import Evidence
from etl.dataset.reader import reader, tombstone_layout
from etl.dataset.store import published_manifest
from etl.records import row_changes
from etl.runs.context import Outcome, Run
from etl.runs.export import commit, facet_check
from etl.runs.sync import carry_over, merge, merge_included, placement
from etl.runs.sync.holdings import Holdings
from etl.runs.sync.merge import Merge, Merged
from etl.runs.sync.merge_included import ChangedKeys
from etl.schema import withdrawn
from etl.schema.declarations import Json
from etl.staging import part as part_files
from etl.staging import table_writer
from etl.staging.part import PartReceipt
from etl.storage import formats, paths

KINDS = ("added", "changed", "withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The records to merge, and the counts that prove them: one tally per window, and the query's totals."""

    held: Holdings
    tallies: tuple[Tally, ...]
    before: int
    after: int
    parts: tuple[Part, ...]
    moved: tuple[Move, ...] = ()
    missing: tuple[str, ...] = ()
    still: bool = False

    def verdict(self) -> Verdict:
        """Judge the counts; an index that did not move has not drifted, however recent its records are."""
        return completeness.judge(
            self.tallies,
            query_before=self.before,
            query_after=self.after,
            moved=self.moved,
            listed=sum(tally.unique for tally in self.tallies) if self.still else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOutcome:
    """The outcome of a sync."""

    outcome: Outcome

    @property
    def published(self) -> bool:
        """Whether the dataset is now the one that the manifest describes."""
        return self.outcome.published

    @property
    def proof(self) -> Manifest:
        """The manifest."""
        return self.outcome.proof

    @property
    def fix(self) -> str:
        """What has to be done, if something else than to run it again."""
        return self.outcome.fix

    def summary(self) -> dict[str, Json]:
        """Return what `--json` prints: the summary of an export, with the records received and changed this time."""
        latest = self.proof.history[-1]
        counts = {name: getattr(latest, name) for name in ("received", "duplicates", *KINDS)}
        return self.outcome.summary() | counts | {"changes": latest.path, "watermark": self.proof.watermark}


async def merge_and_publish(run: Run, planned: Plan, settled: Reconciled) -> SyncOutcome:
    """Merge the fetched records, judge the counts, and publish if the verdict allows it."""
    return await run.in_thread(_merge_and_publish, run, planned, settled, await facet_check.request_facets(run))


def _merge_and_publish(run: Run, planned: Plan, settled: Reconciled, counted: Mapping[str, Json]) -> SyncOutcome:
    before = published_manifest(run.files)
    receipts = [group for part in settled.parts for group in part_files.read_receipts(run.files, part.key)]
    job = _job(run, settled.held)
    merged = merge.merge(job)
    tables = table_writer.fill_empty(run.files, run.layout, table_writer.table_facts(run.layout, [merged.tables]))
    dimensions, included = merge_included.merge(run, before, merged.tables, _touched(job, settled.held.withdrawn))
    feed = _feed(job, merged)
    tables |= dimensions | _tombstones(run, job, before, merged)
    verdict = _judged(run, planned, settled)
    evidence = Evidence(
        tallies=settled.tallies,
        verdict=verdict,
        expected_before=settled.before,
        expected_after=settled.after,
        rejects=carry_over.carry_over(
            run.store,
            [receipt.key for receipt in receipts],
            replaced=job.seated.records["key"],
            withdrawn=settled.held.withdrawn["key"],
        ),
        included=included,
        facets=facet_check.checks(run, counted, tables),
        drift=part_files.merge_drift([_drift(before), *(receipt.drift for receipt in receipts)]),
        missing=_missing(run, planned, settled),
        absent=_absent(run, job, before.absent),
        as_of=iso(planned.as_of),
        watermark=watermark.reached(planned.as_of, verdict, [(tally.key, tally.window) for tally in settled.tallies]),
    )
    latest, feed_file = describe_change(run, feed, receipts)
    proof = replace(commit.build_manifest(run, evidence, tables), changes=(*before.history, latest))
    return SyncOutcome(outcome=commit.publish(run, proof, verdict, feed_file))


def _job(run: Run, held: Holdings) -> Merge:
    incoming = held.incoming.without(held.withdrawn)
    standing = {
        place: sum(file.rows for file in files if file.path.endswith(reader(run.layout).suffix))
        for place, files in sorted(held.published.tables[run.layout.resource.main.name].items())
    }
    return Merge(
        store=run.store,
        published=held.published,
        incoming=incoming,
        seated=placement.assign_places(incoming.keys, replace(held, incoming=incoming).fetched_before(), standing),
        withdrawn=held.withdrawn.drop_nulls("old"),
    )


def _touched(job: Merge, withdrawn: pl.DataFrame) -> ChangedKeys:
    return ChangedKeys(every=pl.concat([job.seated.records["key"], withdrawn["key"]]), withdrawn=withdrawn["key"])


def _judged(run: Run, planned: Plan, settled: Reconciled) -> Verdict:
    """Judge the counts of the windows, and the slices of changed records: these may grow but must not be short."""
    verdict = settled.verdict()
    short = short_slices(run, planned)
    if not short:
        return verdict
    missing = verdict.missing + sum((tally.expected_after or 0) - tally.settled for tally in short)
    return replace(
        verdict, state=State.INCOMPLETE, missing=missing, reasons=(*verdict.reasons, *shortfall_reasons(short))
    )


def short_slices(run: Run, planned: Plan) -> list[Tally]:
    """Return the tallies of short slices; slices may grow meanwhile."""
    tallies = [receipt.tally for piece in planned.slices if (receipt := run.store.receipt(piece.key)) is not None]
    return [tally for tally in tallies if tally.settled < (tally.expected_after or 0)]


def shortfall_reasons(tallies: Sequence[Tally]) -> tuple[str, ...]:
    """Describe short slices."""
    return tuple(
        f"the changed records, slice {tally.key}: {(tally.expected_after or 0) - tally.settled} short "
        f"({tally.settled} of {tally.expected_after})"
        for tally in tallies
    )


def _missing(run: Run, planned: Plan, settled: Reconciled) -> tuple[str, ...]:
    """Name the records that the server counts but did not deliver."""
    slices = [*planned.slices, *(piece for part in settled.parts for piece in part.slices)]
    receipts = [receipt for piece in slices if (receipt := run.store.receipt(piece.key)) is not None]
    return tuple(dict.fromkeys([*(key for receipt in receipts for key in receipt.missing), *settled.missing]))


def _absent(run: Run, job: Merge, before: Sequence[str]) -> tuple[str, ...]:
    """Name the records requested by id that are still missing, and those that are withdrawn."""
    came, withdrawn = set(job.seated.records["key"]), set(job.withdrawn["key"])
    return tuple(
        name for name in requested_ids(run.query) if name in withdrawn or (name in before and name not in came)
    )


def _feed(job: Merge, merged: Merged) -> pl.DataFrame:
    """Return the change of each record: added, changed (with columns and child tables), or withdrawn."""
    resource = job.layout.resource
    names = [column.name for column in resource.main.columns] + [table.name for table in resource.tables]
    records = job.seated.records
    return row_changes.feed(
        resource.key.name,
        added=records.filter(pl.col("old").is_null())["key"],
        changed=merged.changed,
        withdrawn=job.withdrawn["key"],
        order=names,
    )


def _tombstones(run: Run, job: Merge, before: Manifest, merged: Merged) -> dict[str, TableFacts]:
    """Stage the table of withdrawn records: those of earlier runs that have not returned, and those of this run."""
    layout = tombstone_layout(run.layout)
    table = layout.resource.main
    key = layout.resource.key.name
    sink, schema = reader(layout), layout.columns(table)
    listed = before.tables[table.name].files if table.name in before.tables else ()
    held = [file for file in listed if file.path.endswith(sink.suffix)]
    rows = [pl.DataFrame(schema=schema), *(read_file(run.files, sink, file, schema) for file in held)]
    seen = pl.lit(datetime.fromtimestamp(round(run.started), UTC)).cast(schema[withdrawn.SEEN.name])
    rows += [frame.with_columns(seen.alias(withdrawn.SEEN.name)).select(*schema) for frame in merged.withdrawn]
    every = pl.concat(rows).unique(key, keep="last").sort(key)
    left = every.join(job.seated.records, left_on=key, right_on="key", how="anti", maintain_order="left")
    files: list[DataFile] = []
    for sink in layout.sinks if left.height else ():
        path = paths.data_file(table.name, (), table.name, sink.suffix)
        files.append(table_writer.write_file(run.files, layout, table, sink, (path, left)))
    return table_writer.fill_empty(run.files, layout, table_writer.table_facts(layout, [{table.name: files}]))


def describe_change(run: Run, feed: pl.DataFrame, receipts: Sequence[PartReceipt]) -> tuple[Change, dict[str, bytes]]:
    """Return the entry of this run in the history, and its feed as a file."""
    counts = dict(feed["change"].value_counts().iter_rows())
    stamp = datetime.fromtimestamp(run.started, UTC).strftime("%Y%m%dT%H%M%SZ")
    path = f"{paths.CHANGES}/{stamp}-{run.run_id[:8]}.parquet"
    latest = Change(
        run_id=run.run_id,
        after=published_manifest(run.files).run_id,
        path=path,
        received=sum(receipt.received for receipt in receipts),
        duplicates=sum(receipt.duplicates for receipt in receipts),
        **{kind: counts.get(kind, 0) for kind in KINDS},
    )
    return latest, {path.removeprefix(f"{paths.OWN}/"): _packed(feed)}


def _packed(feed: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    formats.load("parquet").write([feed], target, metadata={}, sorted_by=(feed.columns[0],))
    return target.getvalue()


def _drift(before: Manifest) -> dict[str, tuple[int, str]]:
    return {entry.path: (entry.count, entry.example) for entry in before.schema_drift}
