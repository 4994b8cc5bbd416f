"""The input of every list of API v1, and the envelopes of both generations."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etl.sandbox.answer import Answer, ApiError, Json, Request, document, dump, refused
from etl.sandbox.params import Params
from etl.sandbox.v1.entry import Entry, Manner
from etl.sandbox.v1.library import Library

NOT_FOUND = "The page you are looking for doesn't exist."
_KINDS = {
    "publisher": "publishers",
    "member": "members",
    "registration-agency": "registration-agencies",
    "resource-type": "resource-types",
    "work-type": "work-types",
    "source": "sources",
    "relation-type": "relation-types",
    "group": "groups",
}
Bucket = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, its parameters, the library that answers it, and the behaviour of the server."""

    request: Request
    params: Params
    library: Library
    manner: Manner

    def whole(self, name: str, otherwise: int) -> int:
        """Read a parameter as a non-negative number; anything else counts as absent."""
        text = self.params.get(name) or ""
        return int(text) if text.isdecimal() else otherwise

    def wanted(self, known: Sequence[str]) -> list[str]:
        """Return the includes that the list has."""
        return [name for name in self.params.listed("include") if name in known]


def listed(asked: Asked, page: Sequence[Entry], meta: Json, known: Sequence[str]) -> Answer:
    """Answer with a list; v1.0 mixes in all linked records, requested or not."""
    if asked.manner.old:
        linked = [_written(asked, entry) for entry in _linked(asked, page, known)]
        return document({"data": [*(_written(asked, entry) for entry in page), *linked], "meta": meta})
    names = asked.wanted(known)
    body: dict[str, Json] = {"data": [_written(asked, entry, names) for entry in page]}
    if names:
        body["included"] = [_written(asked, entry) for entry in _linked(asked, page, names)]
    return _as_api({**body, "meta": meta})


def single(asked: Asked, entry: Entry | None, known: Sequence[str]) -> Answer:
    """Answer with one record, or 404 if it is unknown."""
    if entry is None:
        raise not_found()
    names = asked.wanted(known)
    body: dict[str, Json] = {"data": _written(asked, entry, names)}
    if names and not asked.manner.old:
        body["included"] = [_written(asked, linked) for linked in _linked(asked, [entry], names)]
    return document(body) if asked.manner.old else _as_api(body)


def facet(asked: Asked, buckets: Iterable[Bucket], link: str = "") -> Json:
    """Write a facet: an object of counts in v1.0, a list with titles later.

    In v1.1 the ids of sources and kinds of links have underscores, unlike those of the records.
    """
    if asked.manner.old:
        return {name: count for name, _, count in buckets}
    if link in ("source", "relation-type"):
        buckets = [(name.replace("-", "_"), title, count) for name, title, count in buckets]
    return [{"id": name, "title": title, "count": count} for name, title, count in buckets]


def not_found() -> ApiError:
    """Make the 404 of an unknown record or path."""
    return refused(404, NOT_FOUND)


def kind_of(link: str) -> str:
    """Return the type of the records of a relationship."""
    return _KINDS[link]


def _as_api(body: Json) -> Answer:
    return Answer(content=dump(body), content_type="application/vnd.api+json; charset=utf-8")


def _linked(asked: Asked, page: Iterable[Entry], names: Sequence[str]) -> list[Entry]:
    targets: dict[tuple[str, str], Entry] = {}
    for entry in page:
        for name in names:
            target = _target(asked, entry, name)
            if target is not None:
                targets[target.kind, target.id] = target
    return list(targets.values())


def _target(asked: Asked, entry: Entry, name: str) -> Entry | None:
    link = entry.links.get(name)
    return asked.library.find(_KINDS[name], link) if link else None


def _written(asked: Asked, entry: Entry, names: Sequence[str] = ()) -> Json:
    attributes = entry.older if asked.manner.old and entry.older is not None else entry.attributes
    written = {
        "id": str(uuid.uuid4()) if entry.random else entry.id,
        "type": entry.kind,
        "attributes": attributes,
    }
    if asked.manner.old or not entry.links:
        return written
    return {**written, "relationships": {name: _relationship(asked, entry, name, names) for name in entry.links}}


def _relationship(asked: Asked, entry: Entry, name: str, names: Sequence[str]) -> Json:
    if name not in names:
        return {"meta": {}}
    target = _target(asked, entry, name)
    return {"data": None if target is None else {"id": target.id, "type": target.kind}}
