"""What Prefect shows of a run: events of `etl` as log lines and live progress, proofs as artifacts; decides nothing."""

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
    from etl.runs.batch import Ended

ROWS = 500
"""Slices shown in the table artifact, the worst first: Prefect keeps artifacts in its database."""
PROGRESS_SECONDS = 5.0
"""How often the progress artifact moves at most: each move is a request to Prefect's server."""


def log(logger: "Logger | LoggerAdapter[Logger]", name: str = "") -> Observe:
    """Return an observer that writes events to a flow run's log; pages are too many to be told one by one."""
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


class Counting:
    """Counts a run's records as they come. State: what came of each slice, who is done, how many are expected."""

    def __init__(self, onward: Observe) -> None:
        self._onward = onward
        self._came: Counter[str] = Counter()
        self._done: set[str] = set()
        self._slices = self.expected = 0

    def __call__(self, event: Event) -> None:
        """Count the event and hand it on."""
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
        """How many have come; what is fetched again counts twice until its slice is done."""
        return self._came.total()

    @property
    def percent(self) -> float:
        """How much has come, from 0 to 100: in records if it is known how many there are, else in slices."""
        share = self.records / self.expected if self.expected else len(self._done) / max(1, self._slices)
        return min(100.0, 100.0 * share)

    @property
    def told(self) -> str:
        """What has come, in words."""
        of = f" of {self.expected:,}" if self.expected else ""
        return f"{self.records:,}{of} records, {len(self._done):,} of {self._slices:,} slices done"


@asynccontextmanager
async def progress(name: str, onward: Observe) -> AsyncIterator[Observe]:
    """Yield an observer that moves a progress artifact while the run goes on, and hands all events on."""
    counting = Counting(onward)
    key = await acreate_progress_artifact(progress=0.0, key=f"progress-{slug(name)}", description=f"Records of {name}")

    async def tell() -> None:
        told = f"{name}: {counting.told}"
        await aupdate_progress_artifact(key, progress=round(counting.percent, 1), description=told)

    async def keep_telling() -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await tell()

    telling = asyncio.create_task(keep_telling())
    try:
        yield counting
        await tell()
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def artifacts(name: str, proof: Manifest) -> None:
    """Put a run's completeness, its rows by table and the way to its report where Prefect shows them."""
    own, totals = slug(name), proof.totals
    of = f"{_count(totals.unique)} of {_count(totals.expected_after)} records of {proof.resource}"
    told = f"{proof.verdict}: {of}"
    await acreate_table_artifact(
        key=f"completeness-{own}", table=completeness(proof.slices), description=f"{told}, the worst slices first"
    )
    described = f"Rows by table of {name}"
    await acreate_table_artifact(key=f"tables-{own}", table=rows(proof.tables), description=described)
    await acreate_markdown_artifact(key=f"report-{own}", markdown=report(name, told, proof), description=told)


def report(name: str, told: str, proof: Manifest) -> str:
    """Say in Markdown how a run ended, why, where its report lies, and from when on the next one asks."""
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
    return "\n\n".join(filter(None, [f"## {told[:1].upper()}{told[1:]}", reasons, table]))


def link(place: str) -> str:
    """Say where a page lies; a browser opens what is on another machine's disk only if it is copied by hand."""
    if "://" in place:
        return f"[{place}]({place})"
    path = Path(place).absolute()
    return f"[{path}]({path.as_uri()}) on {socket.gethostname()}"


def rows(tables: Mapping[str, TableFacts]) -> list[dict[str, Json]]:
    """Return a row a table: how many rows, files and megabytes it has."""
    return [
        {
            "name": name,  # Prefect's page shows nothing in a column that is called table
            "rows": facts.rows,
            "files": len(facts.files),
            "MB": round(sum(file.bytes for file in facts.files) / 1e6, 1),
        }
        for name, facts in tables.items()
    ]


async def account(ended: "Sequence[Ended]", key: str) -> None:
    """Put how many exports ended into one table, the worst first."""
    names = ("name", "verdict", "unique", "expected", "requests", "seconds", "error")
    rows = [{name: told.get(name) for name in names} for told in (one.summary() for one in ended)]
    worst = sorted(zip((-one.exit_code for one in ended), range(len(rows)), strict=True))
    table = [rows[number] for _, number in worst]
    await acreate_table_artifact(key=f"run-{key}", table=table, description="How each entry ended")


def completeness(slices: Sequence[SliceFacts]) -> list[dict[str, Json]]:
    """Return a row a slice, those with most records missing first, at most ROWS of them."""
    worst = sorted(slices, key=lambda one: (-abs(_missing(one)), one.key))
    return [
        {
            "slice": one.key,
            "verdict": one.verdict.value,
            "missing": _missing(one),
            "expected": one.expected_after,
            "unique": one.unique,
            "received": one.received,
            "expected before": one.expected_before,
            "attempts": one.attempts,
        }
        for one in worst[:ROWS]
    ]


def _missing(one: SliceFacts) -> int:
    return 0 if one.expected_after is None else one.expected_after - one.unique


def _count(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"
