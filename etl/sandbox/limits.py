"""Rate limits (api-notes 1.6): requests are counted in windows, by tier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from etl.sandbox.answer import Answer, Request

WINDOW_SECONDS = 300.0
TIERS = {"authenticated": 3000, "identified": 1000, "unidentified": 500}
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]", re.IGNORECASE)
_TEXT = b"Your request has been rate limited. See https://support.datacite.org/docs/rate-limit."


def tier(request: Request) -> str:
    """Return the tier of a request."""
    if request.headers.get("authorization"):
        return "authenticated"
    if _MAIL.search(request.headers.get("user-agent", "")) or "mailto=" in request.query:
        return "identified"
    return "unidentified"


def limited() -> Answer:
    """Make the answer to a request over the limit: the firewall's text, no Retry-After."""
    return Answer(status=429, content=_TEXT, content_type="text/plain; charset=utf-8")


@dataclass(slots=True)
class Meter:
    """Counts requests of the current window by tier; each request comes with the time, in seconds."""

    # Mutable: the window and its counts.
    window: float = WINDOW_SECONDS
    start: float | None = None
    counts: dict[str, int] | None = None

    def count(self, name: str, now: float) -> bool:
        """Count a request and return whether it is within the limit of its tier."""
        if self.start is None or self.counts is None or now - self.start >= self.window:
            self.start, self.counts = now, dict.fromkeys(TIERS, 0)
        self.counts[name] += 1
        return self.counts[name] <= TIERS[name]
