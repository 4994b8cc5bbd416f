"""Records by id, totals, nested lists and trailing slashes (api-notes 4.3, 4.6, 4.11, 6.14)."""

import pytest

from etl.sandbox.site import _LISTS

from .conftest import answer

FIXED = {"resource-types"}
"""Lists that ignore every parameter (api-notes 6.9)."""


def records(page) -> list:
    return page.get("reports", page.get("data"))


@pytest.mark.parametrize("parameter", ["id", "ids"])
@pytest.mark.parametrize("path", sorted(set(_LISTS) - FIXED - {"reports"}))
def test_every_list_finds_records_by_id_whatever_else_is_requested(ask, path, parameter):
    wanted = ask(f"/{path}?page[size]=3")["data"][-1]["id"]
    page = ask(f"/{path}?{parameter}={wanted.upper()}&query=nosuch&year=1066&created=1066")
    assert {record["id"] for record in page["data"]} == {wanted}
    assert page["meta"]["total"] == len(page["data"])


def test_reports_are_found_by_id(ask):
    wanted = records(ask("/reports?page[size]=3"))[-1]["id"]
    assert [report["id"] for report in records(ask(f"/reports?id={wanted}"))] == [wanted]


def test_id_has_precedence_over_ids(ask):
    first, second = (record["id"] for record in ask("/clients?page[size]=2")["data"])
    assert [record["id"] for record in ask(f"/clients?ids={first}&id={second}")["data"]] == [second]


@pytest.mark.parametrize("path", sorted(set(_LISTS) - FIXED))
def test_an_unknown_id_finds_nothing(ask, path):
    page = ask(f"/{path}?id=nosuch")
    assert (records(page), page["meta"]["total"]) == ([], 0)


def test_the_total_of_a_sample_is_that_of_the_sample(ask):
    page = ask("/dois?sample-group=client&sample=2&page[size]=1")
    assert page["meta"]["total"] == len(page["data"]) < ask("/dois?page[size]=0")["meta"]["total"]


def test_an_unknown_sample_group_is_ignored(ask):
    page = ask("/dois?sample-group=planet&sample=2&page[size]=1")
    assert (len(page["data"]), page["meta"]["total"]) == (1, ask("/dois?page[size]=0")["meta"]["total"])


@pytest.mark.parametrize(
    ("kind", "filter_name"), [("clients", "client-id"), ("providers", "provider-id"), ("prefixes", "prefix")]
)
def test_totals_count_the_dois_of_each_owner(ask, kind, filter_name):
    totals = ask(f"/{kind}/totals")
    assert [entry["count"] for entry in totals] == sorted((entry["count"] for entry in totals), reverse=True)
    for entry in totals[:3]:
        assert entry["count"] == ask(f"/dois?{filter_name}={entry['id']}&page[size]=0")["meta"]["total"]
        assert entry["states"] == [{"id": "findable", "title": "Findable", "count": entry["count"]}]
        assert set(entry["temporal"]) == {"this_month", "this_year", "last_year", "two_years_ago"}


def test_totals_of_clients_may_be_those_of_a_provider(ask):
    assert {entry["id"].partition(".")[0] for entry in ask("/clients/totals?provider-id=cern")} == {"cern"}


def test_totals_by_year_count_registrations(ask):
    total = ask("/prefixes/totals?client-id=cern.zenodo")[0]
    (year,) = total["temporal"]["last_year"]
    assert year["count"] == ask(f"/dois?client-id=cern.zenodo&registered={year['id']}&page[size]=0")["meta"]["total"]


@pytest.mark.parametrize(
    ("nested", "same"),
    [
        ("/providers/cern/clients", "/clients?provider-id=cern"),
        ("/providers/cern/repositories", "/repositories?provider-id=cern"),
        ("/providers/cern/prefixes", "/prefixes?provider-id=cern"),
        ("/clients/cern.zenodo/prefixes", "/prefixes?client-id=cern.zenodo"),
        ("/repositories/cern.zenodo/prefixes", "/prefixes"),
        ("/clients/", "/clients"),
        ("/dois/", "/dois"),
        ("/clients/cern.zenodo/dois/", "/dois?client-id=cern.zenodo"),
    ],
)
def test_nested_paths_and_trailing_slashes_lead_to_lists(ask, nested, same):
    got, expected = ask(nested), ask(same)
    assert (got["data"], got["meta"]) == (expected["data"], expected["meta"])


def test_a_trailing_slash_leads_to_the_same_record(corpus):
    assert answer(corpus, "/clients/cern.zenodo/").plain() == answer(corpus, "/clients/cern.zenodo").plain()
