"""Paging arithmetic of every list (api-notes 2.1, 2.2, 2.3, 2.5): sizes, clamps, cursors, totals and `links.next`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from etl.sandbox.answer import Json, search_failed
from etl.sandbox.params import Params

WINDOW = 10_000
LARGEST = 1000
USUAL = 25

_LEADING_INTEGER = re.compile(r"\s*[+-]?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position in a list: `mode` is "page", "cursor" or "scroll"; `after` is (epoch ms, uid) of the last row."""

    mode: str
    size: int
    number: int = 1
    after: tuple[int, str] | None = None


def place(params: Params) -> Place:
    """Read the paging parameters, clamped like the server.

    Raises the server's 400 for a negative size, which reaches the search engine unchecked.
    """
    size = _size(params.page.get("size"))
    if size < 0:
        raise search_failed(f"illegal_argument_exception: [size] parameter cannot be negative, found [{size}]")
    if params.page.get("scroll"):
        return Place(mode="scroll", size=size)
    if "cursor" in params.page:
        return Place(mode="cursor", size=size, after=decode_cursor(params.page["cursor"]))
    number = _integer(params.page.get("number") or "1")
    reachable = WINDOW // size if size else 1
    return Place(mode="page", size=size, number=min(number if number > 0 else 1, reachable))


def _size(text: str | None) -> int:
    return min(_integer(text), LARGEST) if text else USUAL


def _integer(text: str) -> int:
    match = _LEADING_INTEGER.match(text)
    return int(match[0]) if match else 0


def encode_cursor(epoch_ms: int, uid: str) -> str:
    """Make the token that continues after a row."""
    return base64.urlsafe_b64encode(f"{epoch_ms},{uid}".encode()).rstrip(b"=").decode()


def decode_cursor(token: str) -> tuple[int, str] | None:
    """Read a token; an undecodable one silently means the beginning."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
        moment, _, uid = text.partition(",")
        return int(moment), uid
    except (binascii.Error, UnicodeError, ValueError):
        return None


def totals(total: int, at: Place, *, capped: bool = True) -> dict[str, Json]:
    """Return `total`, `totalPages` and, in page mode, `page`; with `capped` page mode counts only 10,000 rows."""
    countable = min(total, WINDOW) if capped and at.mode == "page" else total
    counted: dict[str, Json] = {"total": total, "totalPages": -(-countable // at.size) if at.size else 0}
    return {**counted, "page": at.number} if at.mode == "page" else counted


def has_next(at: Place, *, served: int, total_pages: int) -> bool:
    """Return whether the page carries `links.next`: a full last page still does in cursor mode."""
    return served >= at.size > 0 and at.number != total_pages


def next_url(base: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Build a next link the way Ruby's `to_query` does: encoded pairs in alphabetical order."""
    encoded = sorted(f"{quote_plus(name)}={quote_plus(value, safe='*')}" for name, value in pairs)
    return f"{base}?{'&'.join(encoded)}"


def kept(params: Params, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the whitelisted parameters of the request; the others are dropped silently."""
    pairs = ((name, params.plain.get(name.replace("-", "_"))) for name in names)
    return [(name, value) for name, value in pairs if value]


def kept_fields(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the sparse fieldsets as query pairs."""
    return [(f"fields[{kind}]", value) for kind, value in fields.items()]
