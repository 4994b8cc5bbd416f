"""Progress on stderr: a live bar on a terminal, plain lines otherwise; subscribes to the events of a run."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from etl.cli.show import note
from etl.events import Event, Noted, Observe, PageFetched, PartWritten, Planned, Retried, SliceDone, ignore

QUIET_SECONDS = 5.0
"""Plain lines come at most this often, warnings aside."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Observe]:
    """Yield an observer that shows a run on stderr; `quiet` shows warnings only."""
    if quiet:
        yield _warnings
    elif sys.stderr.isatty():
        with _bar() as observe:
            yield observe
    else:
        yield Lines()


def _warnings(event: Event) -> None:
    if isinstance(event, Noted):
        note(event.text)
    else:
        ignore(event)


class Lines:
    """Progress as plain lines for logs. State: the counts so far and when the last line was written."""

    def __init__(self) -> None:
        self._records = self._expected = self._slices = self._done = self._retries = 0
        self._started = self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Count the event and write a line if one is due."""
        match event:
            case Planned():
                self._expected, self._slices = event.records, event.slices
                note(f"planned: {event.records:,} records in {event.slices} slices, about {event.requests} requests")
            case PageFetched():
                self._records += event.records
            case SliceDone():
                self._done += 1
                self._records += event.records if event.resumed else 0
            case Retried():
                self._retries += 1
                note(f"retry {event.attempt} in {event.delay:.1f} s: {event.reason}")
            case PartWritten():
                note(f"written: part {event.part_key}, {event.rows:,} rows in {event.files} files")
            case Noted():
                note(event.text)
        self._due()

    def _due(self) -> None:
        now = time.monotonic()
        if now - self._last < QUIET_SECONDS:
            return
        self._last = now
        rate = self._records / max(now - self._started, 0.001)
        note(
            f"{self._records:,} of {self._expected:,} records, {self._done} of {self._slices} slices, "
            f"{rate:,.0f} records/s, {self._retries} retries"
        )


@contextmanager
def _bar() -> Iterator[Observe]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("counting", total=None)

        def say(text: str) -> None:
            bar.console.print(text, markup=False, highlight=False)

        def observe(event: Event) -> None:
            match event:
                case Planned():
                    bar.update(task, total=event.records, description="records")
                case PageFetched():
                    bar.advance(task, event.records)
                case SliceDone() if event.resumed:
                    bar.advance(task, event.records)
                case Retried():
                    say(f"retry {event.attempt} in {event.delay:.1f} s: {event.reason}")
                case Noted():
                    say(event.text)

        yield observe
