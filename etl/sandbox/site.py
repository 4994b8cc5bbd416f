"""Route paths to endpoints: everything between a `Request` and its `Answer` except the network.

An unknown path is looked up as a DOI and therefore ends in 404, as on the real server (api-notes 1.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from etl.sandbox.answer import Answer, ApiError, Request, document, refused
from etl.sandbox.corpus import Corpus
from etl.sandbox.params import parse
from etl.sandbox.v1 import site as v1
from etl.sandbox.v2 import (
    activities,
    catalogues,
    clients,
    dois,
    events,
    negotiation,
    prefixes,
    providers,
    reference_repositories,
    repositories,
    totals,
)
from etl.sandbox.v2.context import Asked

VERSION = "2.37.14"
_OLD_API = "/v1/"
_HOME = "https://support.datacite.org/docs/api"
_CALLBACK = re.compile(r"[\w.$]+$")

_LISTS: dict[str, Callable[[Asked], Answer]] = {
    "dois": dois.answer,
    "clients": clients.answer,
    "providers": providers.answer,
    "repositories": repositories.answer,
    "prefixes": prefixes.answer_prefixes,
    "client-prefixes": prefixes.answer_clients,
    "provider-prefixes": prefixes.answer_providers,
    "repository-prefixes": prefixes.answer_repositories,
    "activities": activities.answer,
    "events": events.answer,
    "resource-types": catalogues.answer_types,
    "reports": catalogues.answer_reports,
    "reference-repositories": reference_repositories.answer,
}
_SINGLES: dict[str, Callable[[Asked, str], Answer]] = {
    "dois": dois.answer_one,
    "clients": clients.answer_one,
    "providers": providers.answer_one,
    "repositories": repositories.answer_one,
    "prefixes": prefixes.answer_prefix,
    "client-prefixes": prefixes.answer_client,
    "provider-prefixes": prefixes.answer_provider,
    "repository-prefixes": prefixes.answer_repository,
    "activities": activities.answer_one,
    "events": events.answer_one,
    "resource-types": catalogues.answer_type,
    "reports": catalogues.answer_report,
    "reference-repositories": reference_repositories.answer_one,
}
_TOTALS: dict[str, Callable[[Asked], Answer]] = {
    "clients": totals.answer_clients,
    "providers": totals.answer_providers,
    "prefixes": totals.answer_prefixes,
}
# `/repositories/{id}/dois` and `…/prefixes` reach the whole lists: nothing there reads the repository (api-notes 4.11).
_PARENTS = {"clients": "client_id", "providers": "provider_id", "repositories": "repository_id"}
_CHILDREN = {
    "clients": ("dois", "prefixes"),
    "providers": ("dois", "prefixes", "clients", "repositories"),
    "repositories": ("dois", "prefixes"),
}


def respond(request: Request, corpus: Corpus) -> Answer:
    """Answer a request from the current state of a corpus; under `/v1` like the API that was switched off."""
    if request.path.startswith(_OLD_API):
        return _of_v1(replace(request, path=request.path.removeprefix(_OLD_API)), corpus)
    request = negotiation.unfolded(request)
    asked = Asked(request=request, params=parse(request.query), snapshot=corpus.now)
    try:
        answer = _routed(asked)
    except ApiError as error:
        answer = error.answer
    return _as_jsonp(answer, asked.params.get("callback"))


def _of_v1(request: Request, corpus: Corpus) -> Answer:
    try:
        return v1.respond(request, corpus)
    except ApiError as error:
        return error.answer


def _routed(asked: Asked) -> Answer:
    path = asked.request.path.removeprefix("/").rstrip("/")
    first, _, rest = path.partition("/")
    if not path:
        return Answer(status=301, headers={"Location": _HOME})
    if path == "heartbeat":
        return Answer(content=b"OK", content_type="text/plain; charset=utf-8")
    if first in _LISTS and not rest:
        return _LISTS[first](asked)
    nested = _nested(asked, first, rest)
    if nested is not None:
        return nested
    if first in _SINGLES:
        return _SINGLES[first](asked, unquote(rest))
    return dois.answer_one(asked, unquote(path))


def _nested(asked: Asked, first: str, rest: str) -> Answer | None:
    """Answer the totals of a list, or a list of one record; None if the path is neither."""
    if rest == "totals" and first in _TOTALS:
        return _TOTALS[first](asked)
    owner, _, what = rest.rpartition("/")
    if owner and what in _CHILDREN.get(first, ()):
        nested = asked.params.having(**{_PARENTS[first]: unquote(owner)})
        return _LISTS[what](Asked(request=asked.request, params=nested, snapshot=asked.snapshot))
    if first in {"dois", *_PARENTS} and what == "activities" and owner:
        return activities.answer(asked, unquote(owner))
    if first == "dois" and what == "media" and owner:
        return dois.answer_media(asked, unquote(owner))
    # The list of a DOI's events is that of all events: nothing there reads the DOI (api-notes 4.11).
    return events.answer(asked) if first == "dois" and what == "events" and owner else None


def _as_jsonp(answer: Answer, callback: str | None) -> Answer:
    if not callback or not _CALLBACK.match(callback):
        return answer
    wrapped = b"".join((callback.encode(), b"(", answer.plain(), b")"))
    return Answer(status=answer.status, content=wrapped, content_type="application/javascript; charset=utf-8")


def unexpected(error: Exception) -> Answer:
    """Answer an unexpected error like the real server: a 400 with the text of the error."""
    return document({"errors": [{"status": "400", "title": str(error)}]}, status=400)


def read_only() -> Answer:
    """Answer an anonymous attempt to write."""
    return refused(401, "Bad credentials.").answer
