"""Every list of API v1 except works: its filters, facets, included records and paging bugs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v1 import asked as envelope
from etl.sandbox.v1.asked import Asked, facet, kind_of
from etl.sandbox.v1.entry import Entry
from etl.sandbox.v1.organisations import REGIONS
from etl.sandbox.v1.search import Keep, count, filtered, meets, one_of, value

Page = Callable[[Asked, Sequence[Entry]], Sequence[Entry]]
USUAL = 25


def by_lagotto(asked: Asked, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Cut a page like the link service: the offset is converted with pages of 25, whatever the number of rows."""
    rows, offset = asked.whole("rows", USUAL), asked.whole("offset", 0)
    start = ceil(offset / USUAL) * rows
    return entries[start : start + rows]


def exactly(asked: Asked, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Cut the requested page."""
    offset = asked.whole("offset", 0)
    return entries[offset : offset + asked.whole("rows", USUAL)]


def never(asked: Asked, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return everything: rows and offset are ignored."""
    del asked
    return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The behaviour of one list; `facets` maps a name in meta to the counted attribute and the source of titles.

    That source is a kind of record, or empty.
    """

    page: Page = never
    filters: Mapping[str, Keep] = field(default_factory=dict)
    facets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    includes: Sequence[str] = ()
    singles: bool = True
    searched: bool = False


def _digits(entry: Entry, wanted: str) -> bool:
    return bool(wanted) and str(entry.attributes["subj-id"]).lower().endswith(wanted.lower())


def _work(entry: Entry, wanted: str) -> bool:
    return any(_is_doi(entry.attributes[name], wanted) for name in ("subj-id", "obj-id"))


def _works(entry: Entry, wanted: str) -> bool:
    return any(_work(entry, work) for work in wanted.split(","))


def _is_doi(address: Json, wanted: str) -> bool:
    return str(address).lower().partition("doi.org/")[2] == wanted.lower()


def _ids(entry: Entry, wanted: str) -> bool:
    return entry.id in wanted.lower().split(",")


def _region(entry: Entry, wanted: str) -> bool:
    return bool(wanted) and entry.attributes["region"] == REGIONS.get(wanted.upper())


def _source(entry: Entry, wanted: str) -> bool:
    return str(entry.attributes["source-id"]).replace("_", "-") == wanted.replace("_", "-")


LISTS: Mapping[str, Listing] = {
    "agents": Listing(),
    "contributions": Listing(
        page=by_lagotto,
        filters={
            "contributor-id": _digits,
            "work-id": _work,
            "publisher-id": value("publisher-id"),
            "source-id": value("source-id"),
        },
        facets={"sources": ("source-id", "source"), "publishers": ("publisher-id", "publisher")},
        includes=("publisher", "source"),
        singles=False,
    ),
    "contributors": Listing(page=by_lagotto, searched=True),
    "events": Listing(
        page=by_lagotto,
        filters={
            **{name: value(name) for name in ("state", "prefix", "message-type", "source-token")},
            "source-id": _source,
            "registration-agency-id": value("registration-agency-id"),
        },
        searched=True,
    ),
    "groups": Listing(),
    "members": Listing(
        filters={"member-type": value("member-type"), "region": _region, "year": value("year")},
        facets={"member-types": ("member-type", ""), "regions": ("region", ""), "years": ("year", "")},
        searched=True,
    ),
    "pages": Listing(page=exactly, filters={"tag": one_of("tags")}, facets={"tags": ("tags", "")}),
    "publishers": Listing(
        page=by_lagotto,
        filters={
            "ids": _ids,
            "member-id": value("member-id"),
            "registration-agency-id": value("registration-agency-id"),
        },
        facets={
            "registration-agencies": ("registration-agency-id", "registration-agency"),
            "members": ("member-id", "member"),
        },
        includes=("member", "registration-agency"),
        searched=True,
    ),
    "registration-agencies": Listing(),
    "relations": Listing(
        page=by_lagotto,
        filters={
            "relation-type-id": value("relation-type-id"),
            "work-id": _work,
            "work-ids": _works,
            "source-id": value("source-id"),
        },
        facets={
            "sources": ("source-id", "source"),
            "publishers": ("publisher-id", "publisher"),
            "relation-types": ("relation-type-id", "relation-type"),
        },
        includes=("publisher", "source", "relation-type"),
        singles=False,
        searched=True,
    ),
    "relation-types": Listing(),
    "resource-types": Listing(),
    "sources": Listing(
        filters={"group-id": value("group-id")},
        facets={"groups": ("group-id", "group")},
        includes=("group",),
        searched=True,
    ),
    "work-types": Listing(),
}


def answer(asked: Asked, kind: str) -> Answer:
    """Answer a list."""
    listing = LISTS[kind]
    matching = _found(asked, kind, listing)
    counted = {name: _counted(asked, matching, name, *how) for name, how in listing.facets.items()}
    return envelope.listed(asked, listing.page(asked, matching), {"total": len(matching), **counted}, listing.includes)


def answer_one(asked: Asked, kind: str, name: str) -> Answer:
    """Answer one record; contributions and relations have no single records, because their ids change."""
    listing = LISTS[kind]
    if not listing.singles:
        raise envelope.not_found()
    return envelope.single(asked, asked.library.find(kind, name), listing.includes)


def titled(asked: Asked, link: str) -> Callable[[str], str]:
    """Return the titles of the ids of a link: those of its records, or the id itself."""

    def title(name: str) -> str:
        entry = asked.library.find(kind_of(link), name) if link else None
        return str(entry.attributes["title"]) if entry else name

    return title


def _found(asked: Asked, kind: str, listing: Listing) -> list[Entry]:
    entries = asked.library.named(kind)
    matching = filtered(asked, entries, listing.filters)
    text = asked.params.get("query")
    if not text or not (listing.searched or kind == "pages"):
        return matching
    return [entry for entry in matching if meets(text, entry, as_is=kind == "pages")]


def _counted(asked: Asked, entries: Sequence[Entry], facet_name: str, attribute: str, link: str) -> Json:
    buckets = count(entries, attribute, titled(asked, link))
    if facet_name == "tags":  # an object in every generation
        return {name: number for name, _, number in buckets}
    if facet_name == "regions":
        codes = {words: code.lower() for code, words in REGIONS.items()}
        buckets = [(codes[name], name, number) for name, _, number in buckets]
    return facet(asked, buckets, link)
