"""What Prefect shows of a run: events of `etl` as log lines, proofs as artifacts. Nothing is decided here."""

from collections.abc import Callable, Mapping, Sequence
from logging import Logger, LoggerAdapter

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from etl.declare import Json
from etl.events import Event, Noted, PartWritten, Planned, Retried, SliceDone
from etl.run import Outcome

ROWS = 500
"""Slices shown in the table artifact, the worst first: Prefect keeps artifacts in its database."""


def log(logger: "Logger | LoggerAdapter[Logger]") -> Callable[[Event], None]:
    """Return an observer that writes events to a flow run's log; pages are too many to be told one by one."""

    def observe(event: Event) -> None:
        match event:
            case Planned():
                logger.info("%d records in %d slices, about %d requests", event.records, event.slices, event.requests)
            case SliceDone():
                logger.info("slice %s: %d of %d records", event.slice_key, event.records, event.expected)
            case PartWritten():
                logger.info("part %s: %d rows in %d files", event.part_key, event.rows, event.files)
            case Retried():
                logger.warning("retry %d in %.1f s: %s", event.attempt, event.delay, event.reason)
            case Noted():
                logger.warning("%s", event.text)

    return observe


async def artifacts(outcome: Outcome, report: str) -> None:
    """Put a run's completeness, its rows by table and the way to its report where Prefect shows them."""
    proof = outcome.proof
    totals = proof["totals"]
    told = f"{proof['verdict']}: {totals['unique']} of {totals['expected_after']} records of {proof['resource']}"
    await acreate_table_artifact(key="completeness", table=completeness(proof["slices"]), description=told)
    rows = [{"table": name, "rows": facts["rows"]} for name, facts in proof["tables"].items()]
    await acreate_table_artifact(key="tables", table=rows, description="Rows by table")
    await acreate_markdown_artifact(key="report", markdown=f"{told}\n\nReport: `{report}`", description="Report")


def completeness(slices: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """Return a row a slice, those with most records missing first, at most ROWS of them."""
    names = ("key", "verdict", "expected_before", "expected_after", "received", "unique", "attempts")
    rows = [{**{name: one[name] for name in names}, "missing": _missing(one)} for one in slices]
    return sorted(rows, key=lambda row: (-row["missing"], row["key"]))[:ROWS]


def _missing(one: Mapping[str, Json]) -> int:
    return int((one["expected_after"] or 0) - one["unique"])
