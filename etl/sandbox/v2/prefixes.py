"""`/prefixes` and their assignments (api-notes 6.4, 6.5, 6.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v2 import listing
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Facet, Listing, Resource, counted, ids_of, linked

Known = Mapping[str, Mapping[str, Resource]]

_TARGETS = {
    "client": "clients",
    "provider": "providers",
    "repository": "repositories",
    "prefix": "prefixes",
    "clients": "clients",
    "providers": "providers",
    "provider_prefix": "provider-prefixes",
    "provider_prefixes": "provider-prefixes",
    "client_prefixes": "client-prefixes",
}
_LINKS = {
    "provider_prefix": "providerPrefix",
    "provider_prefixes": "providerPrefixes",
    "client_prefixes": "clientPrefixes",
}
_BY_CREATION: Mapping[str, Callable[[Resource], Json]] = {
    "name": lambda prefix: ids_of(prefix, "prefix"),
    "created": lambda prefix: prefix["attributes"]["createdAt"],
}


def answer_prefixes(asked: Asked) -> Answer:
    """Answer the list of prefixes."""
    return listing.answer(asked, _prefixes(_known(asked)), asked.snapshot.registrations.prefixes.values())


def answer_prefix(asked: Asked, name: str) -> Answer:
    """Answer one prefix."""
    return listing.answer_one(asked, _prefixes(_known(asked)), asked.snapshot.registrations.prefixes.get(name))


def answer_clients(asked: Asked) -> Answer:
    """Answer the list of clients' prefixes."""
    return listing.answer(asked, _clients(_known(asked)), asked.snapshot.registrations.client_prefixes.values())


def answer_client(asked: Asked, name: str) -> Answer:
    """Answer one prefix of a client."""
    return listing.answer_one(asked, _clients(_known(asked)), asked.snapshot.registrations.client_prefixes.get(name))


def answer_providers(asked: Asked) -> Answer:
    """Answer the list of providers' prefixes."""
    return listing.answer(asked, _providers(_known(asked)), asked.snapshot.registrations.provider_prefixes.values())


def answer_provider(asked: Asked, name: str) -> Answer:
    """Answer one prefix of a provider."""
    prefix = asked.snapshot.registrations.provider_prefixes.get(name)
    return listing.answer_one(asked, _providers(_known(asked)), prefix)


def answer_repositories(asked: Asked) -> Answer:
    """Answer the list of repositories' prefixes."""
    prefixes = asked.snapshot.registrations.repository_prefixes.values()
    return listing.answer(asked, _repositories(_known(asked)), prefixes)


def answer_repository(asked: Asked, name: str) -> Answer:
    """Answer one prefix of a repository."""
    prefix = asked.snapshot.registrations.repository_prefixes.get(name)
    return listing.answer_one(asked, _repositories(_known(asked)), prefix)


def _known(asked: Asked) -> Known:
    made, roster = asked.snapshot.registrations, asked.snapshot.roster
    return {
        "clients": roster.clients,
        "providers": roster.providers,
        "repositories": made.repositories,
        "prefixes": made.prefixes,
        "client-prefixes": made.client_prefixes,
        "provider-prefixes": made.provider_prefixes,
    }


def _prefixes(known: Known) -> Listing:
    return Listing(
        kind="prefixes",
        path="/prefixes",
        filters={
            "year": listing.year,
            "state": _state,
            "provider_id": linked("providers"),
            "client_id": linked("clients"),
        },
        facets={
            "years": listing.years_facet,
            "states": counted(lambda prefix: prefix["index"]["state"], _title),
            "providers": _owners(known, "providers"),
            "clients": _owners(known, "clients"),
        },
        kept=("query", "prefix", "year", "provider_id", "client_id", "sort"),
        included=_included(known, "clients", "providers", "client_prefixes", "provider_prefixes"),
        moment="createdAt",
        sorts={"name": lambda prefix: prefix["id"], "created": lambda prefix: prefix["attributes"]["createdAt"]},
        query=lambda prefix, text: prefix["id"].startswith(text),
    )


def _clients(known: Known) -> Listing:
    return Listing(
        kind="client-prefixes",
        path="/client-prefixes",
        filters={"client_id": linked("client"), "prefix_id": linked("prefix"), "year": listing.year},
        facets={
            "years": listing.years_facet,
            "providers": _owners(known, "provider"),
            "clients": _owners(known, "client"),
        },
        kept=("query", "prefix", "year", "sort"),
        included=_included(known, "client", "prefix", "provider_prefix", "provider"),
        moment="createdAt",
        sorts=_BY_CREATION,
        usual="-created",
        query=_begins,
    )


def _providers(known: Known) -> Listing:
    return Listing(
        kind="provider-prefixes",
        path="/provider-prefixes",
        filters={
            "prefix_id": linked("prefix"),
            "provider_id": linked("provider"),
            "consortium_id": lambda prefix, values: prefix["index"]["consortium"] in values,
            "consortium_organization_id": linked("provider"),
            "state": _state,
            "year": listing.year,
        },
        facets={
            "years": listing.years_facet,
            "states": counted(lambda prefix: prefix["index"]["state"], _title),
            "providers": _owners(known, "provider"),
        },
        kept=("query", "prefix", "year", "sort"),
        included=_included(known, "provider", "prefix", "clients", "client_prefixes"),
        moment="createdAt",
        sorts=_BY_CREATION,
        usual="-created",
        query=_begins,
    )


def _repositories(known: Known) -> Listing:
    return Listing(
        kind="repository-prefixes",
        path="/repository-prefixes",
        filters={"repository_id": linked("repository"), "prefix_id": linked("prefix"), "year": listing.year},
        facets={
            "years": listing.years_facet,
            "providers": _owners(known, "provider"),
            "repositories": _owners(known, "repository"),
        },
        kept=("query", "prefix_id", "repository_id", "year", "sort"),
        included=_included(known, "repository", "prefix", "provider_prefix", "provider"),
        moment="createdAt",
        sorts=_BY_CREATION,
        usual="-created",
        query=_begins,
    )


def _state(resource: Resource, values: Sequence[str]) -> bool:
    return resource["index"]["state"] in values


def _begins(resource: Resource, text: str) -> bool:
    """Compare the starts of the ids on both sides."""
    sides = (
        identifier for name in ("prefix", "client", "repository", "provider") for identifier in _ids(resource, name)
    )
    return any(identifier.startswith(text.lower()) for identifier in sides)


def _ids(resource: Resource, name: str) -> list[str]:
    return ids_of(resource, name) if name in resource["relationships"] else []


def _owners(known: Known, name: str) -> Facet:
    objects = known[_TARGETS[name]]

    def title(key: str) -> str:
        return str(objects[key]["attributes"]["name"]) if key in objects else key

    return counted(lambda resource: ids_of(resource, name), title)


def _title(state: str) -> str:
    return state.replace("-", " ").title()


def _included(known: Known, *names: str) -> dict[str, Callable[[Resource], Iterable[Resource]]]:
    def bring(name: str) -> Callable[[Resource], Iterable[Resource]]:
        objects, link = known[_TARGETS[name]], _LINKS.get(name, name)
        return lambda resource: [
            listing.shown(objects[target]) for target in ids_of(resource, link) if target in objects
        ]

    return {name: bring(name) for name in names}
