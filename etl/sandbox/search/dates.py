"""Dates of queries: a value of any precision means a span of time, as in Elasticsearch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$"
)
_EPOCH_MS = re.compile(r"-?\d{5,}$")
_LENGTHS = (
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
    timedelta(milliseconds=1),
)


def span(text: str) -> tuple[int, int]:
    """Return the half-open span [start, end) of a date in epoch milliseconds.

    Raises ValueError if the text is not a date.
    """
    if _EPOCH_MS.match(text):
        return int(text), int(text) + 1
    match = _DATE.match(text)
    if match is None:
        raise ValueError(f"not a date: {text}")
    *numbers, fraction, zone = match.groups()
    parts = [int(digits) for digits in numbers if digits is not None]
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    year, month, day, hour, minute, second = parts + [0, 1, 1, 0, 0, 0][len(parts) :]
    start = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC) - _offset(zone)
    return _milliseconds(start), _milliseconds(_end(start, len(parts), with_fraction=fraction is not None))


def _end(start: datetime, precision: int, *, with_fraction: bool) -> datetime:
    if precision == 1:
        return start.replace(year=start.year + 1)
    if precision == 2:
        return (start + timedelta(days=32)).replace(day=1)
    return start + _LENGTHS[4 if with_fraction else precision - 3]


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    assert zone is not None
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return size if zone[0] == "+" else -size


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
