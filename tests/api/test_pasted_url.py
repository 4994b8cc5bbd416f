"""Addresses from documents and browsers, and what is meant by them."""

import pytest

from etl.api import pasted_url
from etl.errors import UsageError

MEANT = [
    ("https://api.datacite.org/doi?query=climate", {"resource": "dois", "text": "climate"}),
    ("/doi/provider-id=tcia&page[size]=5", {"resource": "dois", "filters": (("provider-id", "tcia"),)}),
    (
        "/providers/tcia/doi/created=2016",
        {"resource": "dois", "filters": (("provider-id", "tcia"), ("created", "2016"))},
    ),
    ("/providers/tcia/doi/page[size]=5", {"resource": "dois", "filters": (("provider-id", "tcia"),)}),
    ("/doi/10.7937/s17z-r072", {"resource": "dois", "ids": ("10.7937/s17z-r072",)}),
    ("/doi/10.7937/s17z-r072/activities", {"resource": "activities", "of": "dois/10.7937/s17z-r072"}),
    ("https://api.datacite.org/dois/10.1000%2Fa%3Fb", {"resource": "dois", "ids": ("10.1000/a?b",)}),
    ("/dois/10.1000//a//b", {"resource": "dois", "ids": ("10.1000//a//b",)}),
    ("/clients/nihnci.tcia/dois?detail=true", {"resource": "dois", "filters": (("client-id", "nihnci.tcia"),)}),
    ("https://api.datacite.org/works?query=x&rows=1000", {"resource": "v1/works", "text": "x"}),
    ("https://api.datacite.org/member/cern", {"resource": "v1/members", "ids": ("cern",)}),
    ("/work-types", {"resource": "v1/work-types"}),
    ("/registration-agencies/datacite", {"resource": "v1/registration-agencies", "ids": ("datacite",)}),
    ("https://api.test.datacite.org/dois?client_id=a.b", {"origin": "https://api.test.datacite.org"}),
    ("https://api.datacite.org/dois?page[cursor]=1&sort=name", {"dropped": ("page[cursor]", "sort")}),
]


@pytest.mark.parametrize(("address", "meant"), MEANT, ids=[address for address, _ in MEANT])
def test_an_address_is_read_as_it_is_meant(address: str, meant: dict[str, object]) -> None:
    """Singular names, pairs in the path and parents become a valid current request."""
    read = pasted_url.read_url(address)
    assert {name: getattr(read, name) for name in meant} == meant


def test_an_address_without_a_resource_is_refused() -> None:
    """A bare host names nothing to export."""
    with pytest.raises(UsageError, match="names no resource"):
        pasted_url.read_url("https://api.datacite.org/")


@pytest.mark.parametrize(
    ("text", "is_one"), [("dois", False), ("v1/works", False), ("/dois", True), ("dois?query=a", True)]
)
def test_names_of_resources_are_no_addresses(text: str, is_one: bool) -> None:
    """`v1/works` is a name, `/works` an address."""
    assert pasted_url.is_address(text) is is_one
