"""Thresholds: the shares that a user requires, checked before the audit runs and judged after it."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.audit.properties import PROPERTIES
from etl.audit.tables import Audit
from etl.audit.words import profiles, rules
from etl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A share that must be reached: of a property, of records without a finding, or that meet a profile."""

    name: str
    share: float


def thresholds(texts: Iterable[str], *, extra: Sequence[str] = ()) -> tuple[Threshold, ...]:
    """Read `NAME=SHARE`; UsageError with the nearest name for anything else; `extra` are further valid names."""
    return tuple(_threshold(text, [*names(), *extra]) for text in texts)


def missed_thresholds(audit: Audit, required: Sequence[Threshold]) -> list[str]:
    """Say which thresholds are missed, and by how much; an unknown share misses its threshold."""
    reached = shares(audit)
    shares_now = [(threshold, reached.get(threshold.name)) for threshold in required]
    return [_miss(threshold, share) for threshold, share in shares_now if share is None or share < threshold.share]


def _miss(threshold: Threshold, share: float | None) -> str:
    if share is None:
        return f"{threshold.name} is unknown, but its threshold is {_percent(threshold.share)}"
    return f"{threshold.name} is {_percent(share)}, below the threshold of {_percent(threshold.share)}"


def _percent(share: float) -> str:
    """Write a share so that it never rounds up to its threshold."""
    return f"{math.floor(share * 10_000) / 100:g} %"


def shares(audit: Audit) -> Mapping[str, float | None]:
    """Return every share that a threshold can name."""
    covered = dict(audit.overall().select("property", "share").iter_rows())
    clean = dict(audit.rules.filter("checked").select("rule", 1 - pl.col("share")).iter_rows())
    met = {audit.profile.name: audit.meeting / audit.records} if audit.profile and audit.records else {}
    return {**covered, **clean, **met}


def names() -> list[str]:
    """Name everything that can have a threshold."""
    return [*(declared.id for declared in PROPERTIES), *(rule.id for rule in rules()), *profiles()]


def _threshold(text: str, valid: Sequence[str]) -> Threshold:
    name, equals, number = (part.strip() for part in text.partition("="))
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if not (equals and 0 <= share <= 1):
        raise UsageError(f"--fail-under {text!r} is not NAME=SHARE", fix="write it as --fail-under orcid=0.6")
    return Threshold(name=valid_name("property, rule or profile", name, valid), share=share)


def valid_name(kind: str, name: str, valid: Sequence[str]) -> str:
    """Return the name if it is valid; UsageError with the nearest and, if there are few, all valid names."""
    if name in valid:
        return name
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    names = ", ".join(valid) if len(valid) <= 10 else "in docs/audit.md"
    raise UsageError(f"there is no {kind} {name!r}", fix=f"{hint}valid names are {names}")
