"""The conductor of `get`: single records by id, many at a time, each either had or named with the reason.

Where the list takes `ids=`, ids are asked for in groups; what a group does not bring is asked for alone, since the API
silently drops unknown ids and answers for other agencies' DOIs too (api-notes 4.3).
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etl.api import document
from etl.api.client import Client
from etl.api.query import Query
from etl.errors import RefusedError, UsageError
from etl.schema.declarations import Resource

GROUP = 50
"""Ids in one request: their length must fit into an address."""
ALONE = 3
"""So few ids are asked for one by one: a single record has more in it than one in a list."""
NOT_FOUND = 404
_BEGINNING = re.compile(r"^https?://(?:(?:dx\.)?doi\.org/(?=10\.))?")
_ACTIVITY = re.compile(r"^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\|.*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """The records that were had, in the order of the ids, and why the others were not."""

    records: tuple[bytes, ...]
    missing: dict[str, str]


async def get(client: Client, resource: Resource, ids: Sequence[str]) -> Got:
    """Fetch records by id, whatever its case; raises the client's errors other than "not found".

    UsageError for a resource whose ids are others in every answer.
    """
    if resource.identity and "id" not in resource.identity:
        raise UsageError(f"{resource.name} has no lasting ids to fetch by", fix="export it, with --filter if need be")
    wanted = list(dict.fromkeys(bare(one) for one in ids if one.strip()))
    grouped = len(wanted) > ALONE and any(entry.name == "ids" for entry in resource.filters)
    found = await _groups(client, resource, wanted) if grouped else {}
    singles = await asyncio.gather(*(_alone(client, resource, one) for one in wanted if one not in found))
    found |= {one: record for one, record in singles if isinstance(record, bytes)}
    missing = {one: reason for one, reason in singles if isinstance(reason, str)}
    if missing and not found and resource.dialect == "v1":
        await client.count(Query(resource=resource))  # tells of a list that the server has no more
    return Got(records=tuple(found[one] for one in wanted if one in found), missing=missing)


async def _groups(client: Client, resource: Resource, ids: Sequence[str]) -> dict[str, bytes]:
    plain = [one for one in ids if "," not in one]
    groups = [plain[start : start + GROUP] for start in range(0, len(plain), GROUP)]
    answers = await asyncio.gather(*(_group(client, resource, group) for group in groups))
    return {one: record for answer in answers for one, record in answer.items()}


async def _group(client: Client, resource: Resource, ids: Sequence[str]) -> dict[str, bytes]:
    params = {**resource.params, **resource.detail, "ids": ",".join(ids), "page[size]": str(len(ids))}
    answer = await client.get(resource.path, params, accept=resource.headers.get("Accept"))
    return {one: record for record in answer.records if (one := bare(document.id_of(record) or "")) in set(ids)}


async def _alone(client: Client, resource: Resource, one: str) -> tuple[str, bytes | str]:
    try:
        answer = await client.single(resource, one)
    except RefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return one, "the API does not know it, or does not show it (registered, draft or withdrawn)"
    return one, next(iter(answer.records), "the answer holds no record")


def bare(one: str) -> str:
    """Spell an id as it stands in a path: what is an address in v1 is asked for without its beginning (api-notes 7.6).

    A DOI may be given as an address too. Behind the bar in an activity's id stands what it is about.
    """
    return _ACTIVITY.sub(r"\1", _BEGINNING.sub("", one.strip().lower()))


def read_ids(lines: Iterable[str]) -> list[str]:
    """Read ids, a line each; blank lines and what follows a # and a space are left out."""
    return [text for line in lines if (text := line.partition(" #")[0].strip()) and not text.startswith("#")]
