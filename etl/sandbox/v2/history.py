"""Common behaviour of activities and events (api-notes 2.7, 2.9, 6.7, 6.8): three modes of paging with their bugs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.sandbox import paging
from etl.sandbox.answer import Json
from etl.sandbox.paging import Place
from etl.sandbox.search.dates import span
from etl.sandbox.v2 import listing, scroll
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Listing, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of a list with its position, all matches, its totals and its next link."""

    at: Place
    matching: Sequence[Resource]
    page: Sequence[Resource]
    meta: dict[str, Json]
    following: str | None


def find(asked: Asked, own: Listing, resources: Sequence[Resource], *, inverted: bool) -> Found:
    """Find a page.

    With `inverted` the total of pages is capped in cursor mode instead of page mode, and every full page, even one of
    size 0, has a next link: walks by page number never end.
    """
    at = paging.place(asked.params)
    if at.mode == "scroll":
        return _scrolled(asked, own, resources, at)
    matching = listing.in_order(asked, own, at, listing.matching(asked, own, resources))
    page = listing.page_of(matching, own, at)
    meta = paging.totals(len(matching), at, capped=not inverted)
    if inverted and at.mode == "cursor" and at.size:
        meta["totalPages"] = -(-min(len(matching), paging.WINDOW) // at.size)
    full = len(page) >= at.size
    goes_on = full if inverted else paging.has_next(at, served=len(page), total_pages=meta["totalPages"])
    return Found(
        at=at, matching=matching, page=page, meta=meta, following=_following(asked, own, at, page) if goes_on else None
    )


def _following(asked: Asked, own: Listing, at: Place, page: Sequence[Resource]) -> str:
    pairs = [*paging.kept(asked.params, own.kept), ("page[size]", str(at.size))]
    if at.mode != "cursor":
        pairs.append(("page[number]", str(at.number + 1)))
    elif page:
        last = page[-1]
        pairs.append(("page[cursor]", paging.encode_cursor(span(last["index"][own.moment])[0], last["id"])))
    return paging.next_url(f"{asked.request.origin}{own.path}", pairs)


def _scrolled(asked: Asked, own: Listing, resources: Sequence[Resource], at: Place) -> Found:
    params, start = scroll.resume(asked.params)
    remembered = Asked(request=asked.request, params=params, snapshot=asked.snapshot)
    matching = listing.matching(remembered, own, resources)
    page = matching[start : start + at.size]
    token = scroll.token(params, start + len(page))
    pairs = [("page[scroll]", asked.params.page["scroll"]), ("page[size]", str(at.size)), ("scroll-id", token)]
    following = paging.next_url(f"{asked.request.origin}{own.path}", pairs) if len(page) >= at.size > 0 else None
    return Found(
        at=at, matching=matching, page=page, meta={"total": len(matching), "scroll-id": token}, following=following
    )
