"""Faults in lists: repeated rows and pages, cursors that restart, wrong totals, pages and records that never arrive."""

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
    """Change the document of a list with records; everything else passes."""

    def act(turn: Turn) -> Answer:
        answer = honest(turn)
        whole = list_of(answer)
        if not whole or not whole["data"]:
            return answer
        return replace(document(change(turn, whole)), content_type=answer.content_type)

    return act


def list_of(answer: Answer) -> Json:
    """Return the document of a list, None for anything else."""
    if answer.status != 200 or not answer.content_type.startswith("application/"):
        return None
    whole = json.loads(answer.plain())
    return whole if isinstance(whole, dict) and isinstance(whole.get("data"), list) else None


def _twice(turn: Turn, whole: Json) -> Json:
    """Add the first record of the previous page, or of this one, after the last."""
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
    """Link another page at the end: the same one."""
    params = parse(turn.request.query)
    onward = f"{turn.request.origin}{turn.request.path}?page%5Bcursor%5D={params.page.get('cursor')}"
    return {**whole, "links": {"next": onward, **(whole.get("links") or {})}}


def _again(turn: Turn) -> Answer:
    """Answer with the previous page of this walk, if there is one."""
    walk = str(parse(turn.request.query).get("query"))
    answer = honest(turn)
    before = turn.memory.get(walk, answer)
    turn.memory[walk] = answer
    return before if "page[cursor]" in turn.request.query else answer


def _restart(turn: Turn) -> Answer:
    """Treat the cursor as unreadable: start over."""
    token = parse(turn.request.query).page.get("cursor", "")
    return turn.respond(replace(turn.request, query=turn.request.query.replace(f"[cursor]={token}", "[cursor]=1")))


def total(value: str) -> Fault:
    """Read N or N:SHARE: `meta.total` is N too high."""
    more, _, share = value.partition(":")

    def act(turn: Turn) -> Answer:
        answer = honest(turn)
        whole = list_of(answer)
        if not whole:
            return answer
        return document({**whole, "meta": {**whole["meta"], "total": max(0, whole["meta"]["total"] + int(more))}})

    return Fault(name="total", share=float(share or 1), act=act)


def heavy(value: str) -> Fault:
    """Read SIZE:DEPTH: pages of more than SIZE records time out after the DEPTH-th record of the corpus."""
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

    With `page` the record can still be fetched alone; with `utterly` not even its id can.
    """
    first, _, how = value.partition(":")
    numbers = [int(number) for number in first.split(",")]

    def act(turn: Turn) -> Answer:
        answer = honest(turn)
        params = parse(turn.request.query)
        few = len(params.fields.get("dois", "").split(",")) <= 2 and "dois" in params.fields and how != "utterly"
        alone = how == "page" and not turn.request.path.endswith("/dois")
        if few or alone or answer.status != 200 or params.page.get("size") == "0":
            return answer
        data = json.loads(answer.plain()).get("data") or []
        uids = turn.corpus.now.frame["uid"].gather(numbers).to_list()
        held = {str(record.get("id")).lower() for record in (data if isinstance(data, list) else [data])}
        return html(504) if held & set(uids) else answer

    return Fault(name="poison", act=act)


ACTS: dict[str, Act] = {
    "twice": changed(_twice),
    "surrogate": changed(_surrogate),
    "endless": changed(_endless),
    "again": _again,
    "restart": _restart,
}
