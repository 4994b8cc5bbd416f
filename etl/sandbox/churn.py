"""A moving index: records are created, changed, withdrawn and restored, and listed later than their timestamps.

Only the seed and the number of the move decide what moves; the n-th move happens n / rate seconds after the
sandbox began, whenever it is observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import polars as pl

from etl.sandbox.content import index
from etl.sandbox.content.dice import dice
from etl.sandbox.corpus import Corpus, Snapshot
from etl.sandbox.pool import MadePool

Change = Callable[[pl.DataFrame], pl.DataFrame]

KINDS = ("created",) * 8 + ("changed",) * 6 + ("found",) * 3 + ("registered",) * 2 + ("withdrawn",)
"""How often what moves, of twenty moves: most are new DOIs, and hardly any is withdrawn."""
_OLD = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Move:
    """One change of the records, and its time in epoch seconds of the server's clock."""

    at: float
    change: Change


class Churn:
    """The current records, in the given corpus, and the listed ones, `lag` seconds behind.

    State: the moves so far, and how many of them the index has.
    """

    def __init__(self, corpus: Corpus, *, rate: float, lag: float, begin: float, seed: int) -> None:
        self.listed = Corpus(corpus.now, corpus.manner) if lag else corpus
        self._corpus = corpus
        self._rate, self._lag, self._begin, self._seed = rate, lag, begin, seed
        self._first = corpus.now
        self._moves: list[Move] = []
        self._indexed = 0

    def advance(self, now: float) -> None:
        """Apply all moves until now, and list the records that are old enough."""
        due = int((now - self._begin) * self._rate)
        while len(self._moves) < due:
            number = len(self._moves)
            at = self._begin + (number + 1) / self._rate
            move = Move(at, _change(self._corpus.now, dice(self._seed, "churn", number), int(at)))
            self._corpus.apply(move.change)
            self._moves.append(move)
        while self._lag and self._indexed < len(self._moves) and self._moves[self._indexed].at + self._lag <= now:
            self.listed.apply(self._moves[self._indexed].change)
            self._indexed += 1

    def listed_at(self, moment: float) -> pl.DataFrame:
        """Return the records that the index listed at a past moment: `uid`, and times in epoch milliseconds."""
        self.advance(moment)
        frame = self._first.frame
        for move in self._moves:
            if move.at + self._lag <= moment:
                frame = move.change(frame)
        return frame.filter("findable").select("uid", "created", "updated", "registered")


def _change(now: Snapshot, chance: Random, at: int) -> Change:
    assert isinstance(now.pool, MadePool)
    kind = chance.choice(KINDS)
    listed = now.frame.filter("findable")["uid"]
    if kind in ("created", "found") or not len(listed):
        born = at - chance.randrange(86400, _OLD) if kind == "found" else at
        return _adding(now, born, at)
    chosen = pl.col("uid") == listed[chance.randrange(len(listed))]
    return _withdrawing(chosen) if kind == "withdrawn" else _changing(chosen, now.pool.usual, at, kind == "registered")


def _adding(now: Snapshot, born: int, at: int) -> Change:
    """Add a record; one that was a draft has the creation time of the draft."""
    assert isinstance(now.pool, MadePool)
    stamp = pl.lit(at * 1000, dtype=pl.Int64)
    added = index.additions(now.frame, 1, born, now.roster, now.pool.usual)
    added = added.with_columns(updated=stamp, registered=stamp)
    return lambda frame: pl.concat([frame, added])


def _changing(chosen: pl.Expr, templates: int, at: int, registered: bool) -> Change:  # noqa: FBT001
    stamp = pl.lit(at * 1000, dtype=pl.Int64)
    template = ((pl.col("template") + 1) % templates).cast(pl.UInt32)
    new = {"updated": stamp, "version": pl.col("version") + 1, "template": template}
    new |= {"registered": stamp} if registered else {}
    return lambda frame: frame.with_columns(
        **{name: pl.when(chosen).then(value).otherwise(name) for name, value in new.items()}
    )


def _withdrawing(chosen: pl.Expr) -> Change:
    return lambda frame: frame.with_columns(findable=pl.col("findable") & ~chosen)


def settled(listed: pl.DataFrame, as_of: datetime) -> set[str]:
    """Return the ids of the listed records whose times are all before a moment."""
    bound = int(as_of.astimezone(UTC).timestamp() * 1000)
    before = pl.max_horizontal("created", "updated", "registered") < bound
    return set(listed.filter(before)["uid"].to_list())
