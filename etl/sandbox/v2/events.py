"""`/events` in its two shapes (api-notes 6.8): the old one by default, the new one by Accept header.

The names of the objects' attributes are those of the server's serializer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from etl.sandbox.answer import Answer, Json, document, not_found
from etl.sandbox.v2 import history
from etl.sandbox.v2.context import Asked, bucket, links, single
from etl.sandbox.v2.listing import Keep, Listing, Resource

_NEW = re.compile(r"application/vnd\.api\+json\s*;\s*version=2")
_CRAWLER = re.compile(r"bot|crawl|spider|slurp", re.IGNORECASE)
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")
_DOI = "https://doi.org/"
_ONLY_NEW = ("sourceDoi", "targetDoi", "sourceRelationTypeId", "targetRelationTypeId")
_KEPT = str.split(
    "query subj-id obj-id doi orcid prefix subtype citation_type source-id relation-type-id issn registrant-id "
    "publication-year year-month"
)
_TEN = 10


def answer(asked: Asked) -> Answer:
    """Answer the list; a crawler that searches gets an empty object and a 404."""
    if asked.params.get("query") and _CRAWLER.search(asked.request.headers.get("user-agent", "")):
        return document({}, status=404)
    new = _is_new(asked)
    result = history.find(asked, _LISTING, asked.snapshot.events, inverted=not new)
    meta = result.meta | (_facets(asked, result.matching) if result.matching else {})
    body: dict[str, Json] = {
        "data": [_shown(event, new=new) for event in result.page],
        "meta": meta if new else _dashed(meta),
        "links": links(asked, result.following),
    }
    included = [name for name in asked.params.listed("include") if name in ("subj", "obj")]
    if new and included:
        body["included"] = _objects(included, result.page)
    return document(body)


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one event."""
    for event in asked.snapshot.events:
        if event["id"] == name.lower():
            new = _is_new(asked)
            wanted = [side for side in asked.params.listed("include") if side in ("subj", "obj")] if new else []
            return single(_shown(event, new=new), included=_objects(wanted, [event]))
    raise not_found()


def _is_new(asked: Asked) -> bool:
    return bool(_NEW.search(asked.request.headers.get("accept", "")))


def _shown(event: Resource, *, new: bool) -> Resource:
    attributes = event["attributes"]
    if not new:
        attributes = _dashed({name: value for name, value in attributes.items() if name not in _ONLY_NEW})
    sides = {side: {"data": {"id": event["attributes"][f"{side}Id"], "type": "objects"}} for side in ("subj", "obj")}
    return {"id": event["id"], "type": "events", "attributes": attributes, "relationships": sides}


def _dashed(value: Json) -> Json:
    """Write all names in nested objects with dashes."""
    if isinstance(value, list):
        return [_dashed(entry) for entry in value]
    if isinstance(value, dict):
        return {_HUMP.sub("-", name).lower(): _dashed(entry) for name, entry in value.items()}
    return value


def _among(name: str) -> Keep:
    return lambda event, values: str(event["attributes"][name]).lower() in {value.lower() for value in values}


def _either(name: Callable[[str], str]) -> Keep:
    def keep(event: Resource, values: Sequence[str]) -> bool:
        ends = {name(event["attributes"][side].lower()) for side in ("subjId", "objId")}
        return bool(ends & {value.lower().removeprefix(_DOI).removeprefix("https://orcid.org/") for value in values})

    return keep


def _prefix(end: str) -> str:
    return end.removeprefix(_DOI).partition("/")[0] if end.startswith(_DOI) else ""


def _in_years(moment: str, values: Sequence[str]) -> bool:
    """Compare with a year, or with the years from one to another."""
    first, _, last = values[0].partition("-")
    return first <= moment[:4] <= (last or first)


def _citation(event: Resource) -> str:
    kinds = (_object(event["attributes"][side])["attributes"]["subtype"] for side in ("subjId", "objId"))
    return "-".join(sorted(map(str, kinds)))


def _facets(asked: Asked, matching: Sequence[Resource]) -> dict[str, Json]:
    def counted(values: Iterable[str]) -> list[Json]:
        ordered = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
        return [bucket(name, name, count) for name, count in ordered[:_TEN]]

    kinds = Counter(event["attributes"]["relationTypeId"] for event in matching)
    named = {
        "sources": counted(event["attributes"]["sourceId"] for event in matching),
        "occurred": _years(matching, "occurred_at"),
        "prefixes": counted(name for event in matching for name in _prefixes(event)),
        "citationTypes": counted(_citation(event) for event in matching),
        "relationTypes": [
            bucket(name, name, count) | {"yearMonths": _months(matching, name)}
            for name, count in kinds.most_common(_TEN)
        ],
        "registrants": counted(event["index"]["registrant"] for event in matching),
    }
    return named | ({"created": _years(matching, "created_at")} if _is_new(asked) else {})


def _prefixes(event: Resource) -> set[str]:
    return {_prefix(event["attributes"][side]) for side in ("subjId", "objId")} - {""}


def _years(matching: Sequence[Resource], name: str) -> list[Json]:
    counts = Counter(event["index"][name][:4] for event in matching)
    return [bucket(year, year, count) for year, count in sorted(counts.items(), reverse=True)[:_TEN]]


def _months(matching: Sequence[Resource], kind: str) -> list[Json]:
    sums: Counter[str] = Counter()
    for event in matching:
        if event["attributes"]["relationTypeId"] == kind:
            sums[event["attributes"]["occurredAt"][:7]] += event["attributes"]["total"]
    return [{"id": month, "title": month, "sum": total} for month, total in sorted(sums.items())[:_TEN]]


def _objects(sides: Sequence[str], page: Sequence[Resource]) -> list[Resource]:
    ids = dict.fromkeys(event["attributes"][f"{side}Id"] for side in sides for event in page)
    return [_object(event) for event in ids]


def _object(name: str) -> Resource:
    attributes = dict.fromkeys(
        str.split(
            "subtype name author publisher periodical includedInDataCatalog version datePublished dateModified funder "
            "proxyIdentifiers registrantId"
        )
    )
    if "orcid.org" in name:
        attributes |= {"subtype": "Person", "name": name.rpartition("/")[2]}
    elif "/reports/" in name:
        attributes |= {"subtype": "CreativeWork", "name": "usage report"}
    elif name.startswith(_DOI + "10.1371/"):
        journal = {"@type": "Periodical", "@id": "https://portal.issn.org/1932-6203", "issn": "1932-6203"}
        attributes |= {"subtype": "ScholarlyArticle", "periodical": journal, "registrantId": "crossref.340"}
        attributes |= {"author": [{"@type": "Person", "givenName": "Ada", "familyName": "Byron"}]}
    else:
        catalog = {"@type": "DataCatalog", "name": "A catalogue"}
        publisher = {"@type": "Organization", "name": "A publisher"}
        attributes |= {"subtype": "Dataset", "includedInDataCatalog": catalog, "publisher": publisher}
        attributes |= {"datePublished": "2019", "dateModified": "2019-08-02T00:29:02.000Z", "proxyIdentifiers": []}
    return {"id": name, "type": "objects", "attributes": attributes}


def _of_objects(value: Callable[[Resource], Iterable[str]]) -> Keep:
    return lambda event, values: bool(
        {text for side in ("subjId", "objId") for text in value(_object(event["attributes"][side]))} & set(values)
    )


_FILTERS: Mapping[str, Keep] = {
    "subj_id": _among("subjId"),
    "obj_id": _among("objId"),
    "doi": _either(lambda end: end.removeprefix(_DOI) if end.startswith(_DOI) else ""),
    "orcid": _either(lambda end: end.rpartition("/")[2] if "orcid.org" in end else ""),
    "prefix": _either(_prefix),
    "source_doi": _among("sourceDoi"),
    "target_doi": _among("targetDoi"),
    "source_relation_type_id": _among("sourceRelationTypeId"),
    "target_relation_type_id": _among("targetRelationTypeId"),
    "source_id": _among("sourceId"),
    "relation_type_id": _among("relationTypeId"),
    "registrant_id": lambda event, values: event["index"]["registrant"] in values,
    "subtype": _of_objects(lambda end: [str(end["attributes"]["subtype"])]),
    "citation_type": lambda event, values: _citation(event) in values,
    "issn": _of_objects(lambda end: [str((end["attributes"]["periodical"] or {}).get("issn"))]),
    "publication_year": lambda event, values: _in_years(event["attributes"]["occurredAt"], values),
    "occurred_at": lambda event, values: _in_years(event["attributes"]["occurredAt"], values),
    "year_month": lambda event, values: event["attributes"]["occurredAt"][:7] in values,
}

_LISTING = Listing(
    kind="events",
    path="/events",
    filters=_FILTERS,
    facets={},
    kept=_KEPT,
    moment="created_at",
    sorts={
        "relevance": lambda event: event["id"],
        "obj_id": lambda event: event["attributes"]["objId"],
        "total": lambda event: event["attributes"]["total"],
        "created": lambda event: event["index"]["created_at"],
        "updated": lambda event: event["index"]["updated_at"],
        "relation_type_id": lambda event: event["attributes"]["relationTypeId"],
    },
    usual="updated",
)
