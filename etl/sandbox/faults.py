"""Trouble on demand: what a sandbox does wrong, and with which requests.

Whether a fault strikes depends on the number of the request and the seed only, so a run can be repeated exactly. Each
kind is a function in `KINDS` that reads the text after `name=`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from etl.sandbox.answer import Answer
from etl.sandbox.content.dice import dice
from etl.sandbox.limits import limited

_HTML = b"<html>\r\n<head><title>Please wait</title></head>\r\n<body></body>\r\n</html>\r\n"
_GATEWAY = b"<html>\r\n<head><title>%d Gateway Time-out</title></head>\r\n<body></body>\r\n</html>\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of trouble: it strikes every n-th request, or else a share of all."""

    name: str
    share: float = 1.0
    every: int = 0
    status: int = 0
    delay: float = 0.0

    def strikes(self, number: int, seed: int) -> bool:
        """Tell whether the fault strikes the n-th request, counted from 1."""
        if self.every:
            return number % self.every == 0
        return dice(seed, self.name, number).random() < self.share

    def instead(self) -> Answer | None:
        """Give the answer that replaces the true one, if the fault replaces it."""
        if self.name == "429":
            return limited()
        if self.name == "error":
            return Answer(status=self.status, content=_GATEWAY % self.status, content_type="text/html")
        if self.name == "html200":
            return Answer(content=_HTML, content_type="text/html")
        return None

    def spoil(self, body: bytes) -> bytes:
        """Give the body as this fault lets it through."""
        return body[: len(body) // 2] if self.name == "truncate" else body


def _latency(value: str) -> Fault:
    return Fault(name="latency", delay=float(value) / 1000)


def _error(value: str) -> Fault:
    status, _, share = value.partition(":")
    return Fault(name="error", status=int(status), share=float(share or 1))


def _share_or_every(name: str) -> Callable[[str], Fault]:
    """Read a whole number as every n-th request, a fraction as a share, nothing as every request."""

    def read(value: str) -> Fault:
        if not value or value.isdigit():
            return Fault(name=name, every=int(value or 1))
        return Fault(name=name, share=float(value))

    return read


KINDS: dict[str, Callable[[str], Fault]] = {
    "latency": _latency,
    "error": _error,
    "429": _share_or_every("429"),
    "truncate": _share_or_every("truncate"),
    "html200": _share_or_every("html200"),
}


def parse(text: str) -> Fault:
    """Read a fault from `name=value` or `name:value`; raises ValueError with a line that names the known ones."""
    name, _, value = text.replace("=", ":", 1).partition(":")
    read = KINDS.get(name)
    if read is None:
        raise ValueError(f"unknown fault {name!r}; known are {', '.join(KINDS)}")
    try:
        fault = read(value)
    except ValueError as error:
        raise ValueError(f"fault {text!r} cannot be read: {error}") from error
    if not 0 <= fault.share <= 1:
        raise ValueError(f"fault {text!r}: a share lies between 0 and 1")
    return fault
