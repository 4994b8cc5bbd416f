"""Records as XML of DataCite's metadata schema, kernel 4."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from etl.sandbox.answer import Json
from etl.sandbox.formats.bibliography import Attributes, bibliography, objects, publisher, text

_START = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<resource xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns="http://datacite.org/schema/kernel-4" xsi:schemaLocation="http://datacite.org/schema/kernel-4 '
    'http://schema.datacite.org/meta/kernel-4/metadata.xsd">'
)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(attributes: Attributes) -> str:
    """Return the XML that a record carries, or write it."""
    carried = attributes.get("xml")
    try:
        return base64.b64decode(carried, validate=True).decode() if carried else _written(attributes)
    except (TypeError, ValueError, binascii.Error):
        return _written(attributes)


def _written(attributes: Attributes) -> str:
    return whole(text(attributes.get("doi")), body(attributes))


def whole(doi: str, body_of: str) -> str:
    """Put a DOI before the body of a document, in capitals as far as DOIs have them."""
    capitals = "".join(letter.upper() if letter.isascii() else letter for letter in doi)
    return f"{_START}{_element('identifier', capitals, {'identifierType': 'DOI'})}{body_of}</resource>"


def body(attributes: Attributes) -> str:
    """Write everything of a record except its DOI; properties without a value are left out."""
    work = bibliography(attributes)
    general, kind = work.types.get("resourceTypeGeneral", ""), work.types.get("resourceType", "")
    return "".join(
        (
            _group("creators", map(_creator, work.people)),
            _group("titles", _entries(attributes, "titles", "title", "title", ("titleType", "lang"))),
            _element("publisher", publisher(attributes.get("publisher"))),
            _element("publicationYear", work.year),
            _element("resourceType", kind, {"resourceTypeGeneral": general}, keep=bool(general)),
            _group("subjects", _entries(attributes, "subjects", "subject", "subject", ("subjectScheme", "lang"))),
            _group("contributors", map(_contributor, _named(attributes.get("contributors")))),
            _group("dates", _entries(attributes, "dates", "date", "date", ("dateType",))),
            _element("language", work.language),
            _group("relatedIdentifiers", _related(attributes)),
            _element("version", text(attributes.get("version"))),
            _group("rightsList", _entries(attributes, "rightsList", "rights", "rights", ("rightsUri",))),
            _group("descriptions", _entries(attributes, "descriptions", "description", "description", _DESCRIBED)),
        )
    )


_DESCRIBED = ("descriptionType", "lang")
_SPELLED = {"rightsUri": "rightsURI", "lang": "xml:lang"}


def _related(attributes: Attributes) -> Iterable[str]:
    shown = ("relatedIdentifierType", "relationType")
    return _entries(attributes, "relatedIdentifiers", "relatedIdentifier", "relatedIdentifier", shown)


def _entries(attributes: Attributes, group: str, tag: str, name: str, shown: Sequence[str]) -> list[str]:
    return [
        _element(tag, text(entry.get(name)), {_SPELLED.get(key, key): text(entry.get(key)) for key in shown})
        for entry in objects(attributes.get(group))
    ]


def _named(value: Json) -> list[Mapping[str, Json]]:
    return [person for person in objects(value) if text(person.get("name"))]


def _creator(person: Mapping[str, Json]) -> str:
    return f"<creator>{_person('creatorName', person)}</creator>"


def _contributor(person: Mapping[str, Json]) -> str:
    kind = quoteattr(text(person.get("contributorType")) or "Other")
    return f"<contributor contributorType={kind}>{_person('contributorName', person)}</contributor>"


def _person(tag: str, person: Mapping[str, Json]) -> str:
    identifiers = (
        _element("nameIdentifier", text(entry.get("nameIdentifier")), _scheme(entry))
        for entry in objects(person.get("nameIdentifiers"))
    )
    held = person.get("affiliation")
    names = (publisher(entry) for entry in (held if isinstance(held, list) else [held]))
    return "".join(
        (
            _element(tag, text(person.get("name")), {"nameType": text(person.get("nameType"))}),
            _element("givenName", text(person.get("givenName"))),
            _element("familyName", text(person.get("familyName"))),
            *identifiers,
            *(_element("affiliation", name) for name in names),
        )
    )


def _scheme(identifier: Mapping[str, Json]) -> Mapping[str, str]:
    return {"nameIdentifierScheme": text(identifier.get("nameIdentifierScheme"))}


def _group(tag: str, written: Iterable[str]) -> str:
    inside = "".join(written)
    return f"<{tag}>{inside}</{tag}>" if inside else ""


def _element(tag: str, value: str, attributes: Mapping[str, str] | None = None, *, keep: bool = False) -> str:
    """Write an element without what XML cannot hold; nothing if it is empty, except with `keep`."""
    if not value and not keep:
        return ""
    shown = "".join(f" {name}={quoteattr(_clean(held))}" for name, held in (attributes or {}).items() if held)
    return f"<{tag}{shown}>{escape(_clean(value))}</{tag}>"


def _clean(value: str) -> str:
    return _FORBIDDEN.sub("", value)
