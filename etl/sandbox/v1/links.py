"""The link service's data on the works of the corpus: relations, contributions, contributors and events.

Only every tenth work has links, and only enough for a few pages, because these lists are slow to read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from etl.sandbox.answer import Json
from etl.sandbox.corpus import Snapshot
from etl.sandbox.pool import kebab
from etl.sandbox.v1 import catalogue
from etl.sandbox.v1.entry import Entry

EVERY = 10
MOST = 137
_STATES = ("done", "waiting", "failed")
_GITHUB = ("mne-tools", "crosscite", "lagotto")


def relations(snapshot: Snapshot, works: Sequence[Entry], root: str) -> list[Entry]:
    """Return the distinct links to other DOIs."""
    links: dict[tuple[str, ...], Entry] = {}
    for work, given in _some(snapshot, works):
        for related in catalogue.objects(given.get("relatedIdentifiers")):
            target = related.get("relatedIdentifier")
            if related.get("relatedIdentifierType") == "DOI" and target and len(links) < MOST:
                kind = kebab(str(related["relationType"]))
                source = "datacite-crossref" if len(links) % 5 == 0 else "datacite-related"
                made = _relation(work, f"{root}doi.org/{catalogue.capitals(target)}", kind, source)
                links.setdefault((work.id, target.lower(), kind), made)
    return list(links.values())


def _relation(work: Entry, target: str, kind: str, source: str) -> Entry:
    shared = {
        "subj-id": work.id,
        "obj-id": target,
        **{name: work.attributes[name] for name in ("doi", "author", "title", "container-title")},
        "source-id": source,
        "relation-type-id": kind,
        "publisher-id": work.attributes["publisher-id"],
        "registration-agency-id": "datacite",
        "total": 1,
        **_times(work),
    }
    style = work.attributes["work-type-id"]
    return Entry(
        kind="relations",
        id="",
        attributes={**shared, "work-type-id": style},
        older={**shared, "type": style},
        links={"publisher": work.links["publisher"], "source": source, "relation-type": kind},
        text=work.text,
    )


def contributions(snapshot: Snapshot, works: Sequence[Entry]) -> list[Entry]:
    """Return the distinct links of works to the ORCID iDs of their creators."""
    links: dict[tuple[str, str], Entry] = {}
    for work, given in _some(snapshot, works):
        for creator in catalogue.objects(given.get("creators")):
            name = catalogue.orcid(creator)
            if name and len(links) < MOST:
                links.setdefault((name, work.id), _contribution(work, creator, name, len(links)))
    return list(links.values())


def _contribution(work: Entry, creator: Mapping[str, Json], name: str, number: int) -> Entry:
    source = "datacite-search-link" if number % 7 == 0 else "datacite-orcid"
    shared = {
        "subj-id": f"http://orcid.org/{name}",
        "obj-id": work.id,
        "given": creator.get("givenName"),
        "family": creator.get("familyName"),
        "credit-name": creator.get("name"),
        "orcid": name,
        "github": None,
        **{field: work.attributes[field] for field in ("author", "doi", "url", "title", "container-title")},
        "contributor-role-id": "contribution",
        "source-id": source,
        "publisher-id": work.attributes["publisher-id"],
        **_times(work),
    }
    style = work.attributes["work-type-id"]
    return Entry(
        kind="contributions",
        id="",
        attributes={**shared, "work-type-id": style},
        older={**shared, "type": style},
        links={"publisher": work.links["publisher"], "source": source},
        text=work.text,
    )


def contributors(contributions: Sequence[Entry]) -> list[Entry]:
    """Return the distinct people of contributions, and some groups at GitHub."""
    people = {link.attributes["subj-id"]: _person(link.attributes) for link in contributions}
    groups = [_contributor(f"https://github.com/{name}", literal=name, github=name) for name in _GITHUB]
    return [*people.values(), *groups]


def _person(given: Mapping[str, Json]) -> Entry:
    return _contributor(given["subj-id"], given=given["given"], family=given["family"], orcid=given["orcid"])


def _contributor(name: str, **details: Json) -> Entry:
    names = ("given", "family", "literal", "orcid", "github")
    attributes = {**{field: details.get(field) for field in names}, "updated": "1970-01-01T00:00:00Z"}
    return Entry(
        kind="contributors", id=name, attributes=attributes, text=" ".join(map(str, [name, *details.values()])).lower()
    )


def events(relations: Sequence[Entry], contributions: Sequence[Entry]) -> list[Entry]:
    """Return the messages that reported links."""
    return [_event(number, link) for number, link in enumerate([*relations, *contributions[:40]])]


def _event(number: int, link: Entry) -> Entry:
    given = link.attributes
    message = {"relations": "relation", "contributions": "contribution"}[link.kind]
    attributes = {
        "state": _STATES[number % 3],
        "message-type": message,
        "message-action": "create",
        "source-token": str(uuid.uuid5(uuid.NAMESPACE_URL, given["source-id"])),
        "prefix": given["doi"].partition("/")[0],
        "subj-id": given["subj-id"],
        "obj-id": given["obj-id"],
        "subj": {"pid": given["subj-id"], "title": given["title"]},
        "obj": {},
        "source-id": given["source-id"].replace("-", "_"),
        "relation-type-id": given.get("relation-type-id", "contributes").replace("-", "_"),
        "registration-agency-id": "datacite" if number % 4 else None,
        "total": 1,  # the server's own mistake: it asks its upstream for `toal`
        "occurred": given["issued"],
        "updated": given["updated"],
    }
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{number}/{given['subj-id']}/{given['obj-id']}"))
    return Entry(kind="events", id=name, attributes=attributes, text=f"{given['subj-id']} {given['obj-id']}".lower())


def _times(work: Entry) -> dict[str, Json]:
    given = work.attributes
    return {"published": given["published"], "issued": given["deposited"], "updated": given["updated"]}


def _some(snapshot: Snapshot, works: Sequence[Entry]) -> Iterator[tuple[Entry, Mapping[str, Json]]]:
    templates = snapshot.frame.filter("findable")["template"].to_list()
    for work, template in list(zip(works, templates, strict=True))[::EVERY]:
        yield work, snapshot.pool.attributes(template)
