"""The reference page of the audit, rendered from its declarations; `python -m tools.reference` writes it."""

from collections.abc import Iterable, Iterator, Sequence

from etl.audit.properties import BY_DATE, BY_RELATION, DETAILS, MAIN
from etl.audit.tables import SCHEMAS
from etl.audit.words import Profile, Property, profile, profiles, rules

_INTRODUCTION = """# The audit

Rendered from the declarations by `python -m tools.reference`; do not edit.

`datacite-etl audit DEST` checks every record of an exported dataset of DOIs, none is sampled, and leaves tables and
`audit.html` in `DEST/_etl/audit` (or where `--to` says):

| table | a row is | columns |
|---|---|---|"""
_ROWS = {
    "audit_coverage": "a property and a slice: all records, a client, provider, year or type",
    "audit_findings": "a rule, a DOI and a value that breaks it",
    "audit_rules": "a rule, and how many findings and records it has",
    "audit_profile": "a record and a need of the profile (`--profile`)",
    "audit_trend": "a property or rule, before and now (`--against`)",
}
_GATES = """
`--fail-under NAME=SHARE` ends in exit code 4 if a share is below. NAME is a property below (share of its entries), a
rule (share of records without a finding), or the profile of `--profile` (share of records that meet what is essential).

A file in `etl/audit/rules/` that ends in `RULES` adds rules. A profile of your own is a Python file that ends in
`PROFILE = Profile(…)`, as those in `etl/audit/profiles/` do: `datacite-etl audit out --profile ./ours.py`."""


def audit() -> str:
    """Render tables, properties, rules and profiles as Markdown."""
    lines = [_INTRODUCTION]
    lines += [f"| `{name}` | {said} | {_names(SCHEMAS[name])} |" for name, said in _ROWS.items()]
    lines += [_GATES, "", "## Properties", ""]
    lines += _table(["name", "property", "number", "level", "share of"], map(_property, [*MAIN, *DETAILS]))
    lines += ["", f"By type of relation: {_names(each.id for each in BY_RELATION)}.", ""]
    lines += [f"By type of date: {_names(each.id for each in BY_DATE)}.", "", "## Rules", ""]
    head = ["name", "severity", "finds", "advice"]
    lines += _table(head, ([f"`{r.id}`", r.severity.value, r.title, r.advice] for r in rules()))
    for name in profiles():
        lines += ["", *_profile(profile(name))]
    return "\n".join(lines) + "\n"


def _property(own: Property) -> list[str]:
    return [f"`{own.id}`", own.title, own.number, own.level.value, own.each or "records"]


def _profile(own: Profile) -> Iterator[str]:
    essential = ", ".join(own.groups[group].lower() for group in own.essential)
    star = f" ★: {own.star}." if own.star else ""
    yield from [f"## Profile `{own.name}`", "", f"{own.title}. {own.description} Must be met: {essential}.{star}", ""]
    rows = ([f"{need.title}{' ★' * need.star}", need.number, own.groups[need.group]] for need in own.needs)
    yield from _table(["property", "number", "group"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
