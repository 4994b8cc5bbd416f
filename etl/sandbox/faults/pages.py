"""Faults in lists: rows twice, pages again, cursors that restart, lying totals, pages and records that never come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from etl.sandbox.answer import Answer, Json, document
from etl.sandbox.faults.fault import Act, Fault, Turn, honest
from etl.sandbox.faults.wire import html
from etl.sandbox.paging import decode_cursor
from etl.sandbox.params import parse

Change = Callable[[Turn, Json], Json]


def changed(change: Change) -> Act:
    """Change the document of a list that has records; everything else passes."""

    def act(turn: Turn) -> Answer:
        found = honest(turn)
        whole = list_of(found)
        if not whole or not whole["data"]:
            return found
        return replace(document(change(turn, whole)), content_type=found.content_type)

    return act


def list_of(answer: Answer) -> Json:
    """Return the document of a list, None for anything else."""
    if answer.status != 200 or not answer.content_type.startswith("application/"):
        return None
    whole = json.loads(answer.plain())
    return whole if isinstance(whole, dict) and isinstance(whole.get("data"), list) else None


def _twice(turn: Turn, whole: Json) -> Json:
    """Put the first record of the page before, or of this one, behind the last."""
    walk = str(parse(turn.request.query).get("query"))
    before = turn.memory.get(walk, whole["data"][0])
    turn.memory[walk] = whole["data"][0]
    return {**whole, "data": [*whole["data"], before]}


def _surrogate(turn: Turn, whole: Json) -> Json:
    del turn
    first = whole["data"][0]
    if isinstance(first.get("attributes"), dict):
        first["attributes"]["language"] = "\ud83d"
    return whole


def _endless(turn: Turn, whole: Json) -> Json:
    """Promise another page at the end: the same one."""
    params = parse(turn.request.query)
    onward = f"{turn.request.origin}{turn.request.path}?page%5Bcursor%5D={params.page.get('cursor')}"
    return {**whole, "links": {"next": onward, **(whole.get("links") or {})}}


def _again(turn: Turn) -> Answer:
    """Answer with the page before, if there was one in this walk."""
    walk = str(parse(turn.request.query).get("query"))
    found = honest(turn)
    before = turn.memory.get(walk, found)
    turn.memory[walk] = found
    return before if "page[cursor]" in turn.request.query else found


def _restart(turn: Turn) -> Answer:
    """Take the cursor for one that cannot be read: begin at the beginning."""
    token = parse(turn.request.query).page.get("cursor", "")
    return turn.respond(replace(turn.request, query=turn.request.query.replace(f"[cursor]={token}", "[cursor]=1")))


def total(value: str) -> Fault:
    """Read N or N:SHARE: `meta.total` is N more than it is."""
    more, _, share = value.partition(":")

    def act(turn: Turn) -> Answer:
        found = honest(turn)
        whole = list_of(found)
        if not whole:
            return found
        return document({**whole, "meta": {**whole["meta"], "total": max(0, whole["meta"]["total"] + int(more))}})

    return Fault(name="total", share=float(share or 1), act=act)


def heavy(value: str) -> Fault:
    """Read SIZE:DEPTH: pages of more than SIZE records time out behind the DEPTH-th record of the corpus."""
    size, _, depth = value.partition(":")

    def act(turn: Turn) -> Answer:
        params = parse(turn.request.query)
        after = decode_cursor(params.page.get("cursor", ""))
        row = turn.corpus.now.frame["uid"].index_of(after[1]) if after else None
        deep = row is not None and row >= int(depth or 0)
        return html(504) if deep and int(params.page.get("size", "25")) > int(size) else honest(turn)

    return Fault(name="heavy", act=act)


def poison(value: str) -> Fault:
    """Read N, N:page or N:utterly, several joined by commas: no page that holds the N-th record can be delivered.

    With `page` the record can still be had alone; with `utterly` not even its id can.
    """
    first, _, how = value.partition(":")
    numbers = [int(number) for number in first.split(",")]

    def act(turn: Turn) -> Answer:
        found = honest(turn)
        params = parse(turn.request.query)
        few = len(params.fields.get("dois", "").split(",")) <= 2 and "dois" in params.fields and how != "utterly"
        alone = how == "page" and not turn.request.path.endswith("/dois")
        if few or alone or found.status != 200 or params.page.get("size") == "0":
            return found
        data = json.loads(found.plain()).get("data") or []
        uids = turn.corpus.now.frame["uid"].gather(numbers).to_list()
        held = {str(one.get("id")).lower() for one in (data if isinstance(data, list) else [data])}
        return html(504) if held & set(uids) else found

    return Fault(name="poison", act=act)


ACTS: dict[str, Act] = {
    "twice": changed(_twice),
    "surrogate": changed(_surrogate),
    "endless": changed(_endless),
    "again": _again,
    "restart": _restart,
}
