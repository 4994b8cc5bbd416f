"""Repositories, prefixes and their assignments, derived from a roster (api-notes 6.3, 6.4, 6.5, 6.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from etl.sandbox.answer import Json
from etl.sandbox.content.dice import dice
from etl.sandbox.content.organisations import Roster

POOL = 10_500
"""So many prefixes wait for an owner: a list that page numbers cannot reach the end of."""
_TOGETHER = 60
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_SOFTWARE = ("Dataverse", "DSpace", "Invenio", "CKAN", "Fedora Commons", None)
_TYPES = ("disciplinary", "institutional", "multidisciplinary", "governmental", "project-related")
_CERTIFICATES = ("CoreTrustSeal", "CLARIN", "DIN 31644", "WDS")


@dataclass(frozen=True)
class Registrations:
    """Resource objects by id, made on first use; `index` holds what is searched but not shown."""

    roster: Roster

    @cached_property
    def repositories(self) -> Mapping[str, Json]:
        """The clients as repositories."""
        return {name: _repository(name, client) for name, client in self.roster.clients.items()}

    @cached_property
    def prefixes(self) -> Mapping[str, Json]:
        """All prefixes: with a repository, with a provider only, and unassigned."""
        owned = {name: _prefix(name, number, []) for number, name in enumerate(self._owners)}
        for given in self.client_prefixes.values():
            prefix = owned[_linked(given, "prefix")]
            _link(prefix, "clients", "clients", _linked(given, "client"))
            _link(prefix, "clientPrefixes", "client_prefixes", given["id"])
            prefix["index"]["state"] = "with-repository"
        for given in self.provider_prefixes.values():
            prefix = owned[_linked(given, "prefix")]
            _link(prefix, "providers", "providers", _linked(given, "provider"))
            _link(prefix, "providerPrefixes", "provider_prefixes", given["id"])
            prefix["index"].setdefault("state", "without-repository")
        free = (f"10.{70_000 + number}" for number in range(POOL))
        every = owned | {name: _prefix(name, number, ["unassigned"]) for number, name in enumerate(free)}
        return dict(sorted(every.items()))

    @cached_property
    def provider_prefixes(self) -> Mapping[str, Json]:
        """The assignments of prefixes to providers."""
        assignments = [_assignment("provider", number, pair) for number, pair in enumerate(self._provider_pairs)]
        for assignment in assignments:
            consortium = self.roster.consortium_of.get(_linked(assignment, "provider"))
            assignment["index"] = {"consortium": consortium, "state": "without-repository"}
            assignment["relationships"] |= {"clients": {"data": []}, "clientPrefixes": {"data": []}}
        by_pair = {
            (_linked(assignment, "provider"), _linked(assignment, "prefix")): assignment for assignment in assignments
        }
        for given in self.client_prefixes.values():
            assignment = by_pair[_linked(given, "provider"), _linked(given, "prefix")]
            _link(assignment, "clients", "clients", _linked(given, "client"))
            _link(assignment, "clientPrefixes", "client_prefixes", given["id"])
            assignment["index"]["state"] = "with-repository"
        return {assignment["id"]: assignment for assignment in assignments}

    @cached_property
    def client_prefixes(self) -> Mapping[str, Json]:
        """The assignments of prefixes to clients."""
        numbers = {pair: _uid("provider", number) for number, pair in enumerate(self._provider_pairs)}
        assignments = {}
        for number, (client, prefix) in enumerate(self._client_pairs):
            provider = self._provider_of(client)
            assignment = _assignment("client", number, (client, prefix))
            assignment["relationships"] |= {
                "provider": {"data": {"id": provider, "type": "providers"}},
                "providerPrefix": {"data": {"id": numbers[provider, prefix], "type": "provider_prefixes"}},
            }
            assignments[assignment["id"]] = assignment
        return assignments

    @cached_property
    def repository_prefixes(self) -> Mapping[str, Json]:
        """The prefixes of clients, under the name of repositories."""
        return {name: _as_repository(assignment) for name, assignment in self.client_prefixes.items()}

    @cached_property
    def _client_pairs(self) -> list[tuple[str, str]]:
        named = zip(self.roster.client_ids, self.roster.prefixes_of_clients, strict=True)
        return [(client, prefix) for client, prefixes in named for prefix in prefixes]

    @cached_property
    def _provider_pairs(self) -> list[tuple[str, str]]:
        """The prefixes of their clients, and for every third provider one without a client."""
        pairs = dict.fromkeys((self._provider_of(client), prefix) for client, prefix in self._client_pairs)
        idle = (name for number, name in enumerate(self.roster.providers) if number % 3 == 0)
        pairs |= dict.fromkeys((name, f"10.{50_000 + number}") for number, name in enumerate(idle))
        return list(pairs)

    @cached_property
    def _owners(self) -> Iterable[str]:
        return dict.fromkeys(prefix for _, prefix in self._provider_pairs)

    def _provider_of(self, client: str) -> str:
        return client.partition(".")[0]


def _repository(name: str, client: Json) -> Json:
    chance = dice("repository", name)
    more = {
        "systemEmail": None,
        "repositoryType": chance.sample(_TYPES, chance.randrange(3)),
        "certificate": chance.sample(_CERTIFICATES, chance.choice((0, 0, 1, 2))),
        "software": chance.choice(_SOFTWARE),
        "subjects": [
            {"subject": text, "classificationCode": code, "subjectScheme": "Fields of Science and Technology (FOS)"}
            for code, text in chance.sample((("1.5", "Earth sciences"), ("3.2", "Clinical medicine")), 1)
            if chance.random() < 0.5
        ],
    }
    attributes = {key: value for key, value in client["attributes"].items() if key != "systemEmail"}
    return {**client, "type": "repositories", "attributes": {**attributes, **more}}


def _prefix(name: str, number: int, state: list[str]) -> Json:
    return {
        "id": name,
        "type": "prefixes",
        "attributes": {"prefix": name, "createdAt": _moment(number // _TOGETHER)},
        "relationships": {
            kind: {"data": []} for kind in ("clients", "providers", "clientPrefixes", "providerPrefixes")
        },
        "index": {"state": state[0]} if state else {},
    }


def _assignment(kind: str, number: int, pair: tuple[str, str]) -> Json:
    owner, prefix = pair
    created = _moment(number // 3 + 7)
    return {
        "id": _uid(kind, number),
        "type": f"{kind}-prefixes",
        "attributes": {"createdAt": created, "updatedAt": f"{created.partition('T')[0]}T23:59:59.000Z"},
        "relationships": {
            kind: {"data": {"id": owner, "type": f"{kind}s"}},
            "prefix": {"data": {"id": prefix, "type": "prefixes"}},
        },
    }


def _as_repository(given: Json) -> Json:
    links = {name: link for name, link in given["relationships"].items() if name != "client"}
    own = {"repository": {"data": {"id": _linked(given, "client"), "type": "repositories"}}}
    return {**given, "type": "repository-prefixes", "relationships": {**own, **links}}


def _uid(kind: str, number: int) -> str:
    """Write an id such as 0005-46wn-pj00-0000."""
    rest, text = dice("prefix", kind, number).getrandbits(30) << 20 | number, ""
    for _ in range(10):
        text, rest = _DIGITS[rest % 32] + text, rest // 32
    return f"00{text[:2]}-{text[2:6]}-{text[6:]}-0000"


def _moment(step: int) -> str:
    """Return another day for each step, over fifteen years; equal steps are created in the same second."""
    return f"{2011 + step % 15}-{step // 15 % 12 + 1:02d}-{step % 28 + 1:02d}T{step % 24:02d}:10:23.000Z"


def _linked(resource: Json, name: str) -> str:
    return str(resource["relationships"][name]["data"]["id"])


def _link(resource: Json, name: str, kind: str, target: str) -> None:
    data = resource["relationships"][name]["data"]
    if all(linked["id"] != target for linked in data):
        data.append({"id": target, "type": kind})
