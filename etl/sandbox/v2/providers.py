"""`/providers` (api-notes 6.1)."""

from __future__ import annotations

from collections.abc import Callable

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v2 import listing
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Facet, Listing, Resource, attribute, counted, humanised

_REGIONS = {"amer": "Americas", "emea": "Europe, Middle East and Africa", "apac": "Asia and Pacific"}


def _facet(name: str, title: Callable[[str], str] = humanised) -> Facet:
    return counted(lambda provider: provider["attributes"].get(name), title)


def _region(resource: Resource) -> Json:
    return (resource["attributes"].get("region") or "").lower()


_LISTING = Listing(
    kind="providers",
    path="/providers",
    filters={
        "year": listing.year,
        "from_date": listing.not_before,
        "until_date": listing.not_after,
        "region": attribute("region"),
        "consortium_id": listing.linked("consortium"),
        "member_type": attribute("memberType"),
        "organization_type": attribute("organizationType"),
        "focus_area": attribute("focusArea"),
        "non_profit_status": attribute("nonProfitStatus"),
    },
    facets={
        "years": listing.years_facet,
        "regions": counted(_region, lambda name: _REGIONS.get(name, name)),
        "memberTypes": _facet("memberType"),
        "organizationTypes": _facet("organizationType"),
        "focusAreas": _facet("focusArea"),
        "nonProfitStatuses": _facet("nonProfitStatus"),
        "hasRequiredContacts": counted(lambda _one: "true", str.title),
    },
    kept=("query", "year", "region", "member_type", "organization_type", "focus-area", "non-profit-status"),
    spelled=listing.SPELLED,
)


def answer(asked: Asked) -> Answer:
    """Answer the list of providers."""
    return listing.answer(asked, _LISTING, asked.snapshot.roster.providers.values())


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one provider, with the count of its repositories or, for a consortium, of its organisations."""
    resource = asked.snapshot.roster.providers.get(name.lower())
    return listing.answer_one(asked, _LISTING, resource, _meta(resource) if resource else None)


def _meta(resource: Resource) -> dict[str, Json]:
    links = resource["relationships"]
    if "consortiumOrganizations" in links:
        return {"consortiumOrganizationCount": len(links["consortiumOrganizations"]["data"])}
    return {"repositoryCount": len(links.get("clients", {}).get("data", ()))}
