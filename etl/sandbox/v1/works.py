"""`/works` of API v1: a search index with correct offsets, unless a filter redirects to the link service."""

from __future__ import annotations

from collections.abc import Sequence

from etl.sandbox.answer import Answer, Json
from etl.sandbox.v1 import asked as envelope
from etl.sandbox.v1.asked import Asked, facet
from etl.sandbox.v1.entry import Entry
from etl.sandbox.v1.lists import by_lagotto, exactly, titled
from etl.sandbox.v1.search import Keep, count, filtered, meets, value, within

_FACET_LIMIT = 15
_INCLUDES = ("publisher", "member", "registration-agency", "resource-type", "work-type")
_FILTERS: dict[str, Keep] = {
    "resource-type-id": value("resource-type-id"),
    "publisher-id": value("publisher-id"),
    "member-id": value("member-id"),
    "year": value("published"),
    "schema-version": value("schema-version"),
}
_SORTS = {"deposited": "deposited", "published": "published", "updated": "updated"}


def answer(asked: Asked) -> Answer:
    """Answer the list."""
    linked = _of_links(asked)
    if linked is not None:
        meta = {"total": len(linked), **_links(asked)}
        return envelope.listed(asked, by_lagotto(asked, linked), meta, _INCLUDES)
    works = filtered(asked, asked.library.works, _FILTERS)
    text = asked.params.get("query")
    works = [work for work in works if meets(text, work)] if text else works
    works = within(asked, within(asked, works, "deposited", "created"), "updated", "update")
    works.sort(key=lambda work: work.id)
    works.sort(key=lambda work: work.attributes[_sort(asked)] or "", reverse=asked.params.get("order") != "asc")
    meta = {"total": len(works), **_facets(asked, works), **_links(asked)}
    return envelope.listed(asked, exactly(asked, works), meta, _INCLUDES)


def answer_one(asked: Asked, doi: str) -> Answer:
    """Answer one work by its DOI, in any case."""
    return envelope.single(asked, asked.library.find("works", f"{asked.library.root}doi.org/{doi}"), _INCLUDES)


def _sort(asked: Asked) -> str:
    """Name the attribute to sort by; scores are all the same here, so they leave the newest first."""
    return _SORTS.get(asked.params.get("sort") or "", "deposited")


def _of_links(asked: Asked) -> list[Entry] | None:
    """Return the works of links by source and kind, or None if the search index answers.

    The link service also answers for publishers outside DataCite: their ids have no dot.
    """
    source, kind, publisher = (asked.params.get(name) for name in ("source_id", "relation_type_id", "publisher_id"))
    if not (source or kind or (publisher and "." not in publisher)):
        return None
    links = [*asked.library.relations, *asked.library.contributions]
    wanted = {"source-id": source, "relation-type-id": kind, "publisher-id": publisher}
    for name, text in wanted.items():
        links = [link for link in links if text is None or link.attributes.get(name) == text]
    ids = dict.fromkeys(_work(link) for link in links)
    return [work for name in ids if (work := asked.library.find("works", name))]


def _work(link: Entry) -> str:
    return str(link.attributes["obj-id" if link.kind == "contributions" else "subj-id"])


def _facets(asked: Asked, works: Sequence[Entry]) -> dict[str, Json]:
    wanted = {
        "resource-types": ("resource-type-id", "resource-type"),
        "years": ("published", ""),
        "publishers": ("publisher-id", "publisher"),
        "schema-versions": ("schema-version", ""),
    }
    if asked.manner.old:
        del wanted["schema-versions"]
    return {
        name: facet(asked, count(works, attribute, titled(asked, link), _FACET_LIMIT))
        for name, (attribute, link) in wanted.items()
    }


def _links(asked: Asked) -> dict[str, Json]:
    """Count the links by source and kind, whatever works were requested; a search has none."""
    searched = asked.params.get("query") is not None
    links = [] if searched else [*asked.library.relations, *asked.library.contributions]
    return {
        f"{link}s": facet(asked, count(links, f"{link}-id", titled(asked, link)), link)
        for link in ("source", "relation-type")
    }
