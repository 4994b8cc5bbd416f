"""The format of a request for DOIs (api-notes 4.13): by Accept header, or by a media type in the path."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from etl.sandbox.answer import Answer, Request, refused
from etl.sandbox.formats import FORMATS
from etl.sandbox.render import whole
from etl.sandbox.v2.context import Asked
from etl.sandbox.views import View

_JSON = frozenset(("application/json", "application/vnd.api+json", "text/x-json", "application/jsonrequest"))
_ANY = frozenset(("*/*", "application/*", "text/html", "application/xhtml+xml"))
_VIEW = View(detail=True, affiliation=True, publisher=True)


def unfolded(request: Request) -> Request:
    """Return a request for `/dois/text/csv/10.x/y` or `/text/csv/10.x/y` as one for the DOI with an Accept header."""
    path = request.path.strip("/")
    kind, slash, rest = path.removeprefix("dois/").partition("/")
    subtype, _, doi = rest.partition("/")
    if not slash or f"{kind}/{subtype}" not in FORMATS or not (doi or path.startswith("dois/")):
        return request
    headers = {**request.headers, "accept": f"{kind}/{subtype}"}
    return replace(request, path=f"/dois/{doi}".rstrip("/"), headers=headers)


def requested(request: Request) -> str | None:
    """Return the media type to answer in, None for JSON:API; raises the 406 of unknown types."""
    kinds = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    if "*/*" in kinds and len(kinds) > 1:  # as browsers write it
        return None
    for kind in kinds:
        if kind in FORMATS:
            return kind
        if kind in _JSON or kind in _ANY:
            return None
    raise refused(406, "The content type is not recognized.")


def written(asked: Asked, rows: pl.DataFrame, kind: str, *, single: bool) -> Answer:
    """Answer with rows of the index in a media type."""
    pieces = asked.snapshot.renderer.pieces(rows, _VIEW) if len(rows) else []
    records = [resource.get("attributes") or {} for resource in whole([b"[", *pieces, b"]"])]
    return Answer(content=FORMATS[kind].write(records, single=single), content_type=f"{kind}; charset=utf-8")
