"""An index that moves while it is read: records are created, updated and withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime

from etl.sandbox.answer import Answer
from etl.sandbox.content.dice import dice
from etl.sandbox.faults.fault import Fault, Turn, honest

KINDS = ("created", "updated", "withdrawn")


def drift(value: str) -> Fault:
    """Read EVERY, EVERY:KINDS or EVERY:KINDS:UNTIL, e.g. `10:created,withdrawn:200`.

    So often one record of each kind moves, up to so many requests.
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
