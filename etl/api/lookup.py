"""Single records by id, many at a time, each either fetched or named with the reason.

Where the list accepts `ids=`, ids are requested in groups. What a group does not bring is fetched by itself, since the
API silently omits unknown ids and answers for other agencies' DOIs as well (api-notes 4.3).
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from etl.api import document
from etl.api.client import Client
from etl.api.query import Query
from etl.errors import RefusedError, UsageError
from etl.schema.declarations import Resource

GROUP = 50
"""Ids per request: their length must fit into a URL."""
ALONE = 3
"""Up to so many ids are fetched one by one: a single record holds more than one in a list."""
_DOI = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|(?:info:)?doi[:/]\s*)(?=10\.)")
_SCHEME = re.compile(r"^https?://")
_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
"""Characters that are copied with ids, and that `str.strip` leaves."""
_COLUMNS = re.compile(r"[,;\t]")
_HEADINGS = frozenset(("doi", "dois", "id", "ids"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST = 2_048
_ACTIVITY = re.compile(r"^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\|.*$")
_UNKNOWN = "the API does not know it, or does not show it (registered, draft or withdrawn)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupResult:
    """The records fetched, in the order of the ids, and the reasons why others are missing."""

    records: tuple[bytes, ...]
    missing: dict[str, str]


async def get(client: Client, resource: Resource, ids: Sequence[str]) -> LookupResult:
    """Fetch records by id, in upper or lower case; raises the client's errors other than "not found".

    UsageError for a resource whose ids change with every answer.
    """
    if resource.identity and "id" not in resource.identity:
        raise UsageError(f"{resource.name} has no lasting ids to fetch by", fix="export it, with --filter if need be")
    wanted = list(dict.fromkeys(bare_id(name) for name in ids if name.strip()))
    grouped = len(wanted) > ALONE and any(entry.name == "ids" for entry in resource.filters)
    records = await _groups(client, resource, wanted) if grouped else {}
    singles = await asyncio.gather(*(_alone(client, resource, name) for name in wanted if name not in records))
    records |= {name: record for name, record in singles if isinstance(record, bytes)}
    missing = {name: reason for name, reason in singles if isinstance(reason, str)}
    if missing and not records and resource.dialect == "v1":
        await client.count(Query(resource=resource))  # raises if the server no longer has the list
    return LookupResult(records=tuple(records[name] for name in wanted if name in records), missing=missing)


async def _groups(client: Client, resource: Resource, ids: Sequence[str]) -> dict[str, bytes]:
    plain = [name for name in ids if "," not in name]
    groups = [plain[start : start + GROUP] for start in range(0, len(plain), GROUP)]
    answers = await asyncio.gather(*(_group(client, resource, group) for group in groups))
    return {name: record for answer in answers for name, record in answer.items()}


async def _group(client: Client, resource: Resource, ids: Sequence[str]) -> dict[str, bytes]:
    params = {**resource.params, **resource.detail, "ids": ",".join(ids), "page[size]": str(len(ids))}
    answer = await client.get(resource.path, params, accept=resource.headers.get("Accept"))
    return {name: record for record in answer.records if (name := bare_id(document.id_of(record) or "")) in set(ids)}


async def _alone(client: Client, resource: Resource, name: str) -> tuple[str, bytes | str]:
    try:
        answer = await client.single(resource, name)
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return name, _UNKNOWN
    return name, next(iter(answer.records), "the answer holds no record")


def bare_id(name: str) -> str:
    """Return an id as in paths: without the start of a URL, which ids of v1 and DOIs may have (api-notes 7.6).

    A DOI may also begin with `doi:`, and be percent-encoded in a URL. In an activity's id, a bar is followed by the
    record that the activity is about, which is left out as well.
    """
    plain = _trimmed(name).lower()
    doi = _DOI.sub("", plain)
    if doi != plain:
        return unquote(doi).lower() if "doi.org/" in plain.removesuffix(doi) else doi
    return _ACTIVITY.sub(r"\1", _SCHEME.sub("", plain))


def read_ids(text: str, name: str) -> list[str]:
    """Read ids, one per line, without blank lines and comments: a # at the beginning or after a space.

    UsageError, naming the line of the file called `name`, for what cannot be a list of ids.
    """
    ids: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        plain = _trimmed(line.partition(" #")[0])
        if not plain or plain.startswith("#"):
            continue
        columns = [column.strip().strip('"').lower() for column in _COLUMNS.split(plain)]
        if "\t" in plain or (not ids and len(columns) > 1 and _HEADINGS.intersection(columns)):
            raise UsageError(f"{name}, line {number}: several columns", fix="give ids alone, one per line")
        if plain[0] in "{[<" or len(plain) > _LONGEST or _CONTROL.search(plain):
            raise UsageError(f"{name}, line {number}: {plain[:60]!r} is not an id", fix="give ids, one per line")
        ids.append(plain)
    return ids


def _trimmed(text: str) -> str:
    """Return an id without what surrounds it in files and mails: spaces, invisible characters, a pair of quotes."""
    plain = text.strip().strip(_INVISIBLE).strip()
    return plain[1:-1].strip() if len(plain) > 1 and plain[0] == plain[-1] == '"' else plain
