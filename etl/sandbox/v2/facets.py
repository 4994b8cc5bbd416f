"""Facets of `/dois` (api-notes 4.10): shapes, sizes and cut-offs; off unless `disable-facets=false`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from etl.sandbox.answer import Json
from etl.sandbox.content.templates import LAST_YEAR
from etl.sandbox.corpus import Snapshot
from etl.sandbox.pool import Scalar
from etl.sandbox.v2.context import Asked, bucket

_TEN = 10
_SNAKE = re.compile(r"[_-]([a-z])")
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese", "pt": "Portuguese"}


@dataclass(frozen=True)
class Counted:
    """The matching rows, counted by template and by client."""

    snapshot: Snapshot
    rows: pl.DataFrame

    @cached_property
    def templates(self) -> dict[int, int]:
        """The number of records of each template."""
        return _by(self.rows, "template")

    @cached_property
    def clients(self) -> dict[int, int]:
        """The number of records of each client."""
        return _by(self.rows.drop_nulls("client"), "client")

    def terms(self, values: Sequence[Sequence[Scalar]]) -> Counter[str]:
        """Count records by value, each value once per record; `values` has one tuple per template."""
        counts: Counter[str] = Counter()
        for template, count in self.templates.items():
            for text in dict.fromkeys(str(value) for value in values[template]):
                counts[text] += count
        return counts

    def path(self, path: str) -> Counter[str]:
        """Count records by the values under a path."""
        return self.terms(self.snapshot.pool.values(path))

    def years(self, column: str) -> Counter[str]:
        """Count records by the year of a column."""
        year = pl.from_epoch(column, time_unit="ms").dt.year().cast(pl.String)
        return Counter(_by(self.rows.select(year=year).drop_nulls(), "year"))

    def total(self, path: str) -> int:
        """Sum a number over all records."""
        values = self.snapshot.pool.values(path)
        return sum(count * _first_number(values[template]) for template, count in self.templates.items())


def _by(rows: pl.DataFrame, column: str) -> dict[Json, int]:
    counted = rows.group_by(column).len().sort(column)
    return dict(zip(counted[column].to_list(), counted["len"].to_list(), strict=True))


def _first_number(values: Sequence[Scalar]) -> int:
    return int(values[0]) if values and isinstance(values[0], int) else 0


def facets(asked: Asked, matching: pl.Series) -> dict[str, Json]:
    """Return the requested facets; none if nothing matches."""
    if asked.params.plain.get("disable_facets", "true") != "false" or not len(matching):
        return {}
    asked_for = [_SNAKE.sub(lambda match: match[1].upper(), name) for name in asked.params.listed("facets")]
    counted = Counted(asked.snapshot, asked.snapshot.frame[matching])
    return {name: _FACETS[name](counted) for name in asked_for or _USUAL if name in _FACETS}


def _top(counts: Counter[str], size: int, title: Callable[[str], str] = str) -> list[Json]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [bucket(name, title(name), count) for name, count in ordered[:size]]


def _newest(counts: Counter[str], size: int) -> list[Json]:
    return [bucket(name, name, count) for name, count in sorted(counts.items(), reverse=True)[:size]]


def _spaced(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").title()


def _resource_types(counted: Counted) -> list[Json]:
    return _top(counted.terms(counted.snapshot.pool.resource_types()), 34, _spaced)


def _published(counted: Counted) -> list[Json]:
    years = Counter[str]()
    for text, count in counted.path("published").items():
        if re.match(r"\d{4}(-|$)", text) and int(text[:4]) <= LAST_YEAR:
            years[text[:4]] += count
    return _newest(years, LAST_YEAR - 2010 + 1)


def _states(counted: Counted) -> list[Json]:
    return [bucket("findable", "Findable", len(counted.rows))]


def _of_clients(counted: Counted, name_of: Callable[[int], str | None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number, count in counted.clients.items():
        name = name_of(number)
        if name is not None:
            counts[name] += count
    return counts


def _clients(counted: Counted) -> list[Json]:
    roster = counted.snapshot.roster
    names = _of_clients(counted, lambda number: roster.client_ids[number])
    return _top(names, _TEN, lambda name: _name(roster.clients.get(name), name))


def _providers(counted: Counted) -> list[Json]:
    roster = counted.snapshot.roster
    names = _of_clients(counted, lambda number: roster.providers_of_clients[number])
    return _top(names, _TEN, lambda name: _name(roster.providers.get(name), name))


def _client_types(counted: Counted) -> list[Json]:
    roster = counted.snapshot.roster

    def kind(number: int) -> str | None:
        client = roster.clients.get(roster.client_ids[number])
        return client["attributes"].get("clientType") if client else None

    titles = {"igsnCatalog": "IGSN ID Catalog", "raidRegistry": "RAiD Registry"}
    return _top(_of_clients(counted, kind), 4, lambda name: titles.get(name, name.title()))


def _name(resource: Json, otherwise: str) -> str:
    return str(resource["attributes"].get("name", otherwise)) if resource else otherwise


def _prefixes(counted: Counted) -> list[Json]:
    prefix = counted.rows.select(prefix=pl.col("uid").str.extract("^([^/]+)/")).drop_nulls()
    return _top(Counter(_by(prefix, "prefix")), _TEN)


def _affiliations(counted: Counted) -> list[Json]:
    titles = _titles(counted, "affiliation", "affiliationIdentifier")
    names = counted.path("creators.affiliation.affiliationIdentifier")
    known = Counter({name.removeprefix("https://"): count for name, count in names.items()})
    return _top(known, _TEN, lambda name: titles.get(f"https://{name}", name))


def _authors(counted: Counted) -> list[Json]:
    titles = _titles(counted, "nameIdentifiers", "nameIdentifier")
    names = counted.path("creators.nameIdentifiers.nameIdentifier")
    known = Counter({name: count for name, count in names.items() if name.startswith("https://orcid.org/")})
    return _top(known, _TEN, lambda name: titles.get(name, name))


def _titles(counted: Counted, group: str, identifier: str) -> dict[str, str]:
    """Find a name for each identifier among the creators of the templates."""
    titles: dict[str, str] = {}
    for template in counted.templates:
        for person in _dicts(counted.snapshot.pool.attributes(template).get("creators")):
            for entry in _dicts(person.get(group)):
                if entry.get(identifier):
                    titles.setdefault(entry[identifier], entry.get("name") or person.get("name") or "")
    return titles


def _dicts(value: Json) -> Iterable[dict[str, Json]]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def _schema_versions(counted: Counted) -> list[Json]:
    versions = Counter({name.rpartition("-")[2]: count for name, count in counted.path("schemaVersion").items()})
    return _top(versions, _TEN, lambda name: f"Schema {name}")


def _fields_of_science(counted: Counted) -> list[Json]:
    fields = {name: count for name, count in counted.path("subjects.subject").items() if name.startswith("FOS: ")}
    known = Counter({name[5:].lower().replace(" ", "_"): count for name, count in fields.items()})
    return _top(known, _TEN, lambda name: name.replace("_", " ").capitalize())


def _licenses(counted: Counted) -> list[Json]:
    return _top(counted.path("rightsList.rightsIdentifier"), _TEN, str.upper)


def _licenses_with_missing(counted: Counted) -> list[Json]:
    values = counted.snapshot.pool.values("rightsList.rightsIdentifier")
    missing = sum(count for template, count in counted.templates.items() if not values[template])
    known = counted.path("rightsList.rightsIdentifier")
    known["__missing__"] = missing
    return _top(known, _TEN + 1, lambda name: "Unknown" if name == "__missing__" else name.upper())


def _sums(path: str) -> Callable[[Counted], list[Json]]:
    def sums(counted: Counted) -> list[Json]:
        years, values = (counted.snapshot.pool.values(name) for name in ("publicationYear", path))
        counts: Counter[str] = Counter()
        for template, count in counted.templates.items():
            if years[template]:
                counts[str(years[template][0])] += count * _first_number(values[template])
        return _newest(+counts, _TEN)

    return sums


def _empty(counted: Counted) -> list[Json]:
    del counted
    return []


_USUAL: dict[str, Callable[[Counted], Json]] = {
    "states": _states,
    "resourceTypes": _resource_types,
    "created": lambda counted: _newest(counted.years("created"), _TEN),
    "published": _published,
    "registered": lambda counted: _newest(counted.years("registered"), _TEN),
    "providers": _providers,
    "clients": _clients,
    "affiliations": _affiliations,
    "prefixes": _prefixes,
    "certificates": _empty,
    "licenses": _licenses,
    "schemaVersions": _schema_versions,
    "linkChecksStatus": _empty,
    "subjects": lambda counted: _top(counted.path("subjects.subject"), _TEN),
    "fieldsOfScience": _fields_of_science,
    "citations": _sums("citationCount"),
    "views": _sums("viewCount"),
    "downloads": _sums("downloadCount"),
}
_FACETS: dict[str, Callable[[Counted], Json]] = {
    **_USUAL,
    "clientTypes": _client_types,
    "licensesWithMissing": _licenses_with_missing,
    "languages": lambda counted: _top(counted.path("language"), _TEN, lambda name: _LANGUAGES.get(name, name)),
    "registrationAgencies": lambda counted: [bucket("datacite", "DataCite", len(counted.rows))],
    "authors": _authors,
    "creatorsAndContributors": _authors,
    "funders": lambda counted: _top(counted.path("fundingReferences.funderIdentifier"), 200),
    "openLicenses": _licenses,
    "citationCount": lambda counted: counted.total("citationCount"),
    "viewCount": lambda counted: counted.total("viewCount"),
    "downloadCount": lambda counted: counted.total("downloadCount"),
}
