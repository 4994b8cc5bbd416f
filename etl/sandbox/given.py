"""The index and the roster of a corpus of given records, derived from their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from etl.sandbox.answer import Json
from etl.sandbox.content.organisations import Roster
from etl.sandbox.search.dates import span


def roster(records: Sequence[Json], included: Sequence[Json]) -> Roster:
    """Gather the linked and the given clients, with their providers and prefixes."""
    clients = {resource["id"]: resource for resource in included if resource["type"] == "clients"}
    linked = (_linked(record, "client") for record in records)
    ids = list(dict.fromkeys([*clients, *filter(None, linked)]))
    return Roster(
        client_ids=ids,
        providers_of_clients=[_provider(client, clients.get(client)) for client in ids],
        prefixes_of_clients=[_prefixes(clients.get(client)) for client in ids],
        clients=clients,
        providers={resource["id"]: resource for resource in included if resource["type"] == "providers"},
    )


def _linked(resource: Json, name: str) -> str | None:
    data = ((resource.get("relationships") or {}).get(name) or {}).get("data")
    return data["id"] if isinstance(data, dict) else None


def _provider(name: str, client: Json) -> str:
    return (_linked(client, "provider") if client else None) or name.partition(".")[0]


def _prefixes(client: Json) -> list[str]:
    data = (((client or {}).get("relationships") or {}).get("prefixes") or {}).get("data") or []
    return [prefix["id"] for prefix in data]


def frame(records: Sequence[Json], known: Roster) -> pl.DataFrame:
    """Make the index of given records, in (created, uid) order; a record without `created` is at the epoch."""
    numbers = {name: number for number, name in enumerate(known.client_ids)}
    rows = [_row(number, record, numbers.get(_linked(record, "client") or "")) for number, record in enumerate(records)]
    schema = {
        "serial": pl.UInt32,
        "uid": pl.String,
        "created": pl.Int64,
        "updated": pl.Int64,
        "registered": pl.Int64,
        "client": pl.UInt32,
        "template": pl.UInt32,
        "version": pl.UInt16,
        "findable": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("created", "uid")


def _row(number: int, resource: Json, client: int | None) -> tuple[Json, ...]:
    attributes = resource.get("attributes") or {}
    version = attributes.get("metadataVersion")
    return (
        number,
        str(resource["id"]).lower(),
        moment(attributes.get("created")) or 0,
        moment(attributes.get("updated")),
        moment(attributes.get("registered")),
        client,
        number,
        version if isinstance(version, int) else 0,
        True,
    )


def moment(text: Json) -> int | None:
    """Read a timestamp as epoch milliseconds, None if it is unreadable."""
    try:
        return span(text)[0] if isinstance(text, str) else None
    except ValueError:
        return None


def touched(resource: Json, at: datetime) -> Json:
    """Return a copy of a record, updated at a time."""
    attributes = resource.get("attributes") or {}
    version = attributes.get("metadataVersion")
    fresh = {
        "updated": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metadataVersion": version + 1 if isinstance(version, int) else version,
    }
    return {**resource, "attributes": {**attributes, **fresh}}
