"""The corpus's DOIs as works of API v1."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from etl.sandbox.answer import Json
from etl.sandbox.corpus import Snapshot
from etl.sandbox.formats import kernel
from etl.sandbox.pool import MadePool, kebab
from etl.sandbox.v1.entry import Entry


def works(snapshot: Snapshot, root: str) -> list[Entry]:
    """Return the findable DOIs by time of registration, as the index holds them; `root` begins their ids."""
    rows = snapshot.frame.filter("findable").to_dicts()
    return [_work(snapshot, row, root) for row in rows]


def _work(snapshot: Snapshot, row: Mapping[str, Json], root: str) -> Entry:
    given = snapshot.pool.attributes(row["template"])
    shared = _shared(snapshot, row, given)
    kinds = _kinds(given)
    newer = {**kinds, **_newer(snapshot, row, given), "xml": _xml(row["uid"], given)}
    earlier: dict[str, Json] = {
        "resource-type-general": kinds["resource-type-id"],
        "resource-type": kinds["resource-type-subtype"],
        "type": kinds["work-type-id"],
        "results": {},
    }
    words = [shared["title"], shared["description"], shared["container-title"], *map(_name, shared["author"])]
    return Entry(
        kind="works",
        id=f"{root}doi.org/{shared['doi']}",
        attributes={**shared, **newer},
        older={**shared, **earlier},
        links={
            "publisher": shared["publisher-id"],
            "member": shared["member-id"],
            "registration-agency": "datacite",
            "resource-type": kinds["resource-type-id"],
            "work-type": kinds["work-type-id"],
        },
        text=" ".join([row["uid"], *filter(None, words)]).lower(),
    )


def _shared(snapshot: Snapshot, row: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes that both generations have."""
    roster, client = snapshot.roster, row["client"]
    return {
        "doi": capitals(row["uid"]),
        "url": f"https://data.example.org/doi/{row['uid']}",
        "author": authors(given.get("creators")),
        "title": _first(given.get("titles"), "title"),
        "container-title": _publisher(given.get("publisher")),
        "description": _first(given.get("descriptions"), "description"),
        "license": _first(given.get("rightsList"), "rightsUri"),
        "publisher-id": None if client is None else roster.client_ids[client],
        "member-id": None if client is None else roster.providers_of_clients[client],
        "registration-agency-id": "datacite",
        "published": _text(given.get("publicationYear")),
        "deposited": stamp(row["registered"] or row["created"]),
        "updated": stamp(row["updated"]),
    }


def _kinds(given: Mapping[str, Json]) -> dict[str, str | None]:
    types = given.get("types") or {}
    general = _text(types.get("resourceTypeGeneral"))
    return {
        "resource-type-subtype": _text(types.get("resourceType")),
        "resource-type-id": kebab(general) if general else None,
        "work-type-id": _text(types.get("citeproc")),
    }


def _newer(snapshot: Snapshot, row: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes that came with v1.1."""
    return {
        "version": given.get("version"),
        "schema-version": (_text(given.get("schemaVersion")) or "").rpartition("-")[2] or None,
        "results": _results(given),
        "media": _media(snapshot, row),
    }


def capitals(doi: str) -> str:
    """Write a DOI in capitals; for DOIs, only ASCII letters have them."""
    return "".join(letter.upper() if letter.isascii() else letter for letter in doi)


def stamp(milliseconds: int | None) -> str | None:
    """Write a time like the server."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def authors(creators: Json) -> list[Json]:
    """Return creators as authors, persons by their parts and others by one name."""
    return [_author(creator) for creator in objects(creators)]


def _author(creator: Mapping[str, Json]) -> Json:
    if not creator.get("familyName"):
        return {"literal": creator.get("name")}
    author = {"family": creator["familyName"], "given": creator.get("givenName")}
    name = orcid(creator)
    return {**author, "orcid": f"http://orcid.org/{name}"} if name else author


def orcid(creator: Mapping[str, Json]) -> str | None:
    """Return the digits of a creator's ORCID iD."""
    for identifier in objects(creator.get("nameIdentifiers")):
        if identifier.get("nameIdentifierScheme") == "ORCID" and identifier.get("nameIdentifier"):
            return str(identifier["nameIdentifier"]).rpartition("/")[2]
    return None


def objects(value: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the objects of a list, or of a value that should be one."""
    yield from (entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict))


def _name(author: Mapping[str, Json]) -> str:
    return " ".join(str(part) for name in ("given", "family", "literal") if (part := author.get(name)))


def _first(entries: Json, name: str) -> str | None:
    values: Iterable[Json] = (entry.get(name) for entry in objects(entries))
    return next((entry for entry in values if isinstance(entry, str) and entry), None)


def _text(value: Json) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _publisher(value: Json) -> str | None:
    return value.get("name") if isinstance(value, dict) else _text(value)


def _results(given: Mapping[str, Json]) -> list[Json]:
    kinds = Counter(str(link.get("relationType")) for link in objects(given.get("relatedIdentifiers")))
    return [{"id": name, "title": title(name), "count": count} for name, count in sorted(kinds.items())]


def title(name: str) -> str:
    """Turn IsPartOf or is-part-of into `Is part of`."""
    return kebab(name).replace("-", " ").capitalize()


def _media(snapshot: Snapshot, row: Mapping[str, Json]) -> Sequence[Json] | None:
    kinds = snapshot.pool.media_types(row["template"]) if isinstance(snapshot.pool, MadePool) else ()
    files = f"https://files.example.org/{row['uid']}"
    return [{"media_type": kind, "url": f"{files}/{turn}"} for turn, kind in enumerate(kinds)] or None


def _xml(uid: str, given: Mapping[str, Json]) -> str:
    return base64.b64encode(kernel.whole(uid, kernel.body(given)).encode()).decode()
