"""What a record says about a work, read from its attributes whatever their shape (api-notes 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl.sandbox.answer import Json

Attributes = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bibliography:
    """The parts of a citation; empty where the record has none."""

    doi: str
    url: str
    people: Sequence[Mapping[str, Json]]
    title: str
    publisher: str
    year: str
    types: Mapping[str, str]
    subjects: Sequence[str]
    rights: str
    description: str
    language: str
    registered: str
    state: str


def bibliography(attributes: Attributes) -> Bibliography:
    """Read the attributes of a record."""
    types = attributes.get("types")
    return Bibliography(
        doi=text(attributes.get("doi")).lower(),
        url=text(attributes.get("url")),
        people=[person for person in objects(attributes.get("creators")) if text(person.get("name"))],
        title=first(attributes.get("titles"), "title"),
        publisher=publisher(attributes.get("publisher")),
        year=text(attributes.get("publicationYear")),
        types={name: text(kind) for name, kind in types.items()} if isinstance(types, Mapping) else {},
        subjects=[subject for entry in objects(attributes.get("subjects")) if (subject := text(entry.get("subject")))],
        rights=first(attributes.get("rightsList"), "rights"),
        description=first(attributes.get("descriptions"), "description"),
        language=text(attributes.get("language")),
        registered=text(attributes.get("registered"))[:10],
        state=text(attributes.get("state")),
    )


def objects(value: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the objects of a list, or of a value that should be one."""
    yield from (entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, Mapping))


def text(value: Json) -> str:
    """Return a string or number as text, anything else as an empty one."""
    return str(value) if isinstance(value, str | int | float) else ""


def first(entries: Json, name: str) -> str:
    """Return the first member of that name that is not empty."""
    return next((value for entry in objects(entries) if (value := text(entry.get(name)))), "")


def publisher(value: Json) -> str:
    """Return the name of a publisher, given by itself or in an object."""
    return text(value.get("name")) if isinstance(value, Mapping) else text(value)
