"""What the link service knew of the corpus's works: relations, contributions, contributors and events.

Only of every tenth work, and of no more than fill a few pages: its lists are slow to walk.
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
    """Give links to other DOIs, each once."""
    found: dict[tuple[str, ...], Entry] = {}
    for work, given in _some(snapshot, works):
        for one in catalogue.objects(given.get("relatedIdentifiers")):
            target = one.get("relatedIdentifier")
            if one.get("relatedIdentifierType") == "DOI" and target and len(found) < MOST:
                kind = kebab(str(one["relationType"]))
                source = "datacite-crossref" if len(found) % 5 == 0 else "datacite-related"
                made = _relation(work, f"{root}doi.org/{catalogue.capitals(target)}", kind, source)
                found.setdefault((work.id, target.lower(), kind), made)
    return list(found.values())


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
    """Give the links of works to the ORCID iDs of their creators, each once."""
    found: dict[tuple[str, str], Entry] = {}
    for work, given in _some(snapshot, works):
        for one in catalogue.objects(given.get("creators")):
            name = catalogue.orcid(one)
            if name and len(found) < MOST:
                found.setdefault((name, work.id), _contribution(work, one, name, len(found)))
    return list(found.values())


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
        **{one: work.attributes[one] for one in ("author", "doi", "url", "title", "container-title")},
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
    """Give the people of contributions, each once, and some groups at GitHub."""
    found = {one.attributes["subj-id"]: _person(one.attributes) for one in contributions}
    groups = [_contributor(f"https://github.com/{name}", literal=name, github=name) for name in _GITHUB]
    return [*found.values(), *groups]


def _person(given: Mapping[str, Json]) -> Entry:
    return _contributor(given["subj-id"], given=given["given"], family=given["family"], orcid=given["orcid"])


def _contributor(name: str, **told: Json) -> Entry:
    names = ("given", "family", "literal", "orcid", "github")
    attributes = {**{one: told.get(one) for one in names}, "updated": "1970-01-01T00:00:00Z"}
    return Entry(
        kind="contributors", id=name, attributes=attributes, text=" ".join(map(str, [name, *told.values()])).lower()
    )


def events(relations: Sequence[Entry], contributions: Sequence[Entry]) -> list[Entry]:
    """Give the messages by which links came to be known."""
    return [_event(number, one) for number, one in enumerate([*relations, *contributions[:40]])]


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
