"""The reference page of the audit, rendered from its declarations; `python -m tools.reference` writes it."""

from collections.abc import Iterable, Iterator, Sequence

from etl.audit.properties import BY_DATE, BY_RELATION, DETAILS, MAIN
from etl.audit.tables import SCHEMAS
from etl.audit.words import Profile, Property, profile, profiles, rules

_INTRODUCTION = """# The audit

Rendered from the declarations by `python -m tools.reference`; do not edit.

`datacite-etl audit DEST` checks every record of an exported dataset of DOIs, without sampling. It writes tables and
`audit.html` to `DEST/_etl/audit` (or where `--to` says):

| table | one row per | columns |
|---|---|---|"""
_ROWS = {
    "audit_coverage": "property and slice: all records, a client, provider, year or type",
    "audit_findings": "rule, DOI and value that breaks it",
    "audit_rules": "rule, with its numbers of findings and records",
    "audit_profile": "record and need of the profile (`--profile`)",
    "audit_trend": "property or rule, before and now (`--against`)",
}
_THRESHOLDS = """
With `--fail-under NAME=SHARE`, the exit code is 4 if a share is below the threshold. NAME is a property (share of its
entries), a rule (share of records without a finding), or the profile of `--profile` (share of records that meet all
essential needs).

A file in `etl/audit/rules/` that ends in `RULES` adds rules. A profile of your own is a Python file that ends in
`PROFILE = Profile(…)`, like those in `etl/audit/profiles/`: `datacite-etl audit out --profile ./ours.py`."""


def audit() -> str:
    """Render tables, properties, rules and profiles as Markdown."""
    lines = [_INTRODUCTION]
    lines += [f"| `{name}` | {rows} | {_names(SCHEMAS[name])} |" for name, rows in _ROWS.items()]
    lines += [_THRESHOLDS, "", "## Properties", ""]
    lines += _table(["name", "property", "number", "level", "share of"], map(_property, [*MAIN, *DETAILS]))
    lines += ["", f"By relation type: {_names(declared.id for declared in BY_RELATION)}.", ""]
    lines += [f"By date type: {_names(declared.id for declared in BY_DATE)}.", "", "## Rules", ""]
    head = ["name", "severity", "finds", "advice"]
    lines += _table(head, ([f"`{r.id}`", r.severity.value, r.title, r.advice] for r in rules()))
    for name in profiles():
        lines += ["", *_profile(profile(name))]
    return "\n".join(lines) + "\n"


def _property(own: Property) -> list[str]:
    return [f"`{own.id}`", own.title, own.number, own.level.value, own.unit or "records"]


def _profile(own: Profile) -> Iterator[str]:
    essential = ", ".join(own.groups[group].lower() for group in own.essential)
    star = f" ★: {own.star}." if own.star else ""
    yield from [f"## Profile `{own.name}`", "", f"{own.title}. {own.description} Essential: {essential}.{star}", ""]
    rows = ([f"{need.title}{' ★' * need.star}", need.number, own.groups[need.group]] for need in own.needs)
    yield from _table(["property", "number", "group"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
