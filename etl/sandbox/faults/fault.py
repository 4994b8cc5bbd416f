"""A fault: the requests it strikes, and what it does to their answers.

Whether it strikes depends only on the number of the request and the seed, so that runs can be repeated exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from etl.sandbox.answer import Answer, Json, Request
from etl.sandbox.content.dice import dice
from etl.sandbox.corpus import Corpus

Respond = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request that is struck; `memory` belongs to the fault and lasts from request to request."""

    request: Request
    number: int
    seed: int
    corpus: Corpus
    respond: Respond
    memory: dict[str, Json] = field(default_factory=dict)


Act = Callable[[Turn], Answer]


def honest(turn: Turn) -> Answer:
    """Return the correct answer."""
    return turn.respond(turn.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: it strikes every n-th request, or a share of all.

    For a fault in time, `amount` is its seconds, and `after` the request at which it begins.
    """

    name: str
    share: float = 1.0
    every: int = 0
    delay: float = 0.0
    amount: float = 0.0
    after: int = 0
    act: Act = honest

    def strikes(self, number: int, seed: int) -> bool:
        """Return whether the fault strikes the n-th request, counted from 1."""
        if self.every:
            return number % self.every == 0
        return dice(seed, self.name, number).random() < self.share


def often(name: str, act: Act) -> Callable[[str], Fault]:
    """Read an integer as every n-th request, a fraction as a share, and nothing as every request."""

    def read(value: str) -> Fault:
        if not value or value.isdigit():
            return Fault(name=name, every=int(value or 1), act=act)
        return Fault(name=name, share=float(value), act=act)

    return read
