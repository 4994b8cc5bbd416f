"""The input of every endpoint of the current dialect, and the common envelope of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.sandbox.answer import Answer, ApiError, Json, Request, document, search_failed
from etl.sandbox.corpus import Snapshot
from etl.sandbox.params import Params
from etl.sandbox.search.lucene import QuerySyntaxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, its parameters, and the state of the corpus that answers it."""

    request: Request
    params: Params
    snapshot: Snapshot


def links(asked: Asked, following: str | None) -> dict[str, Json]:
    """Return `links`: `self` verbatim, `next` only when there is one."""
    return {"self": asked.request.url} | ({"next": following} if following else {})


def single(resource: Json, *, included: Sequence[Json] = (), meta: Json = None) -> Answer:
    """Answer with one resource object."""
    extra = ({"included": list(included)} if included else {}) | ({"meta": meta} if meta else {})
    return document({"data": resource, **extra})


def refusal(error: ValueError | QuerySyntaxError) -> ApiError:
    """Turn an invalid search into the server's 400."""
    return search_failed(str(error))


def bucket(name: str, title: str, count: int) -> dict[str, Json]:
    """Make one entry of a facet."""
    return {"id": name, "title": title, "count": count}
