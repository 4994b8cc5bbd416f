"""The slow lane: convert one odd record to its Shape, with an Issue for every value that does not fit.

Lossless conversions are silent (api-notes 5.1 lists the real ones): `"2013"` for 2013, one object for a list of one, a
name in the dash-case of older servers. Whatever is left out is either unknown, and returned by its path, or an Issue
with its raw JSON.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from etl.normalise.json_text import without_lone_surrogates
from etl.schema.declarations import Json, Listing, Scalar, Shape, Struct, Type

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LOOSE = re.compile(rb"\\|^[^\"]\S*\s")
_TOO_FINE = re.compile(r"[.,][0-9]{6}0*[1-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A value that does not fit its column; an empty path means the whole record, `raw` is the JSON text."""

    record_id: str
    path: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coerced:
    """A record in its Shape, as JSON; None if the bytes are not a record."""

    line: bytes | None = None
    issues: tuple[Issue, ...] = ()
    unknown: Mapping[str, msgspec.Raw] = field(default_factory=dict)


def coerce(shape: Struct, record: bytes) -> Coerced:
    """Convert any record to the shape, and return unknown values by path with indexes.

    Never raises: bytes other than a JSON object become one Issue and no line.
    """
    try:
        value, remarks = _decode(record)
        if not isinstance(value, dict):
            return Coerced(issues=(reject("is not an object", record),))
        walk = _Walk()
        line = msgspec.json.encode(walk.struct(shape, value, ""))
    except (ValueError, RecursionError) as error:
        return Coerced(issues=(reject(f"cannot be read as JSON: {error}", record),))
    record_id = identity(value)
    issues = [Issue(record_id=record_id, path="", reason=reason, raw=_raw(record)) for reason in remarks]
    issues += [Issue(record_id=record_id, path=path, reason=reason, raw=text) for path, reason, text in walk.misfits]
    return Coerced(line=line, issues=tuple(issues), unknown=walk.unknown)


def identity(value: Mapping[str, Json]) -> str:
    """Return the id of a decoded record, empty if it has none."""
    own = value.get("id")
    return "" if own is None else _text(own) or ""


def compact(raw: bytes) -> msgspec.Raw:
    """Write JSON as the slow lane does, so that a value's text does not depend on its record's lane."""
    return msgspec.Raw(msgspec.json.encode(_decode(raw)[0]) if _LOOSE.search(raw) else raw)


def reject(reason: str, record: bytes) -> Issue:
    """Return the Issue for a record that cannot become a row."""
    return Issue(record_id="", path="", reason=reason, raw=_raw(record))


def _raw(record: bytes) -> str:
    return record.decode(errors="backslashreplace")


def _decode(record: bytes) -> tuple[Json, list[str]]:
    """Read JSON, keeping numbers as text (msgspec.Raw), and say what of the record is lost."""
    remarks = []
    if (clean := without_lone_surrogates(record)) != record:
        record = clean
        remarks.append("contains lone surrogates: replaced by U+FFFD")
    text = record.decode(errors="replace")
    if "\N{REPLACEMENT CHARACTER}" in text and not _is_utf8(record):
        remarks.append("is not UTF-8: undecodable bytes were replaced")
    twice: list[str] = []
    value = json.loads(
        text,
        parse_int=_number,
        parse_float=_number,
        parse_constant=str,  # NaN and Infinity are not JSON: they stay text
        object_pairs_hook=lambda pairs: _object(pairs, twice),
    )
    if twice:
        remarks.append(f"has duplicate keys, the last value counts: {', '.join(dict.fromkeys(twice))}")
    return value, remarks


def _is_utf8(record: bytes) -> bool:
    try:
        record.decode()
    except UnicodeDecodeError:
        return False
    return True


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _object(pairs: list[tuple[str, Json]], twice: list[str]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice.extend(name for name in members if names.count(name) > 1)
    return members


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


class _Walk:
    """Converts one record along its Shape; collects `misfits` (path, reason, JSON) and `unknown` values."""

    def __init__(self) -> None:
        self.misfits: list[tuple[str, str, str]] = []
        self.unknown: dict[str, msgspec.Raw] = {}

    def value(self, shape: Shape, value: Json, path: str) -> Json:
        if value is None:
            return None
        if isinstance(shape, Scalar):
            return self.scalar(shape, value, path)
        if isinstance(shape, Listing):
            return self.listing(shape, value, path)
        return self.struct(shape, value, path)

    def scalar(self, shape: Scalar, value: Json, path: str) -> Json:
        try:
            return _SCALARS[shape.type](value)
        except (ValueError, ArithmeticError):
            return self.misfit(path, f"is not a valid {shape.type}", value)

    def listing(self, shape: Listing, value: Json, path: str) -> Json:
        if value == {}:
            return []
        entries = value if isinstance(value, list) else [value]
        return [self.value(shape.entry, entry, f"{path}[{index}]") for index, entry in enumerate(entries)]

    def struct(self, shape: Struct, value: Json, path: str) -> Json:
        if isinstance(value, list):
            return self.first(shape, value, path)
        if not isinstance(value, dict):
            if shape.scalar is None:
                return self.misfit(path, "is not an object", value)
            value = {shape.scalar: value}
        prefix = f"{path}." if path else ""
        keys = {name: name for name in shape.fields if value.get(name) is not None}
        for key in [key for key in value if key not in shape.fields]:
            name = shape.dashed(key)
            if not name or (name in keys and value[key] is not None):
                self.unknown[prefix + key] = msgspec.Raw(msgspec.json.encode(value[key]))
            elif value[key] is not None:
                keys[name] = key
        return {name: self.value(shape.fields[name], value[key], prefix + key) for name, key in keys.items()}

    def first(self, shape: Struct, entries: list[Json], path: str) -> Json:
        if not entries:
            return None
        if len(entries) > 1:
            self.misfit(path, "is a list in place of an object, the first entry counts", entries)
        return self.value(shape, entries[0], path)

    def misfit(self, path: str, reason: str, value: Json) -> None:
        self.misfits.append((path, reason, _json(value)))


def _text(value: Json) -> str | None:
    # api-notes 5.1: the XML converter leaves text beside attributes as {"__content__": text}.
    if isinstance(value, dict) and value.keys() == {"__content__"}:
        return None if value["__content__"] is None else _text(value["__content__"])
    return value if isinstance(value, str) else _json(value)


def _written(value: Json) -> str:
    """Return the text of a number, or text that may be one, without blanks around it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    raise ValueError


def _digits(value: Json) -> str:
    text = _written(value)
    if text and not _NUMBER.fullmatch(text):
        raise ValueError
    return text


def _int(value: Json) -> int | None:
    text = _digits(value)
    if not text:
        return None
    number = Decimal(text)
    if not -(2**63) <= number < 2**63 or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _float(value: Json) -> float | None:
    text = _digits(value)
    if not text:
        return None
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _bool(value: Json) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"": None, "true": True, "false": False}[_flag(value)]


def _flag(value: Json) -> str:
    if value not in ("", "true", "false"):
        raise ValueError
    return str(value)


def _moment(value: Json) -> str | None:
    if not isinstance(value, str) or _TOO_FINE.search(value):
        raise ValueError
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.replace(tzinfo=None).isoformat() + "Z"


_SCALARS: Mapping[Type, Callable[[Json], Json]] = {
    Type.STRING: _text,
    Type.INT: _int,
    Type.FLOAT: _float,
    Type.BOOL: _bool,
    Type.TIMESTAMP: _moment,
    Type.DATE: _moment,
    Type.JSON: _json,
}
