"""Thresholds: the shares that a user demands, checked before the audit runs and judged after it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.audit.properties import PROPERTIES
from etl.audit.tables import Audit
from etl.audit.words import profiles, rules
from etl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A share that must be reached: of a property, of records without a finding, or that meet a profile."""

    name: str
    share: float


def gates(texts: Iterable[str], *, beside: Sequence[str] = ()) -> tuple[Gate, ...]:
    """Read `NAME=SHARE`; UsageError, with the nearest name, for anything else; `beside` are more names there are."""
    return tuple(_gate(text, [*names(), *beside]) for text in texts)


def missed(audit: Audit, demanded: Sequence[Gate]) -> list[str]:
    """Say which demands are not met, and by how much; what cannot be told is not met."""
    reached = shares(audit)
    short = [(gate, reached.get(gate.name)) for gate in demanded]
    return [
        f"{gate.name} is {'unknown' if now is None else f'{now:.4g}'}, not {gate.share:g}"
        for gate, now in short
        if now is None or now < gate.share
    ]


def shares(audit: Audit) -> Mapping[str, float | None]:
    """Return every share that a gate can name."""
    covered = dict(audit.overall().select("property", "share").iter_rows())
    clean = dict(audit.rules.filter("checked").select("rule", 1 - pl.col("share")).iter_rows())
    met = {audit.profile.name: audit.meeting / audit.records} if audit.profile and audit.records else {}
    return {**covered, **clean, **met}


def names() -> list[str]:
    """Name everything that a gate can be about."""
    return [*(each.id for each in PROPERTIES), *(rule.id for rule in rules()), *profiles()]


def _gate(text: str, valid: Sequence[str]) -> Gate:
    name, equals, number = (part.strip() for part in text.partition("="))
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if not (equals and 0 <= share <= 1):
        raise UsageError(f"--fail-under {text!r} is no NAME=SHARE", fix="write it as --fail-under orcid=0.6")
    return Gate(name=known("property, rule or profile", name, valid), share=share)


def known(kind: str, name: str, valid: Sequence[str]) -> str:
    """Return the name if it is valid; UsageError with the nearest and, if there are few, all valid names."""
    if name in valid:
        return name
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    every = ", ".join(valid) if len(valid) <= 10 else "in docs/audit.md"
    raise UsageError(f"there is no {kind} {name!r}", fix=f"{hint}valid names are {every}")
