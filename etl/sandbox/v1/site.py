"""Paths below `/v1` to the lists and records of API v1."""

from __future__ import annotations

from urllib.parse import unquote

from etl.sandbox.answer import Answer, Request
from etl.sandbox.corpus import Corpus
from etl.sandbox.params import parse
from etl.sandbox.v1 import lists, works
from etl.sandbox.v1.asked import Asked, not_found
from etl.sandbox.v1.library import library

_LOGIN = b"<!DOCTYPE html>\n<html>\n<head><title>DataCite - Sign in</title></head>\n<body></body>\n</html>\n"
_NESTED = {
    ("members", "works"): "member_id",
    ("publishers", "works"): "publisher_id",
    ("sources", "works"): "source_id",
    ("contributors", "contributions"): "contributor_id",
}
_BY_ID = frozenset(("works", "members", "publishers", "contributors", "sources"))


def respond(request: Request, corpus: Corpus) -> Answer:
    """Answer a request whose path is given without `/v1`; raises the error that ends it."""
    manner = corpus.manner
    shelf = library(corpus.now, manner)
    asked = Asked(request=request, params=parse(request.query), library=shelf, manner=manner)
    kind, _, rest = request.path.strip("/").partition("/")
    if kind not in lists.LISTS and kind != "works":
        raise not_found()
    if kind == "agents" and not manner.agents:
        return Answer(content=_LOGIN, content_type="text/html; charset=utf-8")
    return _listed(asked, kind) if not rest else _below(asked, kind, rest)


def _listed(asked: Asked, kind: str) -> Answer:
    name = asked.params.get("id")
    if name and kind in _BY_ID and not asked.manner.old:
        return _single(asked, kind, name)
    return works.answer(asked) if kind == "works" else lists.answer(asked, kind)


def _below(asked: Asked, kind: str, rest: str) -> Answer:
    owner, _, what = rest.rpartition("/")
    if owner and (kind, what) in _NESTED:
        params = asked.params.having(**{_NESTED[kind, what]: unquote(owner)})
        nested = Asked(request=asked.request, params=params, library=asked.library, manner=asked.manner)
        return _listed(nested, what)
    return _single(asked, kind, unquote(rest))


def _single(asked: Asked, kind: str, name: str) -> Answer:
    if kind == "works":
        return works.answer_one(asked, name)
    if kind == "pages":
        return lists.answer_one(asked, kind, f"https://{name.rstrip('/')}/")
    if kind == "contributors":
        scheme = "https" if name.startswith("github.com") else "http"
        return lists.answer_one(asked, kind, f"{scheme}://{name}")
    return lists.answer_one(asked, kind, name)
