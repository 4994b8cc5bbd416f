"""Faults on demand: the names of a sandbox's faults, and their implementations.

Faults in transit are in `wire`, faults inside pages in `pages`, a moving index in `drift`, clocks and
lag in `times`, and servers that ignore parts of the request in `replicas`.
"""

from __future__ import annotations

from collections.abc import Callable

from etl.sandbox.faults import drift, pages, replicas, times, wire
from etl.sandbox.faults.fault import Fault, often

__all__ = ["KINDS", "Fault", "parse_fault"]

KINDS: dict[str, Callable[[str], Fault]] = {
    "latency": lambda value: Fault(name="latency", delay=float(value) / 1000),
    "error": wire.error,
    "down": wire.down,
    **{name: often(name, act) for name, act in wire.ACTS.items()},
    **{name: often(name, act) for name, act in pages.ACTS.items()},
    "total": pages.total,
    "heavy": pages.heavy,
    "poison": pages.poison,
    "drift": drift.drift,
    "unlisted": drift.unlisted,
    **times.KINDS,
    **replicas.KINDS,
}


def parse_fault(text: str) -> Fault:
    """Read a fault from `name=value` or `name:value`; raises ValueError with a line that names the known ones."""
    name, _, value = text.replace("=", ":", 1).partition(":")
    read = KINDS.get(name)
    if read is None:
        raise ValueError(f"unknown fault {name!r}; known are {', '.join(KINDS)}")
    try:
        fault = read(value)
    except ValueError as error:
        raise ValueError(f"fault {text!r} cannot be read: {error}") from error
    if not 0 <= fault.share <= 1:
        raise ValueError(f"fault {text!r}: a share is between 0 and 1")
    return fault
