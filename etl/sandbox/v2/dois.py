"""`/dois` and the lists of one client's or one provider's DOIs (api-notes 4.1)."""

from __future__ import annotations

import polars as pl

from etl.sandbox import paging
from etl.sandbox.answer import Answer, Json, document, dump, not_found, refused
from etl.sandbox.paging import Place
from etl.sandbox.params import Params
from etl.sandbox.render import whole
from etl.sandbox.stitched import Stitched
from etl.sandbox.v2 import negotiation, scroll
from etl.sandbox.v2.context import Asked, links, refusal, single
from etl.sandbox.v2.facets import facets
from etl.sandbox.v2.order import SAMPLE_GROUPS, in_order, sampled
from etl.sandbox.views import view_of

# The parameters that links.next keeps; all others are dropped silently (api-notes 2.5).
KEPT = str.split(
    "query provider-id consortium-id client-id funder-id affiliation-id resource-type-id prefix certificate published "
    "created registered has-citations has-references has-parts has-part-of has-versions has-version-of has-views "
    "has-downloads has-person has-affiliation has-funder disable-facets facets detail composite affiliation publisher "
    "funded_by include_funder_child_organizations affiliation-country enriched"
)
_EXCLUSIVE = "Cursor-based pagination and random sampling are mutually exclusive, please choose one or the other."


def answer(asked: Asked) -> Answer:
    """Answer a list of DOIs."""
    at, kind = paging.place(asked.params), negotiation.requested(asked.request)
    if at.mode == "cursor" and asked.params.on("random"):
        raise refused(400, _EXCLUSIVE)
    if at.mode == "scroll":
        return _scrolled(asked, at)
    matching = _matching(asked)
    meta = paging.totals(len(matching), at)
    group = asked.params.get("sample_group")
    if group in SAMPLE_GROUPS and asked.params.get("sample"):
        picked = sampled(asked, matching, group)
        meta |= {"total": len(picked), "totalPages": 1}  # the sample's, not the list's (api-notes 4.6)
        return _composed(asked, picked, meta | facets(asked, matching), None)
    picked = _page(asked, at, matching)
    if kind is not None:
        return negotiation.written(asked, asked.snapshot.frame[picked], kind, single=False)
    goes_on = paging.has_next(at, served=len(picked), total_pages=meta["totalPages"])
    following = _following(asked, at, picked) if goes_on else None
    return _composed(asked, picked, meta | facets(asked, matching), following)


def answer_one(asked: Asked, doi: str) -> Answer:
    """Answer the singleton of a DOI, always in the detail view."""
    snapshot = asked.snapshot
    rows = snapshot.frame[snapshot.rows_of([doi])].filter("findable")
    if not len(rows):
        raise not_found()
    kind = negotiation.requested(asked.request)
    if kind is not None:
        return negotiation.written(asked, rows, kind, single=True)
    resource = whole(snapshot.renderer.pieces(rows, view_of(asked.params, single=True)))
    return single(resource, included=_included(asked, rows))


def answer_media(asked: Asked, doi: str) -> Answer:
    """Answer the list of a DOI's media."""
    snapshot = asked.snapshot
    rows = snapshot.frame[snapshot.rows_of([doi])].filter("findable")
    if not len(rows):
        raise not_found()
    at, media = paging.place(asked.params), snapshot.renderer.media(rows)
    page = media[(at.number - 1) * at.size : at.number * at.size]
    return document({"data": page, "meta": paging.totals(len(media), at, capped=False), "links": links(asked, None)})


def _matching(asked: Asked) -> pl.Series:
    if ids := asked.params.ids():
        return asked.snapshot.rows_of(sorted(ids))
    try:
        return asked.snapshot.rows(asked.params)
    except ValueError as error:
        raise refusal(error) from error


def _page(asked: Asked, at: Place, matching: pl.Series) -> pl.Series:
    if at.mode == "cursor":
        start = asked.snapshot.matches.behind(matching, at.after) if at.after else 0
        return matching.slice(start, at.size)
    ordered = in_order(asked, matching, replica=at.number % 2)
    return ordered.slice((at.number - 1) * at.size, at.size)


def _following(asked: Asked, at: Place, picked: pl.Series) -> str:
    params = asked.params
    pairs = paging.kept(params, KEPT) + paging.kept_fields(params.fields) + [("page[size]", str(at.size))]
    if at.mode == "cursor":
        last = asked.snapshot.frame.row(int(picked[-1]), named=True)
        pairs.append(("page[cursor]", paging.encode_cursor(last["created"], last["uid"])))
    else:
        pairs.append(("page[number]", str(at.number + 1)))
    return paging.next_url(f"{asked.request.origin}/dois", pairs)


def _scrolled(asked: Asked, at: Place) -> Answer:
    """Answer a page of a scroll: the first by the request, later ones by the scroll id."""
    params, start = scroll.resume(asked.params)
    remembered = Asked(request=asked.request, params=params, snapshot=asked.snapshot)
    matching = _matching(remembered)
    picked = matching.slice(start, at.size)
    token = scroll.token(params, start + len(picked))
    pairs = [
        ("page[scroll]", asked.params.page["scroll"]),
        ("page[size]", str(at.size)),
        ("scroll-id", token),
    ]
    following = paging.next_url(f"{asked.request.origin}/dois", pairs) if len(picked) >= at.size > 0 else None
    return _composed(remembered, picked, {"total": len(matching), "scroll-id": token}, following)


def _composed(asked: Asked, picked: pl.Series, meta: dict[str, Json], following: str | None) -> Answer:
    rows = asked.snapshot.frame[picked]
    records = asked.snapshot.renderer.pieces(rows, view_of(asked.params)) if len(rows) else []
    end: dict[str, Json] = {"meta": meta, "links": links(asked, following)}
    if _includes(asked.params):
        end["included"] = _included(asked, rows)
    return Answer(body=Stitched([b'{"data":[', *records, b"],", dump(end)[1:]]))


def _includes(params: Params) -> list[str]:
    """Name what is included; unknown names are dropped."""
    return [name for name in params.listed("include") if name in ("client", "media")]


def _included(asked: Asked, rows: pl.DataFrame) -> list[Json]:
    names = _includes(asked.params)
    included: list[Json] = []
    if "client" in names:
        roster = asked.snapshot.roster
        ids = [
            roster.client_ids[client] for client in rows["client"].drop_nulls().unique(maintain_order=True).to_list()
        ]
        included += [roster.clients[client] for client in ids if client in roster.clients]
    if "media" in names:
        included += asked.snapshot.renderer.media(rows)
    return included
