"""URLs that people paste instead of a resource's name, read as the valid request that they mean (api-notes 1.2).

`/doi/provider-id=tcia&page[size]=5` and `/providers/tcia/doi` were never paths of the API, though documents say so, but
their meaning is plain. Pure; `query` checks the names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from etl.errors import UsageError

_PLURALS = {"doi": "dois", "client": "clients", "provider": "providers", "repository": "repositories"}
_V1 = frozenset(
    {
        *("agents", "contributions", "contributors", "groups", "members", "pages", "publishers"),
        *("registration-agencies", "relation-types", "relations", "sources", "work-types", "works"),
    }
)
_PLURALS |= {name.removesuffix("s"): name for name in _V1 if not name.endswith("ies")}
_PARENTS = {"clients": "client-id", "providers": "provider-id", "repositories": "client-id"}
_LISTS = frozenset({"dois", "activities"})
_PAGING = frozenset(("page", "rows", "offset", "sort", "order"))
_SHAPING = frozenset(("fields", "facets", "disable-facets", "affiliation", "publisher", "callback", "mailto"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What a URL requests; `ids` are single records, `dropped` are parameters that the client chooses itself."""

    resource: str
    filters: tuple[tuple[str, str], ...] = ()
    text: str = ""
    include: str = ""
    of: str = ""
    ids: tuple[str, ...] = ()
    origin: str = ""
    detail: bool = False
    dropped: tuple[str, ...] = ()


def is_address(text: str) -> bool:
    """Return whether a text is a URL or path, and not the name of a resource."""
    return "://" in text or text.startswith("/") or "?" in text


def read_url(text: str) -> Pasted:
    """Read a URL; UsageError if it names no resource."""
    parts = urlsplit(text)
    # A path is split before it is decoded: a DOI may contain an encoded question mark.
    segments = [segment for segment in parts.path.split("/") if segment]
    params = parse_qsl(parts.query, keep_blank_values=True)
    while segments and _is_pairs(segments[-1]):
        params += parse_qsl(segments.pop(), keep_blank_values=True)
    if not segments:
        raise UsageError(
            f"{text!r} names no resource", fix="paste a URL such as https://api.datacite.org/dois?query=..."
        )
    return _asked(_place([unquote(segment) for segment in _joined(segments, parts.path)]), params, _origin(text))


def _is_pairs(segment: str) -> bool:
    name, equals, _ = segment.partition("=")
    return bool(equals) and name.replace("-", "").replace("_", "").replace("[", "").replace("]", "").isalnum()


def _joined(segments: Sequence[str], path: str) -> list[str]:
    """Keep the `//` that a DOI may contain: only the resource and a list at the end are segments."""
    first, rest = segments[0], path.lstrip("/").partition("/")[2].strip("/")
    while rest and _is_pairs(rest.rpartition("/")[2]):
        rest = rest.rpartition("/")[0]
    before, _, last = rest.rpartition("/")
    if before and _PLURALS.get(last, last) in _LISTS:
        return [first, before, last]
    return [first, rest] if rest else [first]


def _place(segments: Sequence[str]) -> Pasted:
    """Read a path of one to three segments: a list, a record, or a record's list."""
    names = [_PLURALS.get(segments[0], segments[0]), *segments[1:]]
    if names[0] in _V1:
        names[0] = f"v1/{names[0]}"
    if len(names) == 1:
        return Pasted(resource=names[0])
    if len(names) == 2:
        return Pasted(resource=names[0], ids=(names[1],))
    below = _PLURALS.get(names[2], names[2])
    if below == "dois" and names[0] in _PARENTS:
        return Pasted(resource="dois", filters=((_PARENTS[names[0]], names[1]),))
    return Pasted(resource=below, of=f"{names[0]}/{names[1]}")


def _asked(place: Pasted, params: Sequence[tuple[str, str]], origin: str) -> Pasted:
    given = {name.replace("_", "-"): value for name, value in params}
    dropped = tuple(name for name in given if name.partition("[")[0] in _PAGING | _SHAPING)
    known = {"query", "include", "detail", *dropped}
    return Pasted(
        resource=place.resource,
        filters=(*place.filters, *((name, value) for name, value in given.items() if name not in known)),
        text=given.get("query", ""),
        include=given.get("include", ""),
        of=place.of,
        ids=place.ids,
        origin=origin,
        detail=given.get("detail") == "true",
        dropped=dropped,
    )


def _origin(text: str) -> str:
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
