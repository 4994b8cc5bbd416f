"""Lists of small resources (clients, providers and the like): page mode over whole resource objects.

A `Listing` describes their differences; filtering, sorting, paging and links are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from etl.sandbox import paging
from etl.sandbox.answer import Answer, Json, document, not_found
from etl.sandbox.paging import Place
from etl.sandbox.params import Params
from etl.sandbox.search import lucene
from etl.sandbox.search.dates import span
from etl.sandbox.search.meaning import path_of, term_test, words
from etl.sandbox.v2.context import Asked, bucket, links, refusal, single

Resource = dict[str, Json]
Keep = Callable[[Resource, Sequence[str]], bool]
Facet = Callable[[Sequence[Resource]], list[Json]]


BY_NAME: Mapping[str, Callable[[Resource], Json]] = {
    "name": lambda resource: str(resource["attributes"].get("name")).casefold(),
    "created": lambda resource: resource["attributes"]["created"],
}
SPELLED = {"name": "name.raw", "created": "created"}
"""How next links name orders, in a form that the server does not read (api-notes 2.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The list of one small resource.

    `included` returns the resource objects of an include name. `moment` is the attribute that cursor mode sorts
    by, with the id to break ties if `by_id`. `sorts` are the orders of page mode by name, `usual` the one without
    `sort`, `spelled` how the next link names an order; without it the link repeats `sort`. `query` interprets
    `query=` if it is not in the query language.
    """

    kind: str
    path: str
    filters: Mapping[str, Keep]
    facets: Mapping[str, Facet]
    kept: Sequence[str]
    included: Mapping[str, Callable[[Resource], Iterable[Resource]]] = field(default_factory=dict)
    moment: str = "created"
    by_id: bool = True
    sorts: Mapping[str, Callable[[Resource], Json]] = field(default_factory=lambda: BY_NAME)
    usual: str = "name"
    spelled: Mapping[str, str] = field(default_factory=dict)
    query: Callable[[Resource, str], bool] | None = None


def answer(asked: Asked, listing: Listing, resources: Iterable[Resource]) -> Answer:
    """Answer a list."""
    at = paging.place(asked.params)
    selected = in_order(asked, listing, at, matching(asked, listing, resources))
    meta = paging.totals(len(selected), at, capped=False)
    page = page_of(selected, listing, at)
    goes_on = paging.has_next(at, served=len(page), total_pages=meta["totalPages"])
    body = {
        "data": [_fielded(resource, asked.params.fieldset(listing.kind)) for resource in page],
        "meta": meta | {name: facet(selected) for name, facet in listing.facets.items()},
        "links": links(asked, _following(asked, listing, at) if goes_on else None),
    }
    included = _included(asked.params, listing, page)
    return document(body if included is None else {**body, "included": included})


def answer_one(asked: Asked, listing: Listing, resource: Resource | None, meta: Json = None) -> Answer:
    """Answer a singleton, or 404 if it is unknown."""
    if resource is None:
        raise not_found()
    fielded = _fielded(resource, asked.params.fieldset(listing.kind))
    return single(fielded, included=_included(asked.params, listing, [resource]) or (), meta=meta)


def matching(asked: Asked, listing: Listing, resources: Iterable[Resource]) -> list[Resource]:
    """Select by ids, which take precedence, or by filters and query."""
    params = asked.params
    if ids := params.ids():
        return [resource for resource in resources if resource["id"] in ids]
    selected = list(resources)
    for name, keep in listing.filters.items():
        values = params.listed(name)
        selected = [resource for resource in selected if keep(resource, values)] if values else selected
    text = (params.get("query") or "").strip()
    if not text:
        return selected
    if listing.query is not None:
        return [resource for resource in selected if listing.query(resource, text)]
    node = _parsed(text)
    return [resource for resource in selected if _meets(node, resource)]


def _parsed(text: str) -> lucene.Node:
    try:
        return lucene.parse_query(text)
    except ValueError as error:
        raise refusal(error) from error


def _meets(node: lucene.Node, resource: Resource) -> bool:
    match node:
        case lucene.Bool(clauses):
            return _meets_all(clauses, resource)
        case lucene.Term(field=name):
            texts = _texts(resource) if name in (None, "*") else _values(resource, name or "")
            test = term_test(node, keyword=name in ("id", "symbol", "uid"))
            return any(test(value) for value in texts)
        case lucene.Exists(field=name):
            return bool(_values(resource, name))
        case lucene.Range():
            return any(_within(node, value) for value in _values(resource, node.field))
    return True


def _meets_all(clauses: Iterable[tuple[str, lucene.Node]], resource: Resource) -> bool:
    met: dict[str, list[bool]] = {lucene.MUST: [], lucene.SHOULD: [], lucene.MUST_NOT: []}
    for part, clause in clauses:
        met[part].append(_meets(clause, resource))
    wanted = all(met[lucene.MUST]) if met[lucene.MUST] else any(met[lucene.SHOULD] or [True])
    return wanted and not any(met[lucene.MUST_NOT])


def _within(node: lucene.Range, value: str) -> bool:
    low, high = node.low, node.high
    try:
        moment = _span(value)[0]
        low_ends = None if low is None else _span(low)
        high_ends = None if high is None else _span(high)
    except ValueError:
        above = low is None or value > low or (node.with_low and value == low)
        return above and (high is None or value < high or (node.with_high and value == high))
    above = low_ends is None or moment >= low_ends[not node.with_low]
    return above and (high_ends is None or moment < high_ends[node.with_high])


_span = lru_cache(maxsize=1 << 16)(span)


def _texts(resource: Resource) -> list[str]:
    attributes = resource["attributes"]
    names = ("name", "symbol", "alternateName", "displayName", "description", "action", "subjId", "objId", "sourceId")
    return [resource["id"], *(str(attributes[name]) for name in names if attributes.get(name))]


def _values(resource: Resource, name: str) -> list[str]:
    index = resource.get("index", {})
    if name in index:
        value = index[name]
    else:
        value = resource["id"] if name in ("id", "uid") else resource["attributes"].get(path_of(name))
    return [str(entry) for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


def in_order(asked: Asked, listing: Listing, at: Place, resources: list[Resource]) -> list[Resource]:
    """Sort by time of creation and id in cursor mode, whatever the request."""
    if at.mode == "cursor":
        return sorted(resources, key=lambda resource: _position(resource, listing))
    sort = asked.params.get("sort") or listing.usual
    if sort.removeprefix("-") not in listing.sorts:
        sort = listing.usual
    return sorted(resources, key=listing.sorts[sort.removeprefix("-")], reverse=sort.startswith("-"))


def page_of(resources: Sequence[Resource], listing: Listing, at: Place) -> Sequence[Resource]:
    """Cut out the page at a place."""
    if at.mode == "cursor":
        after = at.after
        behind = [resource for resource in resources if after is None or _position(resource, listing) > after]
        return behind[: at.size]
    return resources[(at.number - 1) * at.size : at.number * at.size]


def _position(resource: Resource, listing: Listing) -> tuple[int, str]:
    created = resource.get("index", {}).get(listing.moment) or resource["attributes"][listing.moment]
    return _span(created)[0], resource["id"] if listing.by_id else ""


def _following(asked: Asked, listing: Listing, at: Place) -> str:
    """Build the next link, which never has a cursor and may name an order that the server does not understand."""
    pairs = paging.kept(asked.params, listing.kept) + paging.kept_fields(asked.params.fields)
    sort = asked.params.get("sort") or listing.usual
    if column := listing.spelled.get(sort.removeprefix("-")):
        pairs.append((f"sort[{column}][order]", "desc" if sort.startswith("-") else "asc"))
    pairs += [("page[number]", str(at.number + 1)), ("page[size]", str(at.size))]
    return paging.next_url(f"{asked.request.origin}{listing.path}", pairs)


def _included(params: Params, listing: Listing, page: Sequence[Resource]) -> list[Resource] | None:
    asked_for = (name.replace("-", "_") for name in params.listed("include"))
    names = [name for name in asked_for if name in listing.included]
    if not names:
        return None
    brought = (target for name in names for resource in page for target in listing.included[name](resource))
    return list({(target["type"], target["id"]): target for target in brought}.values())


def _fielded(resource: Resource, fields: frozenset[str] | None) -> Resource:
    if fields is None:
        return shown(resource)
    kept: Resource = {
        group: {name: value for name, value in resource[group].items() if name in fields}
        for group in ("attributes", "relationships")
        if group in resource
    }
    return {**shown(resource), **kept}


def shown(resource: Resource) -> Resource:
    """Remove what is only in the index."""
    return {name: part for name, part in resource.items() if name != "index"}


def attribute(name: str) -> Keep:
    """Keep resources whose attribute is one of the values, in any case; lists must contain one of them."""

    def keep(resource: Resource, values: Sequence[str]) -> bool:
        held = resource["attributes"].get(name)
        own = held if isinstance(held, list) else [held]
        return bool({str(value).lower() for value in own} & {value.lower() for value in values})

    return keep


def linked(name: str) -> Keep:
    """Keep resources whose relationship has one of the ids, alone or in a list."""

    def keep(resource: Resource, values: Sequence[str]) -> bool:
        return bool(set(ids_of(resource, name)) & {value.lower() for value in values})

    return keep


def ids_of(resource: Resource, name: str) -> list[str]:
    """Return the ids of a relationship."""
    data = (resource["relationships"].get(name) or {}).get("data") or []
    return [target["id"] for target in (data if isinstance(data, list) else [data])]


def year(resource: Resource, values: Sequence[str]) -> bool:
    """Keep resources created in a year or in the range between several."""
    return min(values) <= _created(resource)[:4] <= max(values)


def _created(resource: Resource) -> str:
    attributes = resource["attributes"]
    return str(attributes.get("created") or attributes.get("createdAt"))


def not_before(resource: Resource, values: Sequence[str]) -> bool:
    """Keep resources updated on a day or later."""
    return bool(resource["attributes"]["updated"][:10] >= values[0])


def not_after(resource: Resource, values: Sequence[str]) -> bool:
    """Keep resources updated on a day or before."""
    return bool(resource["attributes"]["updated"][:10] <= values[0])


def counted(value: Callable[[Resource], Json], title: Callable[[str], str] = str) -> Facet:
    """Make a facet of the ten most frequent values."""

    def facet(resources: Sequence[Resource]) -> list[Json]:
        counts = Counter(str(entry) for resource in resources for entry in _several(value(resource)))
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [bucket(name, title(name), count) for name, count in ordered[:10]]

    return facet


def slugged(facet: Facet) -> Facet:
    """Turn the ids of a facet into slugs."""
    return lambda resources: [
        {**entry, "id": re.sub(r"[^a-z0-9]+", "-", entry["id"].lower())} for entry in facet(resources)
    ]


def _several(value: Json) -> list[Json]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


def years_facet(resources: Sequence[Resource]) -> list[Json]:
    """Count by year of creation, for the ten newest years."""
    counts = Counter(_created(resource)[:4] for resource in resources)
    return [bucket(name, name, count) for name, count in sorted(counts.items(), reverse=True)[:10]]


_TITLES = {"igsnCatalog": "IGSN ID Catalog", "raidRegistry": "RAiD Registry"}


def humanised(name: str) -> str:
    """Turn academicInstitution or direct_member into a title."""
    if name in _TITLES:
        return _TITLES[name]
    return " ".join(
        words("".join(f" {letter}" if letter.isupper() else letter for letter in name).replace("_", " "))
    ).title()
