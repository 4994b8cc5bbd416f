"""The short lists of API v1: groups, sources, kinds of links, works and resources, agencies, agents, and the blog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from etl.sandbox.answer import Json
from etl.sandbox.content.vocabulary import RELATIONS, TYPES
from etl.sandbox.pool import kebab
from etl.sandbox.v1.catalogue import title
from etl.sandbox.v1.entry import Entry, slug

_RECENTLY = "2016-10-20T10:18:11Z"
_TYPES_CHANGED = "2016-09-21T00:00:00Z"
_GROUPS = ("relations", "contributions", "publishers", "results")
_SOURCES = {
    "datacite_related": ("DataCite (RelatedIdentifier)", "relations"),
    "datacite_crossref": ("DataCite (Crossref)", "relations"),
    "crossref_datacite": ("Crossref (DataCite)", "relations"),
    "datacite_orcid": ("DataCite (ORCID)", "contributions"),
    "datacite_search_link": ("DataCite (ORCID Search and Link)", "contributions"),
    "datacite_datacentre": ("DataCite (Data Centers)", "publishers"),
    "facebook": ("Facebook", "results"),
}
_AGENCIES = {"datacite": "DataCite", "crossref": "Crossref", "github": "GitHub", "orcid": "ORCID"}
_INVERSE = {"IsSupplementTo": "IsSupplementedBy", "IsCitedBy": "Cites", "References": "IsReferencedBy"}
_TAGS = ("datacite", "orcid", "metadata", "crossref", "open-access")


def groups() -> list[Entry]:
    """Return the groups of sources."""
    return [_plain("groups", name, {"title": name.capitalize()}) for name in _GROUPS]


def sources(links: Sequence[Entry]) -> list[Entry]:
    """Return the sources, with the number of links from each."""
    counts = Counter(link.attributes["source-id"] for link in links)
    return [_source(slug(name), heading, group, counts) for name, (heading, group) in _SOURCES.items()]


def _source(name: str, heading: str, group: str, links: Mapping[str, int]) -> Entry:
    counts = {"with-results": 0, "without-results": 0, "not-updated": links.get(name, 0)}
    attributes = {
        "title": heading,
        "description": f"Import links from {heading}.",
        "state": "inactive" if group == "results" else "active",
        "group-id": group,
        "work-count": links.get(name, 0),
        "relation-count": links.get(name, 0),
        "result-count": 0,
        "by-day": counts,
        "by-month": counts,
        "updated": _RECENTLY,
    }
    text = f"{name} {heading}".lower()
    return Entry(kind="sources", id=name, attributes=attributes, links={"group": group}, text=text)


def relation_types() -> list[Entry]:
    """Return the kinds of links."""
    return [
        _plain("relation-types", kebab(name), {"title": title(name), "inverse-title": title(_INVERSE.get(name, name))})
        for name in RELATIONS
    ]


def resource_types() -> list[Entry]:
    """Return the general types of resources."""
    return [_plain("resource-types", kebab(kind[0]), {"title": kind[0]}, _TYPES_CHANGED) for kind in TYPES]


def work_types() -> list[Entry]:
    """Return the types of works, those of the Citation Style Language."""
    names = dict.fromkeys(kind[3] for kind in TYPES)
    return [
        _plain("work-types", name, {"title": title(name), "container": "Journal" if "journal" in name else None})
        for name in names
    ]


def registration_agencies() -> list[Entry]:
    """Return the agencies that register identifiers."""
    return [_plain("registration-agencies", name, {"title": heading}) for name, heading in _AGENCIES.items()]


def agents() -> list[Entry]:
    """Return the programs that collect links, in the form of the server's unused serializer."""
    return [
        Entry(
            kind="agents",
            id=slug(name),
            attributes={
                "title": heading,
                "description": f"Collects links from {heading}.",
                "count": number,
                "scheduled": number % 2 == 0,
            },
        )
        for number, (name, (heading, _)) in enumerate(_SOURCES.items())
    ]


def pages() -> list[Entry]:
    """Return the posts of the blog, newest first."""
    return [_page(number) for number in range(30, 0, -1)]


def _page(number: int) -> Entry:
    heading = f"Post {number} about {_TAGS[number % 5]}"
    attributes = {
        "author": [
            {
                "@type": "Person",
                "@id": "http://orcid.org/0000-0003-1419-2405",
                "givenName": "Ada",
                "familyName": "Rossi",
                "name": "Ada Rossi",
            }
        ],
        "title": heading,
        "container-title": "DataCite Blog",
        "description": f"In post {number} we look at {_TAGS[number % 5]}.",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "image-url": None,
        "tags": [_TAGS[number % 5], _TAGS[(number * 3 + 1) % 5]][: 1 + number % 2],
        "issued": f"2016-{1 + number % 12:02d}-05T00:00:00Z",
        "updated": f"2016-{1 + number % 12:02d}-06T00:00:00Z",
    }
    name = f"https://blog.datacite.org/post-{number}/"
    return Entry(kind="pages", id=name, attributes=attributes, text=f"{heading} {attributes['description']}".lower())


def _plain(kind: str, name: str, attributes: Mapping[str, Json], updated: str = _RECENTLY) -> Entry:
    text = f"{name} {attributes['title']}".lower()
    return Entry(kind=kind, id=name, attributes={**attributes, "updated": updated}, text=text)
