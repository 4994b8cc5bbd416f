"""Records that a list counts and no page delivers: what is known of one, and where a walk goes on behind it.

Pure; who asks for them is `client`, who judges by them is `completeness`.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from etl.api.cursors import make_cursor
from etl.api.document import Document
from etl.api.pagination import Position
from etl.errors import AnswerError, ProtocolError
from etl.schema.declarations import Json

IN_A_ROW = 20
"""So many undelivered records one after the other are no odd records: the server is unwell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A record that could not be had: its id, why, and what the server did tell of it, as JSON text."""

    id: str
    reason: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The record at a position: its id, its creation in epoch milliseconds, and the page of one that told them."""

    id: str
    milliseconds: int
    told: str

    def behind(self, position: Position) -> Position:
        """Return the position behind the record, which was at the given one."""
        token = make_cursor(self.milliseconds, self.id.lower())
        return replace(position, token=token, page=position.page + 1, received=position.received + 1)

    def undelivered(self, first: AnswerError, alone: AnswerError) -> Undelivered:
        """Say why it could not be had: in a page, and alone."""
        reason = f"no page delivers it: {first.message}; nor does it come alone: {alone.message}"
        return Undelivered(id=self.id, reason=reason, told=self.told)


def named(document: Document) -> Named:
    """Read who is at a position from a page of one record; ProtocolError if it does not tell."""
    try:
        record = json.loads(document.records[0])
        return Named(
            id=str(record["id"]),
            milliseconds=_milliseconds(record["attributes"]["created"]),
            told=document.records[0].decode(errors="backslashreplace"),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ProtocolError("the server does not tell which record it cannot deliver") from error


def same(document: Document, who: Named) -> bool:
    """Return whether a single resource is the record that was named."""
    try:
        return str(json.loads(document.records[0])["id"]).lower() == who.id.lower()
    except (LookupError, TypeError, ValueError):
        return False


def _milliseconds(created: Json) -> int:
    stamp = datetime.fromisoformat(created)
    return int((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp() * 1000)
