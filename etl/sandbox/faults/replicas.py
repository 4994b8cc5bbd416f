"""Servers that answer another question: replicas out of step, mirrors without search, clients with new names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from etl.sandbox.answer import Answer, Json, document
from etl.sandbox.faults.fault import Fault, Turn, honest, often
from etl.sandbox.faults.pages import changed, list_of

_PAGING = ("page[", "sort", "fields[", "include", "disable-facets", "affiliation", "publisher", "rows", "offset")


def _flicker(turn: Turn) -> Answer:
    """Count one record more and one less in turn, like replicas out of step."""
    answer = honest(turn)
    whole = list_of(answer)
    if not whole:
        return answer
    turn.memory["more"] = -turn.memory.get("more", -1)
    total = max(0, whole["meta"]["total"] + turn.memory["more"])
    return replace(document({**whole, "meta": {**whole["meta"], "total": total}}), content_type=answer.content_type)


def _overlap(turn: Turn, whole: Json) -> Json:
    """Repeat the last rows of the previous page at the top of this one."""
    walk = str([part for part in unquote(turn.request.query).split("&") if not part.startswith("page[cursor]")])
    before = turn.memory.get(walk, [])
    turn.memory[walk] = whole["data"][-3:]
    return {**whole, "data": [*before, *whole["data"]]}


def _ignore_query(turn: Turn) -> Answer:
    """Answer with everything, whatever the search or filter."""
    kept = [part for part in turn.request.query.split("&") if unquote(part).startswith(_PAGING)]
    return turn.respond(replace(turn.request, query="&".join(kept)))


def _renamed(value: str) -> Fault:
    """Read FROM: from that request on, no record matches a filter by client."""

    def act(turn: Turn) -> Answer:
        filtered = any(name in unquote(turn.request.query) for name in ("client-id=", "client_id="))
        if not filtered or turn.number < int(value or 1):
            return honest(turn)
        return turn.respond(replace(turn.request, query=f"{turn.request.query}&query=doi:nothing"))

    return Fault(name="renamed-client", act=act)


KINDS: dict[str, Callable[[str], Fault]] = {
    "flicker": often("flicker", _flicker),
    "overlap": often("overlap", changed(_overlap)),
    "ignore-query": often("ignore-query", _ignore_query),
    "renamed-client": _renamed,
}
