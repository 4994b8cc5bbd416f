"""Real responses of current and older servers hold nothing that the declarations do not know."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl import resources
from etl.records.flatten import flatten
from etl.records.parser import Parser
from etl.schema.declarations import Json, Resource, Struct, shape

pytestmark = pytest.mark.slow

BODIES = Path(__file__).parents[2].parent / "shared" / "real" / "current"

FOLDERS = {
    "dois": ("dois_list", "dois_single", "dois_resource"),
    "clients": ("clients", "clients_single"),
    "providers": ("providers", "providers_single"),
    "repositories": ("repositories", "repositories_single"),
    "prefixes": ("prefixes_single",),
    "client-prefixes": ("client-prefixes",),
    "activities": ("activities",),
    "events": ("events",),
}

# Attributes that the server dropped years ago; they are kept in `extra` and counted as drift.
OLDER = {
    "dois": "identifier author creator title container-title resource-type-subtype description license periodical "
    "related-identifier cache-key",
    "clients": "contact-name contact-email contactName contactEmail",
    "providers": "contact-name contact-email contactName contactEmail year",
    "repositories": "",
    "prefixes": "",
    "client-prefixes": "",
    "activities": "",
    "events": "",
}

# What the serializers of the current server write, and the relationships beside it (api-notes 5, 6; objects, reports
# and reference repositories by the server's own code).
ACCOUNT = (
    "name symbol year alternateName description language clientType domains re3data opendoar issn url created updated"
)
PROMISED = {
    "clients": (f"{ACCOUNT} isActive", "provider consortium prefixes"),
    "repositories": (
        f"{ACCOUNT} isActive systemEmail repositoryType certificate software subjects",
        "provider consortium prefixes",
    ),
    "providers": (
        (
            "name displayName symbol website description region country logoUrl memberType organizationType focusArea "
            "nonProfitStatus isActive joined rorId created updated doiEstimate"
        ),
        "clients prefixes consortium consortiumOrganizations",
    ),
    "prefixes": ("prefix createdAt", "clients providers clientPrefixes providerPrefixes"),
    "client-prefixes": ("createdAt updatedAt", "client provider providerPrefix prefix"),
    "provider-prefixes": ("createdAt updatedAt", "provider prefix clients clientPrefixes"),
    "repository-prefixes": ("createdAt updatedAt", "repository provider providerPrefix prefix"),
    "activities": (
        "prov:wasGeneratedBy prov:generatedAtTime prov:wasDerivedFrom prov:wasAttributedTo action version changes",
        "",
    ),
    "events": (
        (
            "subjId objId sourceId relationTypeId total messageAction sourceToken license occurredAt timestamp "
            "sourceDoi targetDoi sourceRelationTypeId targetRelationTypeId"
        ),
        "subj obj",
    ),
    "objects": (
        (
            "subtype name author publisher periodical includedInDataCatalog version datePublished dateModified funder "
            "proxyIdentifiers registrantId"
        ),
        "",
    ),
    "resource-types": ("title updated", ""),
    "reference-repositories": (
        (
            "clientId re3doi re3dataUrl name alternateName description pidSystem url keyword contact language "
            "certificate dataAccess dataUpload providerType repositoryType software subject re3CreatedAt re3UpdatedAt "
            "clientCreatedAt clientUpdatedAt providerId providerIdAndName year createdAt updatedAt"
        ),
        "",
    ),
    "contacts": ("givenName familyName name email roleName fromSalesforce created updated deleted", "provider"),
    "media": ("version url mediaType created updated", "doi"),
    "dois": (
        (
            "doi prefix suffix identifiers alternateIdentifiers creators titles publisher container "
            "publicationYear subjects contributors dates language types relatedIdentifiers relatedItems "
            "sizes formats version rightsList descriptions geoLocations fundingReferences xml url contentUrl "
            "metadataVersion schemaVersion source isActive state reason landingPage viewCount downloadCount "
            "referenceCount citationCount partCount partOfCount versionCount versionOfCount viewsOverTime "
            "downloadsOverTime citationsOverTime created registered updated published agency"
        ),
        "client provider media references citations parts partOf versions versionOf",
    ),
}


def records(name: str) -> Iterator[bytes]:
    for folder in FOLDERS[name]:
        for path in sorted((BODIES / folder).glob("*.json")):
            body: Json = json.loads(path.read_bytes())
            data = body.get("data", body)
            yield from (json.dumps(record).encode() for record in (data if isinstance(data, list) else [data]))


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_attribute_has_a_column_or_a_reason(name: str) -> None:
    """What the server's serializer writes is mapped, or left out with a reason."""
    resource = resources.load(name)
    known = shape(resource).fields
    for part, names in zip(("attributes", "relationships"), PROMISED[name], strict=True):
        group = known.get(part)
        mapped = set(group.fields) if isinstance(group, Struct) else set()
        assert {one for one in names.split() if one not in mapped and f"{part}.{one}" not in resource.unmapped} == set()


def test_every_resource_has_its_promise() -> None:
    """No current resource is left out of the list above, but for reports, which have no attributes."""
    current = {name for name in resources.names() if "/" not in name}
    assert current - {"reports"} == set(PROMISED)


@pytest.mark.parametrize("name", ["activities", "client-prefixes", "events", "prefixes", "repositories"])
def test_recorded_bodies_come_out_whole(name: str) -> None:
    """Every recorded record is a row, under its id."""
    if not BODIES.is_dir():
        pytest.skip("the recorded bodies of the API are not beside this repository")
    resource, found = resources.load(name), [one for one in records(name) if json.loads(one)]
    main = flatten(resource, resource.main, Parser(resource).parse(found).table)
    ids = [str(json.loads(one)["id"]).lower() for one in found]
    assert [one.partition("|")[0] for one in main[resource.key.name]] == ids


@pytest.fixture(params=FOLDERS)
def resource(request: pytest.FixtureRequest) -> Resource:
    if not BODIES.is_dir():
        pytest.skip("the recorded bodies of the API are not beside this repository")
    return resources.load(request.param)


def test_every_attribute_is_mapped_or_known_to_be_old(resource: Resource) -> None:
    """An attribute of a recorded body has a column, a reason to have none, or was dropped by the server long ago."""
    parsed = Parser(resource).parse(list(records(resource.name)))
    attributes = {path.split(".")[1] for path in parsed.drift if path.count(".") == 1 and path.startswith("attributes")}
    assert parsed.table.num_rows > 0
    assert attributes - set(OLDER[resource.name].split()) == set()


def test_every_older_attribute_was_met(resource: Resource) -> None:
    """The list of attributes of older servers names nothing that no recorded body has."""
    parsed = Parser(resource).parse(list(records(resource.name)))
    assert set(OLDER[resource.name].split()) <= {path.split(".")[1] for path in parsed.drift}


def test_a_leaked_password_is_not_kept() -> None:
    """A secret in an old body reaches neither a column nor `extra`."""
    record = {"id": "tib.gfz", "type": "clients", "attributes": {"password": "s3cret", "new": 1}}
    parsed = Parser(resources.load("clients")).parse([json.dumps(record).encode()])
    assert "s3cret" not in str(parsed.table.to_pylist())
    assert parsed.drift.keys() == {"attributes.new"}
