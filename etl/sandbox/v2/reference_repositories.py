"""`/reference-repositories` (api-notes 6.10): repositories of DataCite and re3data.

The names of the attributes are those of the server's serializer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl.sandbox.answer import Answer, Json
from etl.sandbox.content.dice import dice
from etl.sandbox.v2 import listing
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Keep, Listing, Resource, attribute, counted, humanised, slugged

_STRANGERS = 40
"""So many are known to re3data only."""
_SUBJECTS = (
    {"text": "34 Geosciences (including Geography)", "id": "34", "scheme": "DFG"},
    {"text": "2 Life Sciences", "id": "2", "scheme": "DFG"},
    {"text": "205 Medicine", "id": "205", "scheme": "DFG"},
)


def answer(asked: Asked) -> Answer:
    """Answer the list."""
    return listing.answer(asked, _LISTING, list(_every(asked)))


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one of them."""
    return listing.answer_one(
        asked, _LISTING, next((repository for repository in _every(asked) if repository["id"] == name), None)
    )


def _every(asked: Asked) -> Iterator[Resource]:
    for number, own in enumerate(asked.snapshot.registrations.repositories.values()):
        yield _made(number, own)
    yield from (_made(1000 + number, None) for number in range(_STRANGERS))


def _made(number: int, own: Resource | None) -> Resource:
    chance = dice("reference", number)
    known = own["attributes"] if own else {}
    uid = "".join(chance.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(8))
    provider = own["relationships"]["provider"]["data"]["id"] if own else None
    doi = None if own and number % 2 else f"10.17616/r3{number:04d}"
    attributes = {
        "clientId": own["id"] if own else None,
        "re3doi": doi,
        "re3dataUrl": doi and f"https://www.re3data.org/repository/r3d10{number:07d}",
        "name": known.get("name", f"Repository {number}"),
        "alternateName": [name for name in [known.get("alternateName")] if name],
        "description": known.get("description"),
        "pidSystem": chance.choice(([], ["DOI"], ["DOI", "hdl"])),
        "url": known.get("url"),
        "keyword": chance.sample(("climate", "cancer imaging", "oceans"), chance.randrange(3)),
        "contact": chance.choice(([], ["mail@example.org"])),
        "language": known.get("language", ["eng"]),
        "certificate": known.get("certificate", []),
        "dataAccess": [{"type": chance.choice(("open", "restricted")), "restrictions": []}],
        "dataUpload": [{"type": "restricted", "restrictions": ["registration"]}],
        "providerType": ["dataProvider"],
        "repositoryType": known.get("repositoryType", ["disciplinary"]),
        "software": [known["software"]] if known.get("software") else [],
        "subject": list(chance.sample(_SUBJECTS, chance.randrange(3))),
        "re3CreatedAt": doi and "2013-06-10T00:00:00.000Z",
        "re3UpdatedAt": doi and "2023-01-19T00:00:00.000Z",
        "clientCreatedAt": known.get("created"),
        "clientUpdatedAt": known.get("updated"),
        "providerId": provider,
        "providerIdAndName": provider and f"{provider}:{provider.upper()}",
        "year": known.get("year"),
        "createdAt": "2022-05-12T08:00:00.000Z",
        "updatedAt": "2023-02-01T08:00:00.000Z",
    }
    return {"id": uid, "type": "reference_repositories", "attributes": attributes}


def _year(resource: Resource, values: Sequence[str]) -> bool:
    return str(resource["attributes"]["year"]) in values


def _has(name: str) -> Keep:
    return lambda repository, values: bool(repository["attributes"][name]) == ("true" in values)


def _is_open(resource: Resource, values: Sequence[str]) -> bool:
    return any(access["type"] == "open" for access in resource["attributes"]["dataAccess"]) == ("true" in values)


def _covers(resource: Resource, values: Sequence[str]) -> bool:
    return any(subject["id"] in values for subject in resource["attributes"]["subject"])


def _years(resources: Sequence[Resource]) -> list[Json]:
    buckets = counted(lambda repository: repository["attributes"]["year"])(resources)
    return sorted(buckets, key=lambda bucket: str(bucket["id"]), reverse=True)


_LISTING = Listing(
    kind="reference_repositories",
    path="/reference-repositories",
    filters={
        "year": _year,
        "software": attribute("software"),
        "certificate": attribute("certificate"),
        "has_pid": _has("pidSystem"),
        "is_open": _is_open,
        "is_certified": _has("certificate"),
        "subject_id": _covers,
    },
    facets={
        "years": _years,
        "providers": counted(lambda repository: repository["attributes"]["providerId"]),
        "software": slugged(counted(lambda repository: repository["attributes"]["software"])),
        "certificates": counted(lambda repository: repository["attributes"]["certificate"]),
        "repository_types": counted(lambda repository: repository["attributes"]["repositoryType"], humanised),
    },
    kept=("query", "software", "certificate", "year", "sort"),
    moment="createdAt",
    by_id=False,
    sorts={"relevance": lambda repository: repository["id"]},
    usual="relevance",
)
