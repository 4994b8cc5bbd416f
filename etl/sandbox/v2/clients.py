"""`/clients` (API.md section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v2 import listing
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Listing, Resource, attribute, counted, humanised

_FILTERS = {
    "provider_id": listing.linked("provider"),
    "year": listing.year,
    "from_date": listing.not_before,
    "until_date": listing.not_after,
    "software": attribute("software"),
    "certificate": attribute("certificate"),
    "repository_type": attribute("repositoryType"),
    "client_type": attribute("clientType"),
    "re3data_id": attribute("re3data"),
    "opendoar_id": attribute("opendoar"),
}
_KEPT = ("query", "provider-id", "software", "certificate", "client-type", "repository-type", "year")


def answer(asked: Asked) -> Answer:
    """Answer the list of clients."""
    return listing.answer(asked, _listing(asked), asked.snapshot.roster.clients.values())


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one client."""
    return listing.answer_one(asked, _listing(asked), asked.snapshot.roster.clients.get(name.lower()))


def _listing(asked: Asked) -> Listing:
    providers = asked.snapshot.roster.providers

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
        filters=_FILTERS,
        facets={
            "years": listing.years_facet,
            "providers": counted(provider_id, provider_name),
            "software": counted(lambda one: one["attributes"].get("software")),
            "certificates": counted(lambda one: one["attributes"].get("certificate")),
            "repository_types": counted(lambda one: one["attributes"].get("repositoryType"), humanised),
            "clientTypes": counted(lambda one: one["attributes"].get("clientType"), humanised),
        },
        kept=_KEPT,
        included={"provider": provider},
    )
