"""Requests and answers, independent of any HTTP library.

The error bodies are here too, as in api-notes 1.5. `stitched` makes the bytes of pages;
`server` sends answers to a socket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

Json = Any

CONTENT_TYPE = "application/json; charset=utf-8"
NOT_FOUND = "The resource you are looking for doesn't exist."


class Body(Protocol):
    """A document, plain or packed with gzip."""

    def plain(self) -> bytes: ...

    def packed(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A GET request: `path` without the query string, still percent-encoded; header names in lower case."""

    path: str
    query: str = ""
    origin: str = "http://127.0.0.1"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The request URL verbatim, as `links.self` repeats it (api-notes 1.4)."""
        return f"{self.origin}{self.path}?{self.query}" if self.query else f"{self.origin}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status with either small `content` or a big `body` that packs itself; `damage` happens in transit."""

    status: int = 200
    content: bytes = b""
    body: Body | None = None
    content_type: str = CONTENT_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    damage: str = ""

    def plain(self) -> bytes:
        """Return the document uncompressed."""
        return self.content if self.body is None else self.body.plain()


class ApiError(Exception):
    """Ends a request with the answer it carries."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def dump(value: Json) -> bytes:
    """Encode JSON compactly; lone surrogates, which only the standard library writes, become escapes."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, msgspec.MsgspecError):
        return json.dumps(value, separators=(",", ":")).encode()


def document(value: Json, *, status: int = 200) -> Answer:
    """Answer with a JSON document."""
    return Answer(status=status, content=dump(value))


def refused(status: int, title: str) -> ApiError:
    """Make an error whose body is the usual list of one error."""
    return ApiError(document({"errors": [{"status": str(status), "title": title}]}, status=status))


def search_failed(title: str) -> ApiError:
    """Make the 400 of a search that Elasticsearch refused: `errors` is an object without a status."""
    return ApiError(document({"errors": {"title": title}}, status=400))


def not_found() -> ApiError:
    """Make the 404 of an unknown record or path."""
    return refused(404, NOT_FOUND)
