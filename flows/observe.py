"""What Prefect shows of a run: events of `etl` as log lines and live progress, proofs as artifacts; decides nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from logging import Logger, LoggerAdapter
from typing import TYPE_CHECKING

from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from etl.declare import Json
from etl.events import Event, Noted, Observe, PageFetched, PartWritten, Planned, Retried, SliceDone
from flows.steps import slug

if TYPE_CHECKING:
    from etl.many import Ended

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
                told = "%s%d records in %d slices, about %d requests"
                logger.info(told, head, event.records, event.slices, event.requests)
            case SliceDone():
                logger.info("%sslice %s: %d of %d records", head, event.slice_key, event.records, event.expected)
            case PartWritten():
                logger.info("%spart %s: %d rows in %d files", head, event.part_key, event.rows, event.files)
            case Retried():
                logger.warning("%sretry %d in %.1f s: %s", head, event.attempt, event.delay, event.reason)
            case Noted():
                logger.warning("%s%s", head, event.text)

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
                self._slices, self.expected = event.slices, event.records
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


async def artifacts(name: str, proof: Mapping[str, Json]) -> None:
    """Put a run's completeness, its rows by table and the way to its report where Prefect shows them."""
    own, totals = slug(name), proof["totals"]
    told = f"{proof['verdict']}: {totals['unique']} of {totals['expected_after']} records of {proof['resource']}"
    await acreate_table_artifact(
        key=f"completeness-{own}", table=completeness(proof["slices"]), description=f"{told}, the worst slices first"
    )
    rows = [{"table": table, "rows": facts["rows"]} for table, facts in proof["tables"].items()]
    await acreate_table_artifact(key=f"tables-{own}", table=rows, description=f"Rows by table of {name}")
    await acreate_markdown_artifact(key=f"report-{own}", markdown=report(name, told, proof), description="Report")


def report(name: str, told: str, proof: Mapping[str, Json]) -> str:
    """Say in Markdown how a run ended, why, where its report lies, and from when on the next one asks."""
    address = f"{name}/_etl/report.html"
    lines = [f"# {name}", told, *(f"- {reason}" for reason in proof["reasons"][:20])]
    lines.append(f"Report: [{address}]({address if '://' in address else f'file://{address}'})")
    if proof.get("watermark"):
        lines.append(f"Next watermark: `{proof['watermark']}`")
    return "\n\n".join(lines)


async def account(ended: "Sequence[Ended]", key: str) -> None:
    """Put how many exports ended into one table, the worst first."""
    names = ("name", "verdict", "unique", "expected", "requests", "seconds", "error")
    rows = [{name: told.get(name) for name in names} for told in (one.summary() for one in ended)]
    worst = sorted(zip((-one.exit_code for one in ended), range(len(rows)), strict=True))
    table = [rows[number] for _, number in worst]
    await acreate_table_artifact(key=f"run-{key}", table=table, description="How each entry ended")


def completeness(slices: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """Return a row a slice, those with most records missing first, at most ROWS of them."""
    names = ("key", "verdict", "expected_before", "expected_after", "received", "unique", "attempts")
    rows = [{**{name: one[name] for name in names}, "missing": _missing(one)} for one in slices]
    return sorted(rows, key=lambda row: (-row["missing"], row["key"]))[:ROWS]


def _missing(one: Mapping[str, Json]) -> int:
    return int((one["expected_after"] or 0) - one["unique"])
