"""`/clients` and `/providers`: api-notes 6.1, 6.2."""

import json
from pathlib import Path

import pytest

from .conftest import answer

REAL = Path(__file__).parents[3] / "shared" / "real" / "current"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="recorded bodies are not beside the repository")


def test_every_client_has_its_provider(ask):
    """The provider of each client exists and lists it."""
    page = ask("/clients?page[size]=1000&include=provider")
    providers = {one["id"]: one for one in page["included"]}
    for client in page["data"]:
        owner = providers[client["relationships"]["provider"]["data"]["id"]]
        assert client["id"] in [one["id"] for one in owner["relationships"]["clients"]["data"]]
        assert client["id"].partition(".")[0] == owner["id"]


def test_tcia_is_always_there(ask):
    """The client nihnci.tcia exists under nihnci with the prefix 10.7937."""
    client = ask("/clients/NIHNCI.TCIA")["data"]
    assert client["relationships"]["provider"]["data"]["id"] == "nihnci"
    assert client["relationships"]["prefixes"]["data"] == [{"id": "10.7937", "type": "prefixes"}]


def test_consortia_have_organisations(ask):
    """A consortium names its organisations, each of which names it, and its meta counts them."""
    consortia = ask("/providers?member-type=consortium")["data"]
    assert consortia
    for one in consortia:
        members = one["relationships"]["consortiumOrganizations"]["data"]
        assert ask(f"/providers/{one['id']}")["meta"] == {"consortiumOrganizationCount": len(members)}
        listed = ask(f"/providers?consortium-id={one['id']}")["data"]
        assert {member["id"] for member in members} == {member["id"] for member in listed}


def test_the_dois_of_a_consortium_are_those_of_its_organisations(ask):
    """`consortium-id` selects the DOIs of all its members."""
    consortium = ask("/providers?member-type=consortium")["data"][0]
    members = ",".join(one["id"] for one in consortium["relationships"]["consortiumOrganizations"]["data"])
    total = ask(f"/dois?consortium-id={consortium['id']}")["meta"]["total"]
    assert 0 < total == ask(f"/dois?provider-id={members}")["meta"]["total"]


@needs_real
def test_clients_have_the_attributes_of_real_ones(ask):
    """The attribute names are those of a client recorded in 2024."""
    recorded = json.loads((REAL / "clients_single/hnaj.itvemo-38ec3027.json").read_text())["data"]
    ours = ask("/clients/nihnci.tcia")["data"]
    assert set(ours["attributes"]) == set(recorded["attributes"])
    assert set(ours["relationships"]) == set(recorded["relationships"])


def test_issn_has_all_its_shapes(ask):
    """A client's issn is an object, an empty one, an empty list or null."""
    shapes = {json.dumps(one["attributes"]["issn"])[:2] for one in ask("/clients?page[size]=1000")["data"]}
    assert shapes == {"{}", '{"', "[]", "nu"}


def test_client_facets_have_their_names(ask):
    """One of the facets is in snake case, as on the real server."""
    facets = {"years", "providers", "software", "certificates", "repository_types", "clientTypes"}
    assert set(ask("/clients")["meta"]) == {"total", "totalPages", "page", *facets}


def test_provider_facets_have_their_names(ask):
    """Facets of providers are on by default."""
    facets = {"years", "regions", "memberTypes", "organizationTypes", "focusAreas", "nonProfitStatuses"}
    assert set(ask("/providers")["meta"]) == {"total", "totalPages", "page", "hasRequiredContacts", *facets}


@pytest.mark.parametrize("path", ["/clients", "/providers"])
def test_lists_are_sorted_by_name(ask, path):
    """The default order is by name, and `-name` reverses it."""
    names = [one["attributes"]["name"].casefold() for one in ask(f"{path}?page[size]=1000")["data"]]
    assert names == sorted(names)
    turned = [one["attributes"]["name"].casefold() for one in ask(f"{path}?page[size]=1000&sort=-name")["data"]]
    assert turned == names[::-1]


def test_pages_add_up(ask):
    """Page by page every client appears once."""
    pages = [ask(f"/clients?page[size]=7&page[number]={number}") for number in (1, 2, 3, 4)]
    ids = [one["id"] for page in pages for one in page["data"]]
    assert len(ids) == len(set(ids)) == pages[0]["meta"]["total"] == 20
    assert ["next" in page["links"] for page in pages] == [True, True, False, False]


def test_next_links_lose_the_cursor_and_mangle_the_sort(ask):
    """Even in cursor mode the next link goes by page number, with a sort the server does not read."""
    link = ask("/clients?page[size]=2&page[cursor]=1&include=provider&from-date=2011-01-01")["links"]["next"]
    assert link == ("http://api.test/clients?page%5Bnumber%5D=2&page%5Bsize%5D=2&sort%5Bname.raw%5D%5Border%5D=asc")


@pytest.mark.parametrize(
    "rest",
    ["provider-id=cern", "client-type=periodical", "year=2014,2018", "from-date=2026-01-01", "query=zenodo"],
)
def test_client_filters_select_a_part(ask, rest):
    """Each filter finds some clients but not all."""
    assert 0 < ask(f"/clients?{rest}")["meta"]["total"] < 20


def test_ids_ignore_the_query(ask):
    """`ids=` returns these clients, whatever the other parameters."""
    assert [one["id"] for one in ask("/clients?ids=cern.zenodo&query=nosuch")["data"]] == ["cern.zenodo"]


def test_a_broken_query_is_refused(corpus):
    """An open quote is a 400 here too."""
    assert answer(corpus, '/clients?query="open').status == 400


@pytest.mark.parametrize("path", ["/clients/nosuch", "/providers/nosuch"])
def test_unknown_organisations_are_not_found(corpus, path):
    """A singleton that does not exist is a 404."""
    assert answer(corpus, path).status == 404


def test_fieldsets_work_on_clients(ask):
    """A sparse fieldset removes attributes and relationships."""
    one = ask("/clients?fields[clients]=name&page[size]=1")["data"][0]
    assert (set(one["attributes"]), one["relationships"]) == ({"name"}, {})
