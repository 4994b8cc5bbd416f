"""DataCite's data file as the source of an ingest: its own lists of DOIs prove it, month by month.

`data_file` knows its format, and `doi_lists` compares a month.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from etl import resources
from etl.api.query import Query
from etl.api.window import Window, iso, moment
from etl.completeness import doi_lists
from etl.completeness import verdict as completeness
from etl.completeness.verdict import State, Tally, Verdict
from etl.dataset.manifest import DataFileOrigin, TableFacts
from etl.dataset.manifest_build import Evidence
from etl.dataset.reader import tombstone_layout
from etl.dataset.request import Delivery
from etl.errors import UsageError
from etl.events import Noted, counted
from etl.runs.ingest.data_file import EVERYTHING, DataFile
from etl.runs.ingest.source import Ingest, IngestResult, WrittenGroups
from etl.schema import withdrawn
from etl.settings import BASE_URL
from etl.staging import table_writer
from etl.staging.consolidate import Consolidated
from etl.storage import paths

MARGIN = 86_400
"""Seconds before the newest change in the file from which it may be incomplete: writing its last month took hours."""


@dataclass(frozen=True, slots=True)
class DataFileSource:
    """A data file."""

    data: DataFile
    base_url: str = BASE_URL
    records: int | None = None

    @property
    def name(self) -> str:
        """The path of the file."""
        return self.data.name

    @property
    def fingerprint(self) -> str:
        """A hash of its checksums."""
        return f"data file {self.data.fingerprint}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its parts."""
        return self.data.parts

    @property
    def sizes(self) -> Mapping[str, int]:
        """The sizes of its parts."""
        return self.data.sizes

    @property
    def query(self) -> Query:
        """The query that the file answers: all DOIs in full, or those changed in its only month."""
        query = Query(resource=resources.load("dois"), detail=True)
        months = set(self.data.months.values())
        if len(months) != 1 or EVERYTHING in months:
            return query
        text = months.pop().removeprefix("updated_")
        return replace(query, window=Window(moment(text), moment(text, end=True)), by="updated")

    def complete(self, delivery: Delivery) -> Delivery:
        """Return the delivery as the user chose it."""
        return delivery

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a part."""
        return self.data.lines(part)

    def judge(self, run: Ingest, closed: Consolidated, written: WrittenGroups) -> IngestResult:
        """Compare the records with the file's lists; registered ones go into the table of withdrawn records."""
        keys = [key for group_keys, _ in written for key in group_keys]
        compared = [self._compare(run, name, written) for name in self._months()]
        tallies = [month.tally for month in compared] or [self._unproved(run, closed.unique)]
        total = _sum(tally.expected_before for tally in tallies)
        if not closed.unique and total is None:
            raise self._empty(tallies)
        verdict = self._claimed(completeness.judge(tallies, query_before=total, query_after=total, sample=not compared))
        again = sum(month.elsewhere for month in compared)
        again += doi_lists.in_other_months(closed.contested) if compared else 0
        verdict = replace(verdict, unique=verdict.unique - again)
        total = None if total is None else total - again
        evidence = Evidence(
            tallies=tallies,
            verdict=verdict,
            expected_before=total,
            expected_after=total,
            duplicates=closed.duplicates,
            rejects=closed.rejects,
            drift=closed.drift,
            missing=[key for month in compared for key in month.missing],
            watermark=_watermark(run, keys) if verdict.state is State.COMPLETE else None,
        )
        registered = pl.concat([pl.DataFrame(schema=doi_lists.LISTED), *(month.registered for month in compared)])
        origin = DataFileOrigin(name=self.data.name, fingerprint=self.data.fingerprint, parts=len(self.data.parts))
        tables = dict(closed.tables) | _tombstones(run, registered, keys)
        return IngestResult(evidence=evidence, tables=tables, origin=origin)

    def _empty(self, tallies: Sequence[Tally]) -> UsageError:
        """Return the error for a file without records and without lists that explain it."""
        lines = sum(tally.received for tally in tallies)
        message = f"none of {counted(lines, 'line')} is a record of DataCite" if lines else "there are no records"
        return UsageError(f"{self.name}: {message}", fix="give DataCite's data file, or records one per line")

    def _claimed(self, verdict: Verdict) -> Verdict:
        """Call nothing complete if it is not known what there should be."""
        gaps = self.data.unknown
        if not gaps or verdict.state is State.INCOMPLETE:
            return verdict
        return replace(verdict, state=State.SAMPLE, reasons=gaps)

    def _months(self) -> list[str]:
        return sorted(set(self.data.months.values())) if self.data.listings else []

    def _compare(self, run: Ingest, name: str, written: WrittenGroups) -> doi_lists.Compared:
        """Compare a month's records with its list."""
        month = self.data.months
        own = [keys for keys, parts in written if any(month[part] == name for part in parts)]
        named = [part for _, parts in written for part in parts if month[part] == name]
        comparison = doi_lists.compare(
            name,
            [self.data.listed(listing) for listing in self.data.listings if month[listing] == name],
            run.read_keys([key for keys in own for key in keys]),
            lambda: run.read_keys([key for keys, _ in written for key in keys]),
            received=run.count_received(named),
        )
        if comparison.strange:
            unlisted = f"{len(comparison.strange)} records are not in its list, such as {comparison.strange[0]}"
            run.observe(Noted(text=f"{name}: {unlisted}"))
        return comparison

    def _unproved(self, run: Ingest, unique: int) -> Tally:
        """Count the records of a file without lists."""
        came = run.count_received(self.data.parts)
        return Tally(key=EVERYTHING, expected_before=None, expected_after=None, received=came, unique=unique)


def _watermark(run: Ingest, keys: Sequence[str]) -> str | None:
    """Return the time up to which the file is assumed to hold all changes."""
    newest = [frame["updated"].max() for frame in run.read_keys(keys) if frame["updated"].null_count() < frame.height]
    latest = max((time for time in newest if isinstance(time, datetime)), default=None)
    return None if latest is None else iso(int(latest.timestamp()) - MARGIN)


def _tombstones(run: Ingest, registered: pl.DataFrame, keys: Sequence[str]) -> dict[str, TableFacts]:
    """Stage the table of withdrawn records: those that are only registered."""
    layout = tombstone_layout(run.layout)
    table = layout.resource.main
    left = registered.unique("doi").sort("doi")
    for frame in run.read_keys(keys):
        left = left.filter(~pl.col("doi").is_in(frame["key"].implode()))
    seen = pl.lit(datetime.fromtimestamp(round(run.started), UTC)).alias(withdrawn.SEEN.name)
    schema = layout.columns(table)
    timed = left.with_columns(seen)
    rows = timed.select(
        (pl.col(name) if name in timed.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
    files = []
    for sink in layout.sinks if rows.height else ():
        path = paths.data_file(table.name, (), table.name, sink.suffix)
        files.append(table_writer.write_file(run.files, layout, table, sink, (path, rows)))
    return table_writer.fill_empty(run.files, layout, table_writer.table_facts(layout, [{table.name: files}]))


def _sum(counts: Iterator[int | None]) -> int | None:
    every = list(counts)
    return None if None in every else sum(count for count in every if count is not None)
