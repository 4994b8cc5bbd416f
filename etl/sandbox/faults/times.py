"""Faults in time, applied by the sandbox: records listed later than their timestamps, and wrong clocks."""

from __future__ import annotations

from collections.abc import Callable

from etl.sandbox.faults.fault import Fault


def _seconds(name: str) -> Callable[[str], Fault]:
    return lambda value: Fault(name=name, amount=float(value))


def _jump(value: str) -> Fault:
    """Read AFTER:SECONDS: from that request on the clock is ahead by this much."""
    after, _, seconds = value.partition(":")
    return Fault(name="clock-jump", after=int(after), amount=float(seconds))


KINDS: dict[str, Callable[[str], Fault]] = {
    "lag": _seconds("lag"),
    "clock": _seconds("clock"),
    "clock-jump": _jump,
    "no-date": lambda _: Fault(name="no-date"),
}
