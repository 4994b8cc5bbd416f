"""DataCite's data file as the origin of an ingest: its own lists of DOIs prove it, month by month.

Its format is in `datafile`, the comparison of a month in `listed`.
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
from etl.runs.ingest.source import Ingest, Judged, Written
from etl.schema import withdrawn
from etl.settings import BASE_URL
from etl.staging import table_writer
from etl.staging.consolidate import Consolidated
from etl.storage import paths

MARGIN = 86_400
"""Seconds before the newest change in the file, up to which it has all: writing its last month took hours."""


@dataclass(frozen=True, slots=True)
class Monthly:
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
        """Name its parts."""
        return self.data.parts

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of its parts."""
        return self.data.sizes

    @property
    def query(self) -> Query:
        """The question that the file answers: all DOIs in full, or those changed in its only month."""
        query = Query(resource=resources.load("dois"), detail=True)
        months = set(self.data.months.values())
        if len(months) != 1 or EVERYTHING in months:
            return query
        text = months.pop().removeprefix("updated_")
        return replace(query, window=Window(moment(text), moment(text, end=True)), by="updated")

    def wanted(self, delivery: Delivery) -> Delivery:
        """Leave everything to the user."""
        return delivery

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a part."""
        return self.data.lines(part)

    def judged(self, run: Ingest, closed: Consolidated, written: Written) -> Judged:
        """Compare the records with the file's lists; what they call registered is in the table of withdrawn ones."""
        keys = [key for found, _ in written for key in found]
        compared = [self._compare(run, name, written) for name in self._months()]
        tallies = [one.tally for one in compared] or [self._unproved(run, closed.unique)]
        total = _sum(tally.expected_before for tally in tallies)
        if not closed.unique and total is None:
            raise self._empty(tallies)
        verdict = self._claimed(completeness.judge(tallies, query_before=total, query_after=total, sample=not compared))
        again = sum(one.elsewhere for one in compared)
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
            missing=[key for one in compared for key in one.missing],
            watermark=_watermark(run, keys) if verdict.state is State.COMPLETE else None,
        )
        gone = pl.concat([pl.DataFrame(schema=doi_lists.LISTED), *(one.registered for one in compared)])
        origin = DataFileOrigin(name=self.data.name, fingerprint=self.data.fingerprint, parts=len(self.data.parts))
        tables = dict(closed.tables) | _tombstones(run, gone, keys)
        return Judged(evidence=evidence, tables=tables, origin=origin)

    def _empty(self, tallies: Sequence[Tally]) -> UsageError:
        """Return the refusal of a file without records, which is not a data file of months without changes either."""
        lines = sum(tally.received for tally in tallies)
        message = f"none of {counted(lines, 'line')} is a record of DataCite" if lines else "there are no records"
        return UsageError(f"{self.name}: {message}", fix="give DataCite's data file, or records one per line")

    def _claimed(self, verdict: Verdict) -> Verdict:
        """Call nothing complete of which it is not known what there should be."""
        gaps = self.data.unknown
        if not gaps or verdict.state is State.INCOMPLETE:
            return verdict
        return replace(verdict, state=State.SAMPLE, reasons=gaps)

    def _months(self) -> list[str]:
        return sorted(set(self.data.months.values())) if self.data.listings else []

    def _compare(self, run: Ingest, name: str, written: Written) -> doi_lists.Compared:
        """Compare a month's records with its list."""
        month = self.data.months
        own = [keys for keys, parts in written if any(month[part] == name for part in parts)]
        named = [part for _, parts in written for part in parts if month[part] == name]
        found = doi_lists.compare(
            name,
            [self.data.listed(one) for one in self.data.listings if month[one] == name],
            run.noted([key for keys in own for key in keys]),
            lambda: run.noted([key for keys, _ in written for key in keys]),
            received=run.came(named),
        )
        if found.strange:
            some = f"{len(found.strange)} records are not in its list, such as {found.strange[0]}"
            run.observe(Noted(text=f"{name}: {some}"))
        return found

    def _unproved(self, run: Ingest, unique: int) -> Tally:
        """Count the records of a file without lists."""
        came = run.came(self.data.parts)
        return Tally(key=EVERYTHING, expected_before=None, expected_after=None, received=came, unique=unique)


def _watermark(run: Ingest, keys: Sequence[str]) -> str | None:
    """Return the moment up to which the file is trusted to hold all changes."""
    newest = [found["updated"].max() for found in run.noted(keys) if found["updated"].null_count() < found.height]
    latest = max((one for one in newest if isinstance(one, datetime)), default=None)
    return None if latest is None else iso(int(latest.timestamp()) - MARGIN)


def _tombstones(run: Ingest, gone: pl.DataFrame, keys: Sequence[str]) -> dict[str, TableFacts]:
    """Stage the table of withdrawn records: those that are registered, and nowhere findable."""
    layout = tombstone_layout(run.layout)
    table = layout.resource.main
    left = gone.unique("doi").sort("doi")
    for found in run.noted(keys):
        left = left.filter(~pl.col("doi").is_in(found["key"].implode()))
    seen = pl.lit(datetime.fromtimestamp(round(run.started), UTC)).alias(withdrawn.SEEN.name)
    schema = layout.columns(table)
    told = left.with_columns(seen)
    rows = told.select(
        (pl.col(name) if name in told.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
    files = []
    for sink in layout.sinks if rows.height else ():
        path = paths.data_file(table.name, (), table.name, sink.suffix)
        files.append(table_writer.write_file(run.files, layout, table, sink, (path, rows)))
    return table_writer.fill_empty(run.files, layout, table_writer.table_facts(layout, [{table.name: files}]))


def _sum(counts: Iterator[int | None]) -> int | None:
    found = list(counts)
    return None if None in found else sum(count for count in found if count is not None)
