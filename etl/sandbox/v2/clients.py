"""`/clients` (api-notes 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v2 import listing, repositories
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Listing, Resource, counted, humanised, slugged

_KEPT = ("query", "provider-id", "software", "certificate", "client-type", "repository-type", "year")


def answer(asked: Asked) -> Answer:
    """Answer the list of clients."""
    return listing.answer(asked, _listing(asked), asked.snapshot.roster.clients.values())


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one client."""
    return listing.answer_one(asked, _listing(asked), asked.snapshot.roster.clients.get(name.lower()))


def _listing(asked: Asked) -> Listing:
    providers, described = asked.snapshot.roster.providers, asked.snapshot.registrations.repositories

    def of_repository(name: str) -> Callable[[Resource], Json]:
        return lambda client: described[client["id"]]["attributes"].get(name) if client["id"] in described else None

    def provider(resource: Resource) -> Iterable[Resource]:
        data = resource["relationships"].get("provider", {}).get("data")
        return [providers[data["id"]]] if data and data["id"] in providers else []

    def provider_name(name: str) -> str:
        return str(providers[name]["attributes"]["name"]) if name in providers else name

    def provider_id(resource: Resource) -> Json:
        data = resource["relationships"].get("provider", {}).get("data")
        return data["id"] if data else None

    return Listing(
        kind="clients",
        path="/clients",
        filters=repositories.filters(asked),
        facets={
            "years": listing.years_facet,
            "providers": counted(provider_id, provider_name),
            # The ids of this facet are slugs (api-notes 6.2).
            "software": slugged(counted(of_repository("software"))),
            "certificates": counted(of_repository("certificate")),
            "repository_types": counted(of_repository("repositoryType"), humanised),
            "clientTypes": counted(lambda client: client["attributes"].get("clientType"), humanised),
        },
        kept=_KEPT,
        spelled=listing.SPELLED,
        included={"provider": provider},
    )
