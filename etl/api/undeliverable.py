"""Records that a list counts and no page delivers: what is known of one, and where a walk resumes after it.

Pure: `client` requests them, `completeness` judges by them.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from etl.api.document import Document
from etl.api.pagination.cursors import make_cursor
from etl.api.pagination.position import Position
from etl.errors import AnswerError, ProtocolError
from etl.schema.declarations import Json

IN_A_ROW = 20
"""After so many undelivered records in a row, the server is at fault and not the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A record that could not be fetched: its id, the reason, and what the server did deliver of it, as JSON."""

    id: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """The record at a position: its id, its creation in epoch milliseconds, and the JSON that has both."""

    id: str
    milliseconds: int
    raw: str

    def position_after(self, position: Position) -> Position:
        """Return the position after the record, which was at the given one."""
        token = make_cursor(self.milliseconds, self.id.lower())
        return replace(position, token=token, page=position.page + 1, received=position.received + 1)

    def undelivered(self, first: AnswerError, alone: AnswerError) -> Undelivered:
        """Say why it could not be fetched in a page, nor by itself."""
        reason = f"no page delivers it: {first.message}; nor can it be fetched by itself: {alone.message}"
        return Undelivered(id=self.id, reason=reason, raw=self.raw)


def identify(document: Document) -> Suspect:
    """Read which record is at a position from a page of one record; ProtocolError if the page does not say."""
    try:
        record = json.loads(document.records[0])
        return Suspect(
            id=str(record["id"]),
            milliseconds=_milliseconds(record["attributes"]["created"]),
            raw=document.records[0].decode(errors="backslashreplace"),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ProtocolError("the server does not say which record it cannot deliver") from error


def holds_record(document: Document, suspect: Suspect) -> bool:
    """Return whether a document holds the record."""
    try:
        return str(json.loads(document.records[0])["id"]).lower() == suspect.id.lower()
    except (LookupError, TypeError, ValueError):
        return False


def _milliseconds(created: Json) -> int:
    stamp = datetime.fromisoformat(created)
    return int((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp() * 1000)
