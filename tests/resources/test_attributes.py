"""Real answers of the API, of today and of older servers, hold nothing that the declarations do not know of."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl import resources
from etl.declare import Json, Resource
from etl.parse import Parser

BODIES = Path(__file__).parents[2].parent / "shared" / "real" / "current"

FOLDERS = {
    "dois": ("dois_list", "dois_single", "dois_resource"),
    "clients": ("clients", "clients_single"),
    "providers": ("providers", "providers_single"),
    "repositories": ("repositories", "repositories_single"),
}

# Attributes that the server dropped years ago; they are kept in `extra` and counted as drift.
OLDER = {
    "dois": "identifier author creator title container-title resource-type-subtype description license periodical "
    "related-identifier metadata-version schema-version is-active landing-page cache-key",
    "clients": "contact-name contact-email contactName contactEmail is-active has-password",
    "providers": "contact-name contact-email contactName contactEmail logo-url is-active has-password year",
    "repositories": "",
}


def records(name: str) -> Iterator[bytes]:
    for folder in FOLDERS[name]:
        for path in sorted((BODIES / folder).glob("*.json")):
            body: Json = json.loads(path.read_bytes())
            data = body.get("data", body)
            yield from (json.dumps(record).encode() for record in (data if isinstance(data, list) else [data]))


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
