"""Progress on stderr: a live bar on a terminal, plain lines otherwise; subscribes to the events of a run."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

from etl.cli.show import note
from etl.errors.redaction import shown
from etl.events import (
    Event,
    Noted,
    Observe,
    PageFetched,
    PartWritten,
    Planned,
    Retried,
    SliceDone,
    counted,
    ignore,
    retried,
)
from etl.settings import UNLIMITED, WINDOW_SECONDS

QUIET_SECONDS = 5.0
"""Minimum interval between plain lines, except warnings."""


@contextmanager
def progress(*, quiet: bool = False, verbose: bool = False, rate: int = UNLIMITED) -> Iterator[Observe]:
    """Yield an observer that shows a run on stderr: with `quiet` only warnings, with `verbose` a line per page.

    `rate` is the number of requests per 5 minutes, for the estimate of the remaining time.
    """
    if quiet:
        yield _warnings
    elif sys.stderr.isatty() and not verbose:
        with _bar(rate) as observe:
            yield observe
    else:
        yield Lines(rate, verbose=verbose)


def _warnings(event: Event) -> None:
    if isinstance(event, Noted):
        note(event.text)
    else:
        ignore(event)


class Course:
    """Progress of a run and its estimated end. State: the counts so far."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._started = clock()
        self.records = self.fetched = self.expected = self.slices = self.done = self.retries = 0
        self._requests = self._planned = 0
        self._under_way: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Count the event."""
        match event:
            case Planned():
                self.expected += event.records or 0
                self.slices += event.slices
                self._planned += event.requests
            case PageFetched():
                self.records += event.records
                self.fetched += event.records
                self._under_way[event.slice_key] += event.records
                self._requests += 1
            case SliceDone():
                self.done += 1
                # Pages that an earlier run staged count, but were not fetched; a page may arrive twice.
                self.records += event.records - self._under_way.pop(event.slice_key, 0)
            case Retried():
                self.retries += 1
                self._requests += 1

    @property
    def speed(self) -> float:
        """Records per second, of those that this run fetched."""
        return self.fetched / max(self._clock() - self._started, 0.001)

    def left(self) -> float | None:
        """Return the remaining seconds, by the speed so far and by the rate limit; None if unknown."""
        more = max(self.expected - self.records, 0)
        if not self.fetched:
            return None
        requests = self._planned * more / max(self.expected, 1)
        # Requests of the first window may be sent at once; after that, the rate is the limit.
        spent = min(self._requests, self._rate) if self._clock() - self._started < WINDOW_SECONDS else self._rate
        waiting = max(requests - (self._rate - spent), 0) / self._rate * WINDOW_SECONDS
        return max(more / self.speed, waiting)


class Lines:
    """Progress as plain lines for logs. State: the run's course, and when the last line was written."""

    def __init__(self, rate: int, *, verbose: bool = False) -> None:
        self._course = Course(rate)
        self._rate = rate
        self._verbose = verbose
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Count the event and write a line if one is due."""
        self._course(event)
        match event:
            case Planned():
                note(_planned(event, self._rate))
            case Retried():
                note(f"retry {event.attempt} in {event.delay:.1f} s: {event.reason}")
            case PartWritten():
                note(f"written: {event}")
            case Noted():
                note(event.text)
            case PageFetched() if self._verbose:
                what = f"{counted(event.records, 'record')}, {counted(event.size, 'byte')}"
                note(f"page of slice {event.slice_key}: {what} in {event.seconds:.1f} s")
            case SliceDone() if self._verbose:
                again = ", from an earlier run" if event.resumed else ""
                note(f"slice {event.slice_key}: {event.records:,} of {event.expected:,} records{again}")
        self._due()

    def _due(self) -> None:
        now = time.monotonic()
        if now - self._last < QUIET_SECONDS:
            return
        self._last = now
        course = self._course
        of = f" of {course.expected:,}" if course.expected else ""
        speed = f", {course.speed:,.0f} records/s, {retried(course.retries)}" if course.fetched else ""
        slices = f"{course.done} of {counted(course.slices, 'slice')}"
        note(f"{course.records:,}{of} records, {slices}{speed}{_soon(course)}")


def _planned(event: Planned, rate: int) -> str:
    line = f"planned: {event}"
    waiting = max(0, event.requests - rate) / rate * WINDOW_SECONDS
    return f"{line}, at least {duration(waiting)} at {rate:,} per 5 minutes" if waiting else line


def _soon(course: Course) -> str:
    left = course.left()
    return "" if left is None else f", {duration(left)} left"


def duration(seconds: float) -> str:
    """Write a duration for people."""
    if seconds < 60:
        return f"{ceil(seconds)} s"
    minutes = ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


@contextmanager
def _bar(rate: int) -> Iterator[Observe]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("counting", total=None, left="")
        course = Course(rate)

        def say(text: str) -> None:
            bar.console.print(shown(text), markup=False, highlight=False)

        def observe(event: Event) -> None:
            course(event)
            match event:
                case Planned():
                    bar.update(task, total=event.records, description="records")
                case Retried():
                    say(f"retry {event.attempt} in {event.delay:.1f} s: {event.reason}")
                case Noted():
                    say(event.text)
            bar.update(task, completed=course.records, left=_soon(course).removeprefix(", "))

        yield observe
