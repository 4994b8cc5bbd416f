"""The corpus's providers and clients as members and publishers of API v1."""

from __future__ import annotations

from collections.abc import Mapping

from etl.sandbox.answer import Json
from etl.sandbox.content.organisations import Roster
from etl.sandbox.v1.entry import Entry

REGIONS = {"AMER": "Americas", "EMEA": "EMEA", "APAC": "Asia Pacific"}
_COUNTRIES = {"US": "United States", "DE": "Germany", "GB": "United Kingdom", "JP": "Japan", "BR": "Brazil"}


def members(roster: Roster) -> list[Entry]:
    """Return the providers, by id."""
    return [_member(name, provider["attributes"]) for name, provider in sorted(roster.providers.items())]


def _member(name: str, given: Mapping[str, Json]) -> Entry:
    title = given.get("name")
    attributes = {
        "title": title,
        "description": given.get("description"),
        "member-type": "non-allocating" if given.get("memberType") == "consortium" else "allocating",
        "region": REGIONS.get(given.get("region") or ""),
        "country": _COUNTRIES.get(given.get("country") or ""),
        "year": int(given["created"][:4]),
        "logo-url": given.get("logoUrl"),
        "email": f"info@{name}.example.org",
        "website": given.get("website"),
        "phone": None,
        "updated": given.get("updated"),
    }
    return Entry(kind="members", id=name, attributes=attributes, text=f"{name} {title}".lower())


def publishers(roster: Roster) -> list[Entry]:
    """Return the clients, by id."""
    return [_publisher(name, client, roster) for name, client in sorted(roster.clients.items())]


def _publisher(name: str, client: Mapping[str, Json], roster: Roster) -> Entry:
    given = client["attributes"]
    number = list(roster.client_ids).index(name)
    member = roster.providers_of_clients[number]
    shared = {
        "title": given.get("name"),
        "other-names": [given["alternateName"]] if given.get("alternateName") else [],
        "prefixes": list(roster.prefixes_of_clients[number]),
        "registration-agency-id": "datacite",
        "updated": given["updated"][:19] + "Z",
    }
    return Entry(
        kind="publishers",
        id=name,
        attributes={**shared, "member-id": member},
        older={**shared, "member-id": member and member.upper()},
        links={"member": member, "registration-agency": "datacite"},
        text=f"{name} {given.get('name')}".lower(),
    )
