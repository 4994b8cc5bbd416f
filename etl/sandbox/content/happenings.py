"""The history of a corpus's records: activities (their changes) and events (citations, usage, authorship).

Both depend only on the index and the roster (api-notes 6.7, 6.8); `index` holds what is searched or sorted
by but not shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import polars as pl

from etl.sandbox.answer import Json
from etl.sandbox.content.identifiers import orcid
from etl.sandbox.content.organisations import Roster

MOST = 15_000
"""So many DOIs have a history: enough to go beyond what page numbers reach, and no more than fits in memory."""
_LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
_SPACE = uuid.UUID("0e5438de-0012-4c4d-8a7e-2d0b8c1f4a55")
_USAGE = ("total-dataset-investigations-regular", "unique-dataset-requests-regular")
_HOUR = 3_600_000


def activities(frame: pl.DataFrame, roster: Roster) -> list[Json]:
    """List the changes of DOIs, clients and providers; some requests changed two things at once and share an id."""
    listed = [activity for row in frame.head(MOST).iter_rows(named=True) for activity in _of_doi(row, roster)]
    for name, client in roster.clients.items():
        created = client["attributes"]["created"]
        request = _uuid("client", name)
        listed.append(_activity(request, created, f"https://api.datacite.org/clients/{name}", 1, name))
        owner = name.partition(".")[0]
        if owner in roster.providers:
            listed.append(_activity(request, created, f"https://api.datacite.org/providers/{owner}", 2, owner))
    return listed


def _of_doi(row: Mapping[str, Json], roster: Roster) -> Iterator[Json]:
    uid, serial = row["uid"], row["serial"]
    client = roster.client_ids[row["client"]] if row["client"] is not None else "admin"
    about = f"https://doi.org/{uid}"
    request, at = _uuid("create", uid), iso(row["created"] + serial % 1000)
    yield _activity(request, at, about, 1, client, doi=uid)
    if serial % 40 == 0:
        yield _activity(request, at, about, 2, client, doi=uid)
    elif row["updated"] and row["updated"] > row["created"]:
        later = iso(row["updated"] + serial % 1000)
        yield _activity(_uuid("update", uid), later, about, 2, client, doi=uid)


def _activity(request: str, at: str, about: str, version: int, by: str, *, doi: str | None = None) -> Json:
    subject = doi or about.rpartition("/")[2]
    state = ["draft", "findable"]
    update = {"aasm_state": state, "url": [None, f"https://example.org/{subject}"]}
    create = {"doi": doi and doi.upper(), "url": None, "aasm_state": "draft", "dates": [{"date": at[:4]}]}
    return {
        "id": request,
        "type": "activities",
        "attributes": {
            "prov:wasGeneratedBy": f"https://api.datacite.org/activities/{request}",
            "prov:generatedAtTime": at,
            "prov:wasDerivedFrom": about,
            "prov:wasAttributedTo": f"https://api.datacite.org/clients/{by}",
            "action": "create" if version == 1 else "update",
            "version": version,
            "changes": create if version == 1 else update,
        },
        "index": {"created": at, "uid": subject},
    }


def events(frame: pl.DataFrame, roster: Roster) -> list[Json]:
    """List the events of DOIs: references between them, authorship, citations by articles, and monthly usage."""
    rows = frame.head(MOST)
    uids = rows["uid"]
    listed = []
    for number, row in enumerate(rows.iter_rows(named=True)):
        other = str(uids[(number * 7919 + 13) % len(uids)])
        client = roster.client_ids[row["client"]] if row["client"] is not None else "none"
        listed += [_event(row, client, facts) for facts in _facts(row["serial"], row["uid"], other)]
    return listed


def _facts(serial: int, uid: str, other: str) -> Iterator[dict[str, Json]]:
    doi = f"https://doi.org/{uid}"
    if serial % 4 == 0 and other != uid:
        ends = {"sourceDoi": uid, "targetDoi": other}
        kinds = {"sourceRelationTypeId": "references", "targetRelationTypeId": "citations"}
        yield {"subjId": doi, "objId": f"https://doi.org/{other}", "sourceId": "datacite-related"} | {
            "relationTypeId": "references", **ends, **kinds
        }  # fmt: skip
    if serial % 4 == 1:
        person = f"https://orcid.org/{orcid(15_000_000 + serial)}"
        yield {"subjId": doi, "objId": person, "sourceId": "datacite-orcid-auto-update"} | {
            "relationTypeId": "is-authored-by"
        }
    if serial % 4 == 2:
        article = f"10.1371/journal.pone.{serial:07d}"
        ends = {"sourceDoi": article, "targetDoi": uid}
        kinds = {"sourceRelationTypeId": "references", "targetRelationTypeId": "citations"}
        yield {"subjId": f"https://doi.org/{article}", "objId": doi, "sourceId": "crossref"} | {
            "relationTypeId": "references", **ends, **kinds
        }  # fmt: skip
    if serial % 3 == 0:
        report = f"https://api.datacite.org/reports/{report_id(serial % 40)}"
        kind = serial // 3 % 2
        yield {"subjId": report, "objId": doi, "sourceId": "datacite-usage", "relationTypeId": _USAGE[kind]} | {
            "total": 1 + serial % 97, "targetDoi": uid, "targetRelationTypeId": ("views", "downloads")[kind]
        }  # fmt: skip


def _event(row: Mapping[str, Json], client: str, facts: dict[str, Json]) -> Json:
    created = row["created"] + _HOUR * (1 + row["serial"] % 30)
    attributes = {
        "subjId": facts["subjId"],
        "objId": facts["objId"],
        "sourceId": facts["sourceId"],
        "relationTypeId": facts["relationTypeId"],
        "total": facts.get("total", 1),
        "messageAction": "create",
        "sourceToken": _uuid("token", facts["sourceId"]),
        "license": _LICENCE,
        "occurredAt": iso(row["created"]),
        "timestamp": iso(created + 325_294),
    }
    more = ("sourceDoi", "targetDoi", "sourceRelationTypeId", "targetRelationTypeId")
    return {
        "id": _uuid("event", facts["subjId"], facts["objId"], facts["relationTypeId"], row["uid"]),
        "type": "events",
        "attributes": attributes | {name: facts.get(name) for name in more},
        "index": {
            "created_at": iso(created),
            "updated_at": iso(created + 325_294),
            "occurred_at": iso(row["created"]),
            "registrant": f"datacite.{client}",
        },
    }


def iso(milliseconds: int) -> str:
    """Write epoch milliseconds as the server does, with three decimals."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def report_id(number: int) -> str:
    """Return the id of a usage report."""
    return _uuid("report", number)


def _uuid(*words: object) -> str:
    return str(uuid.uuid5(_SPACE, "/".join(map(str, words))))
