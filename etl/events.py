"""What a run reports: frozen events to one `observe` callable; logs, progress bars and Prefect subscribe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Slices are planned: how many, and how many records the API counts in them, or None if that is not known yet.

    `noun` is what the run calls a record.
    """

    slices: int
    records: int | None
    requests: int
    noun: str = "record"

    def __str__(self) -> str:
        if self.records is None:
            return counted(self.slices, "slice")
        planned = f"{counted(self.records, self.noun)} in {counted(self.slices, 'slice')}"
        return f"{planned}, about {counted(self.requests, 'request')}" if self.requests else planned


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetched:
    """One page has arrived and is staged; `size` is in bytes, as it travelled."""

    slice_key: str
    records: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A request failed and will be sent again after `delay` seconds, or with another page size."""

    url: str
    reason: str
    attempt: int
    delay: float
    page_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDone:
    """A slice has its receipt; `resumed` if it had one before this run."""

    slice_key: str
    records: int
    expected: int
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWritten:
    """The tables of some neighbouring slices are staged as files."""

    part_key: str
    rows: int
    files: int

    def __str__(self) -> str:
        return f"part {self.part_key}, {counted(self.rows, 'row')} in {counted(self.files, 'file')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something a person should read: a warning or a hint, one sentence."""

    text: str


Event = Planned | PageFetched | Retried | SliceDone | PartWritten | Noted
Observe = Callable[[Event], None]


def counted(number: int, noun: str) -> str:
    """Write a number of things: `1 slice`, `1,200 slices`, `3 retries`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def retried(number: int) -> str:
    """Write a number of retries: `no retries`, `1 retry`."""
    return counted(number, "retry") if number else "no retries"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write the first of some names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def ignore(event: Event) -> None:
    """Observe nothing."""
    del event
