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
    found = history.find(asked, _LISTING, asked.snapshot.events, inverted=not new)
    meta = found.meta | (_facets(asked, found.matching) if found.matching else {})
    body: dict[str, Json] = {
        "data": [_shown(one, new=new) for one in found.page],
        "meta": meta if new else _dashed(meta),
        "links": links(asked, found.following),
    }
    included = [name for name in asked.params.listed("include") if name in ("subj", "obj")]
    if new and included:
        body["included"] = _objects(included, found.page)
    return document(body)


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one event."""
    for one in asked.snapshot.events:
        if one["id"] == name.lower():
            new = _is_new(asked)
            wanted = [side for side in asked.params.listed("include") if side in ("subj", "obj")] if new else []
            return single(_shown(one, new=new), included=_objects(wanted, [one]))
    raise not_found()


def _is_new(asked: Asked) -> bool:
    return bool(_NEW.search(asked.request.headers.get("accept", "")))


def _shown(one: Resource, *, new: bool) -> Resource:
    attributes = one["attributes"]
    if not new:
        attributes = _dashed({name: value for name, value in attributes.items() if name not in _ONLY_NEW})
    sides = {side: {"data": {"id": one["attributes"][f"{side}Id"], "type": "objects"}} for side in ("subj", "obj")}
    return {"id": one["id"], "type": "events", "attributes": attributes, "relationships": sides}


def _dashed(value: Json) -> Json:
    """Write the names of objects with dashes, all the way down."""
    if isinstance(value, list):
        return [_dashed(one) for one in value]
    if isinstance(value, dict):
        return {_HUMP.sub("-", name).lower(): _dashed(one) for name, one in value.items()}
    return value


def _among(name: str) -> Keep:
    return lambda one, values: str(one["attributes"][name]).lower() in {value.lower() for value in values}


def _either(name: Callable[[str], str]) -> Keep:
    def keep(one: Resource, values: Sequence[str]) -> bool:
        ends = {name(one["attributes"][side].lower()) for side in ("subjId", "objId")}
        return bool(ends & {value.lower().removeprefix(_DOI).removeprefix("https://orcid.org/") for value in values})

    return keep


def _prefix(end: str) -> str:
    return end.removeprefix(_DOI).partition("/")[0] if end.startswith(_DOI) else ""


def _in_years(moment: str, values: Sequence[str]) -> bool:
    """Compare with a year, or with the years from one to another."""
    first, _, last = values[0].partition("-")
    return first <= moment[:4] <= (last or first)


def _citation(one: Resource) -> str:
    kinds = (_object(one["attributes"][side])["attributes"]["subtype"] for side in ("subjId", "objId"))
    return "-".join(sorted(map(str, kinds)))


def _facets(asked: Asked, matching: Sequence[Resource]) -> dict[str, Json]:
    def counted(values: Iterable[str]) -> list[Json]:
        ordered = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
        return [bucket(name, name, count) for name, count in ordered[:_TEN]]

    kinds = Counter(one["attributes"]["relationTypeId"] for one in matching)
    named = {
        "sources": counted(one["attributes"]["sourceId"] for one in matching),
        "occurred": _years(matching, "occurred_at"),
        "prefixes": counted(name for one in matching for name in _prefixes(one)),
        "citationTypes": counted(_citation(one) for one in matching),
        "relationTypes": [
            bucket(name, name, count) | {"yearMonths": _months(matching, name)}
            for name, count in kinds.most_common(_TEN)
        ],
        "registrants": counted(one["index"]["registrant"] for one in matching),
    }
    return named | ({"created": _years(matching, "created_at")} if _is_new(asked) else {})


def _prefixes(one: Resource) -> set[str]:
    return {_prefix(one["attributes"][side]) for side in ("subjId", "objId")} - {""}


def _years(matching: Sequence[Resource], name: str) -> list[Json]:
    found = Counter(one["index"][name][:4] for one in matching)
    return [bucket(year, year, count) for year, count in sorted(found.items(), reverse=True)[:_TEN]]


def _months(matching: Sequence[Resource], kind: str) -> list[Json]:
    sums: Counter[str] = Counter()
    for one in matching:
        if one["attributes"]["relationTypeId"] == kind:
            sums[one["attributes"]["occurredAt"][:7]] += one["attributes"]["total"]
    return [{"id": month, "title": month, "sum": total} for month, total in sorted(sums.items())[:_TEN]]


def _objects(sides: Sequence[str], page: Sequence[Resource]) -> list[Resource]:
    ids = dict.fromkeys(one["attributes"][f"{side}Id"] for side in sides for one in page)
    return [_object(one) for one in ids]


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
    return lambda one, values: bool(
        {found for side in ("subjId", "objId") for found in value(_object(one["attributes"][side]))} & set(values)
    )


_FILTERS: Mapping[str, Keep] = {
    "id": lambda one, values: one["id"] in values,
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
    "registrant_id": lambda one, values: one["index"]["registrant"] in values,
    "subtype": _of_objects(lambda found: [str(found["attributes"]["subtype"])]),
    "citation_type": lambda one, values: _citation(one) in values,
    "issn": _of_objects(lambda found: [str((found["attributes"]["periodical"] or {}).get("issn"))]),
    "publication_year": lambda one, values: _in_years(one["attributes"]["occurredAt"], values),
    "occurred_at": lambda one, values: _in_years(one["attributes"]["occurredAt"], values),
    "year_month": lambda one, values: one["attributes"]["occurredAt"][:7] in values,
}

_LISTING = Listing(
    kind="events",
    path="/events",
    filters=_FILTERS,
    facets={},
    kept=_KEPT,
    moment="created_at",
    sorts={
        "relevance": lambda one: one["id"],
        "obj_id": lambda one: one["attributes"]["objId"],
        "total": lambda one: one["attributes"]["total"],
        "created": lambda one: one["index"]["created_at"],
        "updated": lambda one: one["index"]["updated_at"],
        "relation_type_id": lambda one: one["attributes"]["relationTypeId"],
    },
    usual="updated",
)
