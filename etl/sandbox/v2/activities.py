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
    sorts={"created": lambda activity: activity["index"]["created"], "relevance": lambda activity: activity["id"]},
    usual="-created",
)


def answer(asked: Asked, of: str | None = None) -> Answer:
    """Answer the list, or that of one record, whose next link is that of the whole list."""
    every = asked.snapshot.activities
    own = every if of is None else [activity for activity in every if activity["index"]["uid"] == of.lower()]
    result = history.find(asked, _LISTING, own, inverted=True)
    return document(
        {
            "data": [shown(activity) for activity in result.page],
            "meta": result.meta,
            "links": links(asked, result.following),
        }
    )


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one activity: the first of its request."""
    for activity in asked.snapshot.activities:
        if activity["id"] == name:
            return single(shown(activity))
    raise not_found()
