"""The views of a record: list or detail, flags and sparse fieldsets (api-notes 4.7, 4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etl.sandbox.answer import Json
from etl.sandbox.params import Params

LISTED = str.split(
    "identifiers creators titles publisher container publicationYear subjects contributors dates language types "
    "relatedIdentifiers relatedItems sizes formats version rightsList descriptions geoLocations fundingReferences "
    "contentUrl schemaVersion source isActive reason viewCount downloadCount referenceCount citationCount partCount "
    "partOfCount versionCount versionOfCount published"
)
DETAILED = ("alternateIdentifiers", "viewsOverTime", "downloadsOverTime", "citationsOverTime")
NOT_COMPOSITE = frozenset(("contributors", "fundingReferences", "relatedIdentifiers", "geoLocations", "subjects"))
LINKS = ("references", "citations", "parts", "partOf", "versions", "versionOf")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view of records; `single` is the detail view of a singleton, which also links its media."""

    detail: bool = False
    single: bool = False
    affiliation: bool = False
    publisher: bool = False
    composite: bool = False
    fields: frozenset[str] | None = None

    def shows(self, name: str) -> bool:
        """Return whether the fieldset includes an attribute or relationship."""
        return self.fields is None or name in self.fields

    def relationships(self) -> tuple[str, ...]:
        """Name the relationships in the view."""
        names = ("client", "provider", *(("media",) if self.single else ()), *LINKS) if self.detail else ("client",)
        return tuple(name for name in names if self.shows(name))


def view_of(params: Params, *, single: bool = False) -> View:
    """Read the view from the parameters; singletons are always detailed and ignore fieldsets."""
    return View(
        detail=single or params.on("detail"),
        single=single,
        affiliation=params.on("affiliation"),
        publisher=params.on("publisher"),
        composite=params.get("composite") is not None,
        fields=None if single else params.fieldset("dois"),
    )


def cut(attributes: Mapping[str, Json], view: View) -> dict[str, Json]:
    """Cut the attributes of a template down to a view, in the order of the server's serializer."""
    known = set(LISTED) | set(DETAILED)
    names = [*LISTED, *(DETAILED if view.detail else ()), *(name for name in attributes if name not in known)]
    hidden = NOT_COMPOSITE if view.composite else frozenset()
    return {
        name: _flagged(name, attributes[name], view)
        for name in names
        if name in attributes and name not in hidden and view.shows(name)
    }


def _flagged(name: str, value: Json, view: View) -> Json:
    if name == "publisher" and not view.publisher and isinstance(value, dict):
        return value.get("name")
    if name in ("creators", "contributors") and not view.affiliation and isinstance(value, list):
        return [_plain_affiliations(person) for person in value]
    return value


def _plain_affiliations(person: Json) -> Json:
    if not isinstance(person.get("affiliation"), list):
        return person
    return {
        **person,
        "affiliation": [
            affiliation["name"] if isinstance(affiliation, dict) else affiliation
            for affiliation in person["affiliation"]
        ],
    }
