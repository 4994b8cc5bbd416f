"""Answers: a JSON:API document split into raw records, or the error that a failure's body means.

Records stay bytes here; `records` reads them. Nothing here sends requests or knows a resource.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus

import msgspec
import pyarrow as pa

from etl.errors import AnswerError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.errors.redaction import shortened
from etl.normalise.json_text import legible
from etl.schema.declarations import Json

_MARKUP = re.compile(r"<(style|script|head)\b.*?</\1>|<[^>]*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_UNREADABLE = re.compile("parse_exception|token_mgr_error|failed to parse query", re.IGNORECASE)
"""What the search engine says of a query that it cannot read (api-notes 1.5)."""
_OVERLOADED = re.compile(
    r"(?:^|[\s:;(])\[(?:429|5\d\d)\]|rejected_execution|rejected execution|circuit_breaking|data too large"
    r"|too_many_requests|no_shard_available|cluster_block|timeout_exception|timed out|readtimeout|execution expired"
    r"|no server available|failed to open tcp connection",
    re.IGNORECASE,
)
"""Words of a search engine that is overloaded or away, whatever the status of the answer (api-notes 1.5)."""
_WORDS = 300
"""Characters of the server's own words in a message."""
_READ = 1 << 20
_SKIMMED = 1 << 14
"""Bytes of a failure that are read at most, as JSON and as HTML: on hostile HTML, patterns take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One answer: its records and included records as received bytes, the rest decoded."""

    records: Sequence[bytes] = ()
    included: Sequence[bytes] = ()
    meta: dict[str, Json]
    links: dict[str, Json]


class _Around(msgspec.Struct, kw_only=True):
    included: list[msgspec.Raw] | None = None
    meta: Json = None
    links: Json = None


class _Named(msgspec.Struct):
    id: Json = None
    type: Json = None


_NAMED = msgspec.json.Decoder(_Named)


def read_document(body: bytes, url: str = "", *, root: str = "data") -> Document:
    """Split a body into records: a list has many, a single object is one, `null` has none.

    `root` is the name of the records in a body that is not a JSON:API document. ProtocolError with one line for HTML,
    half a body, or JSON of another shape. Records with what JSON forbids but servers send (a lone surrogate, NaN) are
    kept as they are: only they are affected.
    """
    try:
        return _split(body, body, root)
    except msgspec.ValidationError as error:
        raise ProtocolError(_not_a_document(body, error), url=url) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _split(legible(body), body, root)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(_not_json(body, error), url=url) from None


def records_of_type(records: Sequence[bytes], *kinds: str) -> list[bytes]:
    """Return the records of the given JSON:API types; what is not a record has no type."""
    return [record for record in records if _named(record).type in kinds]


def separate_included(document: Document, kinds: Sequence[str]) -> Document:
    """Move records that v1.0 mixed into `data` to `included` (api-notes 7.1); leave pages without any of `kinds`."""
    own = records_of_type(document.records, *kinds)
    if not own or len(own) == len(document.records):
        return document
    others = [record for record in document.records if _named(record).type not in kinds]
    return replace(document, records=own, included=[*others, *document.included])


def id_of(record: bytes) -> str | None:
    """Read a record's id in lower case, None if it has none."""
    name = _named(record).id
    return name.lower() if isinstance(name, str) else None


def error_of(status: int, body: bytes, url: str, *, after: float | None = None) -> AnswerError:
    """Return the error of an unsuccessful answer, with the server's own text (api-notes 1.5).

    `after` is the answer's Retry-After in seconds, if it had one.
    """
    decoded = _json(body[:_READ])
    words = _words(decoded) if decoded is not None else _plain(body)
    message = f"the server answered {status}{f' ({words})' if words else _phrase(status)}"
    # The load balancer's old refusal is 403 in HTML; the application's own 403 is JSON.
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and decoded is None):
        return LimitedError(message, fix="give --mailto, or lower --rate", url=url, status=status, after=after)
    overloaded = _OVERLOADED.search(words) and not _UNREADABLE.search(words)  # a query may be quoted, too
    if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT or overloaded:
        return TransientError(message, url=url, status=status)
    if status >= 400:
        return RefusedError(message, fix=_fix(status, decoded, words), url=url, status=status)
    return ProtocolError(message, fix="check the base URL", url=url, status=status)


def _named(record: bytes) -> _Named:
    try:
        return _NAMED.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Named()


def _split(text: bytes, body: bytes, root: str) -> Document:
    listed, single = _decoders(root)
    try:
        cut = listed.decode(text)
    except msgspec.ValidationError:
        cut = single.decode(text)
    records = [cut.data] if isinstance(cut.data, msgspec.Raw) else cut.data
    return Document(
        records=_originals(records or [], text, body),
        included=_originals(cut.included or [], text, body),
        meta=cut.meta if isinstance(cut.meta, dict) else {},
        links=cut.links if isinstance(cut.links, dict) else {},
    )


@lru_cache
def _decoders(root: str) -> tuple["msgspec.json.Decoder[Json]", "msgspec.json.Decoder[Json]"]:
    """Return the decoders of a document with a list of records and of one with a single record."""
    kinds: tuple[Json, Json] = (list[msgspec.Raw] | None, msgspec.Raw)
    made = [
        msgspec.defstruct("Document", [("data", kind)], bases=(_Around,), rename={"data": root}, kw_only=True)
        for kind in kinds
    ]
    return msgspec.json.Decoder(made[0]), msgspec.json.Decoder(made[1])


def _originals(raws: Sequence[msgspec.Raw], text: bytes, body: bytes) -> list[bytes]:
    """Return the bytes of the body at the places of the raws in the text, which has the same length."""
    if text is body:
        return [bytes(raw) for raw in raws]
    start = pa.py_buffer(text).address
    spans = [(pa.py_buffer(raw).address - start, len(bytes(raw))) for raw in raws]
    return [body[first : first + length] for first, length in spans]


def _not_a_document(body: bytes, error: Exception) -> str:
    decoded = _json(body)
    words = _words(decoded) if decoded is not None else ""
    return f"the answer is not a JSON:API document: {words or error}"


def _not_json(body: bytes, error: Exception) -> str:
    head = body[:200].lstrip()
    if not head:
        return "the answer is empty"
    if head.startswith(b"<"):
        return f"the answer is HTML where JSON was requested: {_plain(body)}"
    return f"the answer is not valid JSON ({len(body):,} bytes): {error}"


def _json(body: bytes) -> Json:
    """Return the body's JSON, or None if it is invalid."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _words(decoded: Json) -> str:
    """Extract the text of an error body in any form of api-notes 1.5."""
    if not isinstance(decoded, dict):
        return _brief(decoded if isinstance(decoded, str) else "")
    errors = decoded.get("errors", decoded)
    sentences = [_sentence(error) for error in (errors if isinstance(errors, list) else [errors])]
    return _brief("; ".join(filter(None, sentences)))


def _sentence(error: Json) -> str:
    if not isinstance(error, dict):
        return str(error or "")
    text = next((error[name] for name in ("title", "detail", "exception", "error", "message") if error.get(name)), "")
    source = error.get("source")
    return f"{source}: {text}" if isinstance(source, str) and source else str(text)


def _plain(body: bytes) -> str:
    """Return the beginning of HTML or text as a reader would see it."""
    text = body[:_SKIMMED].decode(errors="replace")
    title = _TITLE.search(text)
    return _brief(title[1] if title and title[1].strip() else _MARKUP.sub(" ", text))


def _brief(text: str) -> str:
    return shortened(text, _WORDS)


def _phrase(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _fix(status: int, decoded: Json, words: str) -> str:
    """Return the fix for a refusal; empty if the default one applies."""
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and decoded is not None):
        return "check DATACITE_ETL_TOKEN, or DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return "put name and password into HTTP_PROXY: http://NAME:PASSWORD@HOST:PORT"
    if status == HTTPStatus.NOT_FOUND and decoded == {}:
        return "the server takes this User-Agent for a crawler: give an e-mail address without words like bot"
    if status == HTTPStatus.BAD_REQUEST and _UNREADABLE.search(words):
        return "check --query: brackets and quotes go in pairs, other special characters are escaped by a backslash"
    return ""
