"""Facets of the API are compared with the export, over a whole run and as pure functions."""

import json

import pytest

from etl.runs.export.facet_check import compare_facets
from etl.sandbox import Sandbox
from etl.schema.declarations import Facet
from tests.conftest import Command

pytestmark = pytest.mark.slow


def facets(to):
    proof = json.loads((to / "_etl/manifest.json").read_text())
    return {check["name"]: check for check in proof["facets"]}


def test_the_proof_of_a_run_compares_the_facets_with_one_request(box: Sandbox, command: Command, tmp_path):
    """Types, states, years, clients, prefixes and so on agree with the API; facets are requested once, by name."""
    before = len(box.requests)
    assert command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "-q").code == 0
    found = facets(tmp_path / "o")
    assert {"resourceTypes", "states", "created", "registered", "clients", "prefixes", "languages"} <= found.keys()
    assert all(check["ok"] for check in found.values()), found
    asked = [one.target for one in list(box.requests)[before:] if "disable-facets=false" in one.target]
    assert len(asked) == 1
    assert "facets=resourceTypes" in asked[0]


def test_providers_are_compared_only_where_they_are_known(box: Sandbox, command: Command, tmp_path):
    """Lists have no provider, so its facet is not compared there; the detail view has it."""
    asked = ["export", "dois", "--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "-q"]
    command(*asked, "--to", tmp_path / "list")
    command(*asked, "--to", tmp_path / "detail", "--detail")
    assert "providers" not in facets(tmp_path / "list")
    assert facets(tmp_path / "detail")["providers"]["ok"]


def test_a_sample_is_compared_with_nothing(box: Sandbox, command: Command, tmp_path):
    """A sample of a query cannot agree with the counts of all records."""
    before = len(box.requests)
    command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--limit", "5", "-q")
    assert facets(tmp_path / "o") == {}
    assert not [one for one in list(box.requests)[before:] if "disable-facets=false" in one.target]


def test_years_that_the_list_does_not_reach_are_left_out():
    """A list of the newest years says nothing about older or future ones."""
    facet = Facet(name="created", size=2, table="dois", column="created_year")
    meta = {"created": [{"id": "2020", "count": 2}, {"id": "2019", "count": 1}]}
    own = {"created_year": {"2018": 900, "2019": 1, "2020": 2, "2021": 7}}
    [check] = compare_facets([facet], meta, own)
    assert check.ok
    assert check.cut_off


def test_a_year_with_other_counts_is_named():
    """A difference in a listed year is reported with both counts."""
    facet = Facet(name="created", size=2, table="dois", column="created_year")
    meta = {"created": [{"id": "2020", "count": 2}, {"id": "2019", "count": 1}]}
    [check] = compare_facets([facet], meta, {"created_year": {"2019": 4, "2020": 2}})
    assert check.differing == {"2019": (1, 4)}


def test_a_facet_that_the_api_does_not_give_is_not_compared():
    """Without buckets nothing is compared."""
    facet = Facet(name="clients", size=10, table="dois", column="client_id")
    assert list(compare_facets([facet], {"clients": []}, {"client_id": {"a.b": 1}})) == []
    assert list(compare_facets([facet], {}, {"client_id": {"a.b": 1}})) == []
