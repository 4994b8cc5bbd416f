"""The providers, clients and prefixes of a corpus, their relationships, and their resource objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from etl.sandbox.answer import Json
from etl.sandbox.content.dice import dice
from etl.sandbox.content.identifiers import ror
from etl.sandbox.content.vocabulary import INSTITUTES

TCIA = "nihnci.tcia"
_KNOWN = (
    ("cern.zenodo", "Zenodo", ("10.5281",)),
    ("gbif.gbif", "Global Biodiversity Information Facility", ("10.15468", "10.21373")),
    ("figshare.ars", "figshare Academic Research System", ("10.6084",)),
    ("dryad.dryad", "DRYAD", ("10.5061",)),
    (TCIA, "The Cancer Imaging Archive", ("10.7937",)),
    ("tib.pangaea", "PANGAEA", ("10.1594",)),
)
_CONSORTIUM_EVERY = 7
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COUNTRIES = (("US", "AMER"), ("DE", "EMEA"), ("GB", "EMEA"), ("JP", "APAC"), ("BR", "AMER"), (None, None))


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Client and provider resource objects; `client_ids` may name clients without an object."""

    client_ids: Sequence[str]
    providers_of_clients: Sequence[str | None]
    prefixes_of_clients: Sequence[Sequence[str]]
    clients: Mapping[str, Json] = field(default_factory=dict)
    providers: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def consortium_of(self) -> Mapping[str, str]:
        """The consortium of each provider that belongs to one."""
        links = {name: provider.get("relationships", {}).get("consortium") for name, provider in self.providers.items()}
        return {name: link["data"]["id"] for name, link in links.items() if link and link.get("data")}

    def of_clients(self, wanted: Sequence[str]) -> list[int]:
        """Return the numbers of clients by id, whatever the case."""
        ids = {name.lower() for name in wanted}
        return [number for number, name in enumerate(self.client_ids) if name in ids]

    def of_providers(self, wanted: Sequence[str]) -> list[int]:
        """Return the numbers of the clients of providers."""
        ids = {name.lower() for name in wanted}
        return [number for number, name in enumerate(self.providers_of_clients) if name in ids]

    def of_consortia(self, wanted: Sequence[str]) -> list[int]:
        """Return the numbers of the clients whose provider belongs to one of the consortia."""
        ids = {name.lower() for name in wanted}
        members = [name for name, consortium in self.consortium_of.items() if consortium in ids]
        return self.of_providers(members)


def size_of_roster(records: int) -> int:
    """Return the number of clients of a corpus."""
    return max(20, records // 2000)


def build_roster(records: int, seed: int) -> Roster:
    """Make the clients of a corpus and about a fifth as many providers, some of them consortia."""
    chance = dice(seed, "organisations")
    count = size_of_roster(records)
    provider_ids = _provider_ids(chance, max(len(_KNOWN) + 3, count // 5))
    ids = [name for name, _, _ in _KNOWN] + _made_ids(chance, count - len(_KNOWN), provider_ids)
    owners = [name.partition(".")[0] for name in ids]
    prefixes = [list(known) for _, _, known in _KNOWN]
    prefixes += [
        [f"10.{60_000 + 3 * number + extra}" for extra in range(1 + number % 3)] for number in range(count - 6)
    ]
    clients = {
        name: _client(dice(seed, "client", name), name, number, prefixes[number]) for number, name in enumerate(ids)
    }
    providers = _providers(seed, provider_ids, ids, prefixes)
    return Roster(
        client_ids=ids,
        providers_of_clients=owners,
        prefixes_of_clients=prefixes,
        clients=clients,
        providers=providers,
    )


def _word(chance: Random, length: int) -> str:
    return "".join(chance.choice(_LETTERS) for _ in range(length))


def _provider_ids(chance: Random, count: int) -> list[str]:
    ids = dict.fromkeys(name.partition(".")[0] for name, _, _ in _KNOWN)
    while len(ids) < count:
        ids[_word(chance, 4)] = None
    return list(ids)


def _made_ids(chance: Random, count: int, provider_ids: Sequence[str]) -> list[str]:
    ids: dict[str, None] = {}
    while len(ids) < count:
        owner = provider_ids[int(len(provider_ids) * chance.random() ** 2)]
        ids[f"{owner}.{_word(chance, 6)}"] = None
    return list(ids)


_LAST_DAY = "2026-10-31"
"""No record has a later date."""


def _day(chance: Random, year: int) -> str:
    return f"{year}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}T{chance.randrange(24):02d}:41:25.000Z"


def _lately(chance: Random, year: int) -> int:
    return 2026 if chance.random() < 0.2 else max(year + 1, 2019)


def _link(kind: str, ids: Sequence[str]) -> Json:
    return {"data": [{"id": identifier, "type": kind} for identifier in ids]}


def _client(chance: Random, name: str, number: int, prefixes: Sequence[str]) -> Json:
    title = _KNOWN[number][1] if number < len(_KNOWN) else f"{chance.choice(INSTITUTES)} Repository {number}"
    year = chance.randrange(2009, 2026)
    return {
        "id": name,
        "type": "clients",
        "attributes": {
            "name": title,
            "symbol": name.upper(),
            "year": year,
            "alternateName": chance.choice((None, title[:12])),
            "description": chance.choice((None, f"{title} keeps\nand cites research data.")),
            "language": chance.choice(([], ["en"], ["de", "en"])),
            "clientType": chance.choice(("repository", "repository", "repository", "periodical", "igsnCatalog")),
            "domains": chance.choice(("*", f"{name.partition('.')[2]}.example.org,data.example.org")),
            "re3data": chance.choice((None, f"https://doi.org/10.17616/r3{number:04d}")),
            "opendoar": None,
            "issn": chance.choice(({}, [], None, {"issnl": "2049-3630", "electronic": "2049-3630"})),
            "url": chance.choice((None, f"https://{name}.example.org/")),
            "created": _day(chance, year),
            "updated": min(_day(chance, _lately(chance, year))[:10], _LAST_DAY) + "T01:30:34.000Z",
            "isActive": chance.random() < 0.97,
        },
        "relationships": {
            "provider": {"data": {"id": name.partition(".")[0], "type": "providers"}},
            "prefixes": _link("prefixes", prefixes),
        },
    }


def _providers(
    seed: int, ids: Sequence[str], client_ids: Sequence[str], prefixes: Sequence[Sequence[str]]
) -> dict[str, Json]:
    clients: dict[str, list[int]] = {name: [] for name in ids}
    for number, name in enumerate(client_ids):
        clients[name.partition(".")[0]].append(number)
    consortia = ids[len(_KNOWN) :: _CONSORTIUM_EVERY]
    providers = {}
    for number, name in enumerate(ids):
        chance = dice(seed, "provider", name)
        provider = _provider(chance, name, number)
        provider["relationships"] = {
            "clients": _link("clients", [client_ids[client] for client in clients[name]]),
            "prefixes": _link("prefixes", [prefix for client in clients[name] for prefix in prefixes[client]]),
        }
        providers[name] = provider
    _group(providers, consortia)
    return providers


def _group(providers: dict[str, Json], consortia: Sequence[str]) -> None:
    members: dict[str, list[str]] = {name: [] for name in consortia}
    for number, (name, provider) in enumerate(providers.items()):
        if name in members:
            provider["attributes"]["memberType"] = "consortium"
        elif consortia and number % 3 == 0:
            members[consortia[number % len(consortia)]].append(name)
            provider["attributes"]["memberType"] = "consortium_organization"
            provider["relationships"]["consortium"] = {
                "data": {"id": consortia[number % len(consortia)], "type": "providers"}
            }
    for name, names in members.items():
        providers[name]["relationships"]["consortiumOrganizations"] = _link("providers", names)


def _provider(chance: Random, name: str, number: int) -> dict[str, Json]:
    country, region = chance.choice(_COUNTRIES)
    title = "National Cancer Institute" if name == "nihnci" else f"{chance.choice(INSTITUTES)} {number}"
    return {
        "id": name,
        "type": "providers",
        "attributes": {
            "name": title,
            "displayName": title,
            "symbol": name.upper(),
            "website": chance.choice((None, f"https://{name}.example.org")),
            "description": chance.choice(
                (None, "", f"{title} serves researchers.\r\n\r\n[Read more](https://x.example)")
            ),
            "region": region,
            "country": country,
            "logoUrl": None,
            "memberType": "direct_member",
            "organizationType": chance.choice(("academicInstitution", "researchInstitution", "governmentAgency", None)),
            "focusArea": chance.choice(("general", "naturalSciences", "medicalAndHealthSciences", None)),
            "nonProfitStatus": chance.choice(("non-profit", "non-profit", "for-profit")),
            "isActive": True,
            "joined": chance.choice((None, f"20{chance.randrange(10, 26)}-03-01")),
            "rorId": chance.choice((None, ror(31_337 * (number + 1)))),
            "created": _day(chance, chance.randrange(2009, 2018)),
            "updated": _day(chance, chance.randrange(2018, 2026)),
            "doiEstimate": chance.choice((0, 1000, 25_000)),
        },
    }
