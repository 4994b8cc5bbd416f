"""The filter parameters of `/dois` (api-notes 4.1) as an expression over the index.

Some of them are joined by OR, not by AND: a request for a client and a funder returns the records
of either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_

import polars as pl

from etl.sandbox.params import Params
from etl.sandbox.search import lucene
from etl.sandbox.search.dates import span
from etl.sandbox.search.meaning import EVERYTHING, Scope, meaning

Filter = Callable[[Sequence[str], Scope], pl.Expr]

_YEAR = re.compile(r"\d{4}$")
_ORCID = "https://orcid.org/"


def _one_of(path: str, *, fold: bool = False) -> Filter:
    def select(values: Sequence[str], scope: Scope) -> pl.Expr:
        wanted = {value.lower() for value in values} if fold else set(values)
        return scope.templates(path, lambda value: (str(value).lower() if fold else str(value)) in wanted)

    return select


def _any_of(*filters: Filter) -> Filter:
    return lambda values, scope: reduce(or_, [select(values, scope) for select in filters])


def _with(path: str) -> Filter:
    return lambda _values, scope: scope.templates(path, lambda value: value != "")


def _at_least(path: str) -> Filter:
    def select(values: Sequence[str], scope: Scope) -> pl.Expr:
        match = re.match(r"\d+", values[0])
        least = int(match[0]) if match else 0
        return (
            EVERYTHING if least < 1 else scope.templates(path, lambda value: isinstance(value, int) and value >= least)
        )

    return select


def _prefix(values: Sequence[str], _scope: Scope) -> pl.Expr:
    return reduce(or_, [pl.col("uid").str.starts_with(f"{prefix.lower()}/") for prefix in values])


def _schema_version(values: Sequence[str], scope: Scope) -> pl.Expr:
    return _one_of("schemaVersion")([f"http://datacite.org/schema/kernel-{version}" for version in values], scope)


def _user(values: Sequence[str], scope: Scope) -> pl.Expr:
    people = [name if name.startswith(_ORCID) else _ORCID + name for name in values]
    return _any_of(
        _one_of("creators.nameIdentifiers.nameIdentifier"), _one_of("contributors.nameIdentifiers.nameIdentifier")
    )(people, scope)


def _field_of_science(values: Sequence[str], scope: Scope) -> pl.Expr:
    wanted = {f"FOS: {kind.replace('_', ' ').capitalize()}" for kind in values}
    return scope.templates("subjects.subject", lambda kind: kind in wanted)


def _license(values: Sequence[str], scope: Scope) -> pl.Expr:
    return _one_of("rightsList.rightsIdentifier", fold=True)(values, scope)


def _organization(values: Sequence[str], scope: Scope) -> pl.Expr:
    del values
    return scope.templates("creators.nameType", lambda kind: kind == "Organizational")


def _ror(values: Sequence[str]) -> list[str]:
    return ["https://ror.org/" + identifier.lower().rpartition("/")[2] for identifier in values]


def _affiliation(values: Sequence[str], scope: Scope) -> pl.Expr:
    select = _any_of(
        _one_of("creators.affiliation.affiliationIdentifier"), _one_of("contributors.affiliation.affiliationIdentifier")
    )
    return select(_ror(values), scope)


def _funder(values: Sequence[str], scope: Scope) -> pl.Expr:
    wanted = {value.lower() for value in values} | {f"https://doi.org/{value.lower()}" for value in values}
    return scope.templates("fundingReferences.funderIdentifier", lambda value: str(value).lower() in wanted)


# Joined by OR.
EITHER: dict[str, Filter] = {
    "provider_id": lambda values, scope: scope.clients(scope.roster.of_providers(values)),
    "client_id": lambda values, scope: scope.clients(scope.roster.of_clients(values)),
    "affiliation_id": _affiliation,
    "funder_id": _funder,
    "has_affiliation": _with("creators.affiliation.affiliationIdentifier"),
    "has_organization": _organization,
    "has_funder": _with("fundingReferences.funderName"),
}
# Joined by AND.
EACH: dict[str, Filter] = {
    "consortium_id": lambda values, scope: scope.clients(scope.roster.of_consortia(values)),
    "prefix": _prefix,
    "resource_type_id": lambda values, scope: scope.resource_types(lambda kind: kind in values),
    "resource_type": _one_of("types.resourceType"),
    "schema_version": _schema_version,
    "funded_by": lambda values, scope: _funder(_ror(values), scope),
    "user_id": _user,
    "subject": _one_of("subjects.subject"),
    "field_of_science": _field_of_science,
    "license": _license,
    "source": _one_of("source"),
    "client_type": lambda values, scope: scope.clients(_clients_where(scope, "clientType", values)),
    "re3data_id": lambda values, scope: scope.clients(_clients_where(scope, "re3data", [_re3data(values[0])])),
    "opendoar_id": lambda values, scope: scope.clients(_clients_where(scope, "opendoar", values)),
    "certificate": lambda values, scope: scope.clients(_clients_where(scope, "certificate", values)),
    "affiliation_country": _one_of("creators.affiliation.country"),
    "has_citations": _at_least("citationCount"),
    "has_references": _at_least("referenceCount"),
    "has_parts": _at_least("partCount"),
    "has_part_of": _at_least("partOfCount"),
    "has_versions": _at_least("versionCount"),
    "has_version_of": _at_least("versionOfCount"),
    "has_views": _at_least("viewCount"),
    "has_downloads": _at_least("downloadCount"),
    "has_person": _with("creators.nameIdentifiers.nameIdentifier"),
}
_YEARS = ("created", "registered")
NAMES = frozenset(("query", "published", *_YEARS, *EITHER, *EACH))


def _clients_where(scope: Scope, name: str, values: Sequence[str]) -> list[int]:
    clients = scope.roster.clients
    return [
        number
        for number, client in enumerate(scope.roster.client_ids)
        if client in clients and clients[client]["attributes"].get(name) in values
    ]


def _re3data(value: str) -> str:
    return f"https://doi.org/{value.lower().removeprefix('https://doi.org/')}"


def key(params: Params) -> tuple[tuple[str, str], ...]:
    """Return the parameters on which the selection depends, as a key."""
    return tuple(sorted((name, value) for name, value in params.plain.items() if name in NAMES and value))


def selection(params: Params, scope: Scope) -> pl.Expr:
    """Turn the filter parameters into one expression; raises ValueError with the server's text."""
    either = [select(params.listed(name), scope) for name, select in EITHER.items() if params.listed(name)]
    clauses = [select(params.listed(name), scope) for name, select in EACH.items() if params.listed(name)]
    clauses += [_created_in(name, _years(params.listed(name))) for name in _YEARS if params.listed(name)]
    if params.listed("published"):
        clauses.append(_published_in(_years(params.listed("published")), scope))
    if either:
        clauses.append(reduce(or_, either))
    text = (params.get("query") or "").strip()
    if text:
        clauses.append(meaning(lucene.parse_query(text), scope))
    return reduce(and_, clauses, EVERYTHING)


def _years(values: Sequence[str]) -> tuple[int, int]:
    """Read years: several mean the range from the least to the greatest, in epoch milliseconds."""
    for year in values:
        if not _YEAR.match(year):
            failed = f"failed to parse date field [{year}] with format [yyyy]"
            raise ValueError(f"{failed}: [{failed}]")
    return span(min(values))[0], span(max(values))[1]


def _created_in(name: str, period: tuple[int, int]) -> pl.Expr:
    return ((pl.col(name) >= period[0]) & (pl.col(name) < period[1])).fill_null(value=False)


def _published_in(period: tuple[int, int], scope: Scope) -> pl.Expr:
    def inside(value: str | float) -> bool:
        try:
            return period[0] <= span(str(value))[0] < period[1]
        except ValueError:
            return False

    return scope.templates("published", inside)
