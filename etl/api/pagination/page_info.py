"""What a page says of its place in the list: total, page number, link, and its records' ids and times."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import msgspec

from etl.api.document import Document
from etl.api.window import moment
from etl.errors import ProtocolError
from etl.errors.redaction import shortened
from etl.schema.declarations import Json

_DAY = len("2019-01-01")
_MOST = 10**11
"""A thousand times as many records as any list has: a plan grows with the total, so a made-up one is refused."""
_SHOWN = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """A page's place in its list: `number` is its meta.page, `first` the key of its first record.

    A key is the millisecond of creation and the id, None if there is none. `ids` and `keys` are empty where the
    strategy does not need them: reading them costs time. `tail` are the ids, in lower case, of the last second's
    records.
    """

    count: int
    total: int
    number: int | None = None
    next: str | None = None
    first: tuple[int, str] | None = None
    ids: tuple[str, ...] = ()
    keys: tuple[tuple[int, str] | None, ...] = ()
    tail: frozenset[str] = frozenset()


def read_page_info(document: Document, of_type: str, *, ids: bool) -> PageInfo:
    """Read a page's place in its list; ProtocolError without a total.

    Where ids are read, records of other types are not counted: v1.0 mixed them in (api-notes 7.1).
    """
    heads = [_head(record) for record in (document.records if ids else document.records[:1])]
    own = [head for head in heads if head.type == of_type] or heads
    number = document.meta.get("page")
    link = document.links.get("next")
    return PageInfo(
        count=len(own) if ids else len(document.records),
        total=total(document),
        number=number if isinstance(number, int) else None,
        next=link if isinstance(link, str) else None,
        first=_key(heads[0]) if heads else None,
        ids=tuple(str(head.id) for head in own) if ids else (),
        keys=tuple(_key(head) for head in own) if ids else (),
        tail=_tail(document.records),
    )


def total(document: Document) -> int:
    """Return meta.total; ProtocolError if it is absent, null (api-notes 7.2), not a number, or more than can be."""
    records = document.meta.get("total")
    if isinstance(records, bool) or not isinstance(records, int) or not 0 <= records <= _MOST:
        shown = shortened(json.dumps(records), _SHOWN)
        raise ProtocolError(f"the server did not say how many records there are (meta.total is {shown})")
    return records


class _Attributes(msgspec.Struct):
    created: Json = None
    created_at: Json = msgspec.field(name="createdAt", default=None)
    generated_at: Json = msgspec.field(name="prov:generatedAtTime", default=None)


class _Head(msgspec.Struct):
    id: Json = None
    type: Json = None
    attributes: _Attributes | None = None


_HEAD = msgspec.json.Decoder(_Head)


def _head(record: bytes) -> _Head:
    try:
        return _HEAD.decode(record)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
    ):  # an odd record: the parser rejects it
        return _Head()


def _tail(records: Sequence[bytes]) -> frozenset[str]:
    keys = (_key(_head(record)) for record in reversed(records))
    last = next(keys, None)
    same = takewhile(lambda key: key is not None and last is not None and key[0] // 1000 == last[0] // 1000, keys)
    return frozenset(key[1] for key in (last, *same) if key)


def _key(head: _Head) -> tuple[int, str] | None:
    """Return the sort key of cursor mode: epoch milliseconds of creation, and the id."""
    times = head.attributes
    created = times and (times.created or times.created_at or times.generated_at)
    if not isinstance(created, str) or not isinstance(head.id, str):
        return None
    try:
        return _milliseconds(created), head.id.lower()
    except ValueError:
        return None


def _milliseconds(text: str) -> int:
    if len(text) <= _DAY:
        return moment(text) * 1000
    stamp = datetime.fromisoformat(text)
    return ((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
