"""What a run tells while it goes: frozen events to one `observe` callable; logs, bars and Prefect subscribe."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The slices are known: how many, and the records the API says they hold."""

    slices: int
    records: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetched:
    """One page has arrived and is staged."""

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
    """A slice has its receipt; `resumed` if it had it before this run."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something a person should read: a warning or a hint, one sentence."""

    text: str


Event = Planned | PageFetched | Retried | SliceDone | PartWritten | Noted
Observe = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Observe nothing."""
    del event
