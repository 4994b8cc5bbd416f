"""What Prefect shows of a run: events as log lines and live progress, manifests as artifacts."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from logging import Logger, LoggerAdapter
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from etl.dataset.manifest import Manifest, SliceFacts, TableFacts
from etl.errors.redaction import shown
from etl.events import Event, Noted, Observe, PageFetched, PartWritten, Planned, Retried, SliceDone, retried
from etl.schema.declarations import Json
from flows.steps import slug

if TYPE_CHECKING:
    from etl.runs.batch import EntryResult

ROWS = 500
"""Number of slices in the table artifact, worst first: Prefect keeps artifacts in its database."""
PROGRESS_SECONDS = 5.0
"""Minimum interval between updates of the progress artifact, each of which is a request to Prefect's server."""


def log(logger: "Logger | LoggerAdapter[Logger]", name: str = "") -> Observe:
    """Return an observer that writes events to a flow run's log; pages are too many for the log."""
    head = f"{name}: " if name else ""

    def observe(event: Event) -> None:
        match event:
            case Planned():
                logger.info("%s%s", head, event)
            case SliceDone():
                logger.info("%sslice %s: %d of %d records", head, event.slice_key, event.records, event.expected)
            case PartWritten():
                logger.info("%s%s", head, event)
            case Retried():
                logger.warning("%sretry %d in %.1f s: %s", head, event.attempt, event.delay, event.reason)
            case Noted():
                logger.warning("%s%s", head, shown(event.text))

    return observe


class ProgressCounter:
    """Counts a run's records as they arrive. State: records by slice, finished slices, and expected numbers."""

    def __init__(self, onward: Observe) -> None:
        self._onward = onward
        self._came: Counter[str] = Counter()
        self._done: set[str] = set()
        self._slices = self.expected = 0

    def __call__(self, event: Event) -> None:
        """Count the event and pass it on."""
        match event:
            case Planned():
                self._slices += event.slices
                self.expected += event.records or 0
            case PageFetched():
                self._came[event.slice_key] += event.records
            case SliceDone():
                self._came[event.slice_key] = event.records
                self._done.add(event.slice_key)
        self._onward(event)

    @property
    def records(self) -> int:
        """Records received; those fetched again count twice until their slice is done."""
        return self._came.total()

    @property
    def percent(self) -> float:
        """Progress from 0 to 100: in records if their number is known, otherwise in slices."""
        share = self.records / self.expected if self.expected else len(self._done) / max(1, self._slices)
        return min(100.0, 100.0 * share)

    @property
    def summary(self) -> str:
        """The progress in words."""
        of = f" of {self.expected:,}" if self.expected else ""
        return f"{self.records:,}{of} records, {len(self._done):,} of {self._slices:,} slices done"


@asynccontextmanager
async def progress(name: str, onward: Observe) -> AsyncIterator[Observe]:
    """Yield an observer that updates a progress artifact during the run, and passes all events on."""
    counting = ProgressCounter(onward)
    key = await acreate_progress_artifact(progress=0.0, key=f"progress-{slug(name)}", description=f"Records of {name}")

    async def update() -> None:
        description = f"{name}: {counting.summary}"
        await aupdate_progress_artifact(key, progress=round(counting.percent, 1), description=description)

    async def keep_updating() -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await update()

    updating = asyncio.create_task(keep_updating())
    try:
        yield counting
        await update()
    finally:
        updating.cancel()
        with suppress(asyncio.CancelledError):
            await updating


async def artifacts(name: str, proof: Manifest) -> None:
    """Create artifacts of a run: completeness by slice, rows by table, and a link to the report."""
    own, totals = slug(name), proof.totals
    of = f"{_count(totals.unique)} of {_count(totals.expected_after)} records of {proof.resource}"
    summary = f"{proof.verdict}: {of}"
    await acreate_table_artifact(
        key=f"completeness-{own}", table=completeness(proof.slices), description=f"{summary}, worst slices first"
    )
    described = f"Rows by table of {name}"
    await acreate_table_artifact(key=f"tables-{own}", table=rows(proof.tables), description=described)
    await acreate_markdown_artifact(key=f"report-{own}", markdown=report(name, summary, proof), description=summary)


def report(name: str, summary: str, proof: Manifest) -> str:
    """Describe the result of a run in Markdown, with reasons, its report and the next watermark."""
    facts = {
        "Report": link(f"{name}/_etl/report.html"),
        **({"Next watermark": f"`{proof.watermark}`"} if proof.watermark else {}),
        "Requests": f"{_count(proof.requests)}, {retried(proof.retries)}",
        "Seconds": _count(round(proof.seconds)),
        "Run": f"`{proof.run_id}`",
    }
    reasons = "\n".join(f"- {reason}" for reason in proof.reasons[:20])
    table = "\n".join(
        [f"| Dataset | `{name}` |", "|---|---|", *(f"| {fact} | {value} |" for fact, value in facts.items())]
    )
    return "\n\n".join(filter(None, [f"## {summary[:1].upper()}{summary[1:]}", reasons, table]))


def link(place: str) -> str:
    """Link to a page; a browser cannot open files on another machine's disk, so the host is named."""
    if "://" in place:
        return f"[{place}]({place})"
    path = Path(place).absolute()
    return f"[{path}]({path.as_uri()}) on {socket.gethostname()}"


def rows(tables: Mapping[str, TableFacts]) -> list[dict[str, Json]]:
    """Return one row per table with its numbers of rows, files and megabytes."""
    return [
        {
            "name": name,  # Prefect's page shows nothing in a column called table
            "rows": facts.rows,
            "files": len(facts.files),
            "MB": round(sum(file.bytes for file in facts.files) / 1e6, 1),
        }
        for name, facts in tables.items()
    ]


async def summarise_entries(ended: "Sequence[EntryResult]", key: str) -> None:
    """Create a table artifact of the results of the entries, worst first."""
    names = ("name", "verdict", "unique", "expected", "requests", "seconds", "error")
    rows = [{name: summary.get(name) for name in names} for summary in (entry.summary() for entry in ended)]
    worst = sorted(zip((-entry.exit_code for entry in ended), range(len(rows)), strict=True))
    table = [rows[number] for _, number in worst]
    await acreate_table_artifact(key=f"run-{key}", table=table, description="How each entry ended")


def completeness(slices: Sequence[SliceFacts]) -> list[dict[str, Json]]:
    """Return one row per slice, those with most missing records first, at most ROWS."""
    worst = sorted(slices, key=lambda facts: (-abs(_missing(facts)), facts.key))
    return [
        {
            "slice": facts.key,
            "verdict": facts.verdict.value,
            "missing": _missing(facts),
            "expected": facts.expected_after,
            "unique": facts.unique,
            "received": facts.received,
            "expected before": facts.expected_before,
            "attempts": facts.attempts,
        }
        for facts in worst[:ROWS]
    ]


def _missing(facts: SliceFacts) -> int:
    return 0 if facts.expected_after is None else facts.expected_after - facts.unique


def _count(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"
