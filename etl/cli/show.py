"""What commands print: one JSON object on stdout with --json, otherwise text for people; errors in one line."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from etl.errors.redaction import dumped, safe_json, shown
from etl.events import retried
from etl.schema.declarations import Json


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: what happened, the fix, and the exit code."""

    message: str
    fix: str
    exit_code: int

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


INTERRUPTED = Failure("interrupted", "run the same command again to resume", 130)


def as_json(value: Mapping[str, Json]) -> None:
    """Print the one JSON object of a command."""
    sys.stdout.write(dumped(value) + "\n")
    sys.stdout.flush()


def line(text: str) -> None:
    """Print a line of the command's result for people."""
    sys.stdout.write("\n".join(map(shown, text.split("\n"))) + "\n")


def requests(summary: Mapping[str, Json]) -> str:
    """Write the numbers of requests and retries: `5, no retries`."""
    return f"{summary['requests']:,}, {retried(summary['retries'])}"


def as_received(record: bytes) -> None:
    """Print a record as received, on one line."""
    sys.stdout.write(safe_json(record.decode("utf-8", "replace").replace("\n", " ")) + "\n")


def note(text: str) -> None:
    """Print a line on stderr, apart from the result."""
    sys.stderr.write(shown(text) + "\n")
    sys.stderr.flush()


def fail(failure: Failure, *, json: bool) -> int:
    """Report a failure in one line on stderr, with `json` also as JSON on stdout; return its exit code."""
    note("datacite-etl: " + " ".join(str(failure).split()))
    if json:
        with suppress(OSError):  # the message is on stderr already
            as_json({"error": failure.message, "fix": failure.fix, "exit_code": failure.exit_code})
    return failure.exit_code


def columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as left-aligned columns; the first row is the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
