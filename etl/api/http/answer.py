"""Answers as they arrive, and as they are read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An answer as it came over the wire, still compressed; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    payload: bytes
    seconds: float
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with its body decoded; `wire_bytes` is what travelled."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int
    seconds: float
    url: str
