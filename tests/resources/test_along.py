"""Records that are only included, or listed under another: contacts of providers, media of DOIs."""

import json

import polars as pl
import pytest

from etl import cli, resources
from etl.records.parser import Parser
from etl.runs.in_memory import tables
from etl.sandbox import Sandbox
from etl.schema.declarations import Json


def link(kind: str, name: str) -> Json:
    return {"data": {"id": name, "type": kind}}


def test_a_contact_has_a_row_and_a_row_a_role() -> None:
    """A contact as the server writes it leaves nothing unknown, and its provider comes in lower case."""
    person = {
        "givenName": "A",
        "familyName": "B",
        "name": "A B",
        "email": "a@example.org",
        "roleName": ["voting", "billing"],
    }
    times = {"created": "2021-01-01T00:00:00.000Z", "updated": "2021-01-02T00:00:00.000Z", "deleted": None}
    record = {
        "id": "X-1",
        "type": "contacts",
        "attributes": person | times,
        "relationships": {"provider": link("providers", "TIB")},
    }
    parsed = Parser(resources.load("contacts")).parse([json.dumps(record).encode()])
    assert (parsed.drift, parsed.issues) == ({}, ())
    rows = tables(resources.load("contacts"), [json.dumps(record).encode()])
    assert rows["contacts"].select("id", "name", "email", "provider_id").rows() == [
        ("x-1", "A B", "a@example.org", "tib")
    ]
    assert rows["contact_roles"].rows() == [("x-1", 0, "voting"), ("x-1", 1, "billing")]


@pytest.mark.slow
def test_providers_may_be_asked_for_their_contacts(box: Sandbox, tmp_path) -> None:
    """The API takes the name; who may not see contacts gets the table without rows."""
    to = tmp_path / "o"
    command = ["export", "providers", "--include", "contacts", "--base-url", box.base_url, "--to", str(to), "--quiet"]
    assert cli.run(command) == 0
    proof = json.loads((to / "_etl/manifest.json").read_text())
    assert proof["included"]["contacts"]["missing"] == 0
    assert proof["tables"]["contacts"]["rows"] == 0


@pytest.mark.parametrize("name", ["doi", "dataciteDoi"])
def test_a_medium_names_its_doi_in_either_spelling(name: str) -> None:
    """The relationship to the DOI, type and all, is mapped: nothing of it is unknown."""
    record = {"id": "m-1", "type": "media", "attributes": {}, "relationships": {name: link("dois", "10.1/A")}}
    raw = [json.dumps(record).encode()]
    assert Parser(resources.load("media")).parse(raw).drift == {}
    main = tables(resources.load("media"), raw)["media"]
    assert main.select("doi", pl.col("extra").is_null()).rows() == [("10.1/a", True)]
