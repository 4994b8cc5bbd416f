"""An index that moves while it is read: records are created, updated and withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime

from etl.sandbox import site
from etl.sandbox.answer import Answer
from etl.sandbox.content.dice import dice
from etl.sandbox.corpus import Corpus
from etl.sandbox.faults.fault import Fault, Turn, honest

KINDS = ("created", "updated", "withdrawn")


def drift(value: str) -> Fault:
    """Read EVERY, EVERY:KINDS or EVERY:KINDS:UNTIL, e.g. `10:created,withdrawn:200`.

    After every so many requests one record of each kind moves, until a number of requests.
    """
    every, _, rest = value.partition(":")
    given, _, until = rest.partition(":")
    kinds = given.split(",") if given else list(KINDS)
    if strange := set(kinds) - set(KINDS):
        raise ValueError(f"no such move: {', '.join(strange)}")
    last = int(until) if until else None

    def act(turn: Turn) -> Answer:
        if last is None or turn.number <= last:
            move(turn, kinds)
        return honest(turn)

    return Fault(name="drift", every=int(every), act=act)


def unlisted(value: str) -> Fault:
    """Read N or N:FROM: from that request on the N-th record is in no list and no total, but can be fetched alone."""
    number, _, first = value.partition(":")

    def act(turn: Turn) -> Answer:
        if turn.number < int(first or 1) or not turn.request.path.endswith("/dois"):
            return honest(turn)
        if "without" not in turn.memory:
            corpus = Corpus(turn.corpus.now)
            corpus.withdraw([corpus.now.frame["uid"][int(number)]])
            turn.memory["without"] = corpus
        return site.respond(turn.request, corpus=turn.memory["without"])

    return Fault(name="unlisted", act=act)


def move(turn: Turn, kinds: list[str]) -> None:
    """Create, update and withdraw a record, chosen by the request's number."""
    corpus, now = turn.corpus, datetime.now(UTC)
    listed = corpus.now.frame.filter("findable")["uid"]
    chosen = dice(turn.seed, "drift", turn.number)
    if "created" in kinds:
        corpus.create(1, at=now)
    if "updated" in kinds:
        corpus.update([listed[int(chosen.random() * len(listed))]], at=now)
    if "withdrawn" in kinds:
        corpus.withdraw([listed[int(chosen.random() * len(listed))]])
