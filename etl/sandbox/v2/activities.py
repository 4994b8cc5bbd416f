"""`/activities` and those of one record (api-notes 6.7)."""

from __future__ import annotations

from etl.sandbox.answer import Answer, document, not_found
from etl.sandbox.v2 import history
from etl.sandbox.v2.context import Asked, links, single
from etl.sandbox.v2.listing import Listing, shown

_LISTING = Listing(
    kind="activities",
    path="/activities",
    filters={},
    facets={},
    kept=("query", "sort"),
    moment="created",
    sorts={"created": lambda one: one["index"]["created"], "relevance": lambda one: one["id"]},
    usual="-created",
)


def answer(asked: Asked, of: str | None = None) -> Answer:
    """Answer the list, or that of one record, whose next link is everybody's."""
    every = asked.snapshot.activities
    own = every if of is None else [one for one in every if one["index"]["uid"] == of.lower()]
    found = history.find(asked, _LISTING, own, inverted=True)
    return document(
        {"data": [shown(one) for one in found.page], "meta": found.meta, "links": links(asked, found.following)}
    )


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one activity: the first of its request."""
    for one in asked.snapshot.activities:
        if one["id"] == name:
            return single(shown(one))
    raise not_found()
