"""The other lists of the current API: repositories, prefixes, activities, events, catalogues (api-notes 6)."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from etl.sandbox.corpus import Corpus

from .conftest import answer, asker, cursor_of
from .test_organisations import REAL, needs_real

pytestmark = pytest.mark.slow

NEW = {"accept": "application/vnd.api+json; version=2"}


@pytest.fixture(scope="module")
def large():
    """A corpus with more than 10,000 activities and events."""
    return Corpus.generate(records=14_000, seed=5)


def new(corpus: Corpus, target: str):
    return json.loads(answer(corpus, target, **NEW).plain())


def names(body) -> set[str]:
    return set(body["meta"]) - {"total", "totalPages", "page"}


def test_repositories_are_the_clients_with_more_to_tell(ask):
    """Each client is a repository of the same id, with types, certificates, software and subjects."""
    clients = {one["id"]: one for one in ask("/clients?page[size]=1000")["data"]}
    found = ask("/repositories?page[size]=1000&include=provider")
    assert {one["id"] for one in found["data"]} == set(clients)
    assert {one["type"] for one in found["data"]} == {"repositories"}
    assert {"repositoryType", "certificate", "software", "subjects"} <= set(found["data"][0]["attributes"])
    assert {one["type"] for one in found["included"]} == {"providers"}
    assert names(found) == {"years", "providers", "software", "certificates", "repositoryTypes", "clientTypes"}


def test_a_repository_counts_its_dois(ask):
    """The singleton's meta has the number of DOIs and of prefixes."""
    meta = ask("/repositories/cern.zenodo")["meta"]
    assert meta == {"doiCount": ask("/dois?client-id=cern.zenodo")["meta"]["total"], "prefixCount": 1}


@pytest.mark.parametrize("path", ["/clients", "/repositories"])
@pytest.mark.parametrize(
    "rest",
    ["software=DSpace", "certificate=CoreTrustSeal", "repository-type=disciplinary", "re3data-id=10.17616/r30000"],
)
def test_filters_on_what_describes_a_repository_work_in_both_lists(ask, path, rest):
    """Clients are filtered by attributes that they do not show."""
    assert 0 <= ask(f"{path}?{rest}")["meta"]["total"] < 20
    assert ask(f"/clients?{rest}")["meta"]["total"] == ask(f"/repositories?{rest}")["meta"]["total"]


@needs_real
def test_repositories_have_the_attributes_of_real_ones(ask):
    """Attributes that only owners saw in 2019 are omitted; the others have the recorded names."""
    [path] = sorted((REAL / "repositories_single").glob("*.json"))[:1]
    recorded = json.loads(path.read_text())["data"]
    ours = ask("/repositories/cern.zenodo")["data"]
    assert set(recorded["attributes"]) - {"hasPassword", "serviceContact"} <= set(ours["attributes"])


def test_prefixes_are_more_than_page_numbers_reach(ask):
    """Beyond row 10,000 the last page is repeated, with its own number."""
    last = ask("/prefixes?page[size]=1000&page[number]=10&sort=name")
    beyond = ask("/prefixes?page[size]=1000&page[number]=11&sort=name")
    assert last["meta"]["total"] > 10_000
    assert beyond["data"] == last["data"]
    assert beyond["meta"]["page"] == 10


def test_prefixes_know_cursors_but_their_links_do_not(ask):
    """A cursor made from the last record continues behind it, ties in one second included; the link has a number."""
    from etl.sandbox.paging import encode_cursor
    from etl.sandbox.search.dates import span

    ids, cursor = [], "1"
    while True:
        page = ask(f"/prefixes?page[size]=1000&page[cursor]={cursor}")
        ids += [one["id"] for one in page["data"]]
        assert "page[cursor]" not in parse_qs(urlsplit(page["links"].get("next", "")).query)
        if len(page["data"]) < 1000:
            break
        last = page["data"][-1]
        cursor = encode_cursor(span(last["attributes"]["createdAt"])[0], last["id"])
    assert len(ids) == len(set(ids)) == page["meta"]["total"]


@pytest.mark.parametrize("state", ["unassigned", "without-repository", "with-repository"])
def test_a_prefix_has_owners_as_its_state_says(ask, state):
    """Unassigned prefixes have no owner, the others have a provider, and those with a repository also a client."""
    found = ask(f"/prefixes?state={state}&page[size]=50&sort=name")["data"]
    assert found
    for one in found:
        links = {name: bool(link["data"]) for name, link in one["relationships"].items()}
        assert links["providers"] == links["providerPrefixes"] == (state != "unassigned")
        assert links["clients"] == links["clientPrefixes"] == (state == "with-repository")


def test_prefixes_agree_with_their_owners(ask):
    """The clients of a prefix have it, and the lists between them agree."""
    one = ask("/prefixes/10.7937?include=clients,providers,client-prefixes,provider_prefixes")
    assert [link["id"] for link in one["data"]["relationships"]["clients"]["data"]] == ["nihnci.tcia"]
    kinds = ["client-prefixes", "clients", "provider-prefixes", "providers"]
    assert sorted(other["type"] for other in one["included"]) == kinds
    given = ask("/client-prefixes?client-id=nihnci.tcia")["data"]
    assert [each["relationships"]["prefix"]["data"]["id"] for each in given] == ["10.7937"]
    shared = ask("/repository-prefixes?repository-id=nihnci.tcia&include=repository,prefix,provider_prefix,provider")
    assert [each["id"] for each in shared["data"]] == [each["id"] for each in given]
    assert sorted(other["type"] for other in shared["included"]) == [
        "prefixes",
        "provider-prefixes",
        "providers",
        "repositories",
    ]


@pytest.mark.parametrize(
    ("path", "facets"),
    [
        ("/prefixes", {"years", "states", "providers", "clients"}),
        ("/client-prefixes", {"years", "providers", "clients"}),
        ("/provider-prefixes", {"years", "states", "providers"}),
        ("/repository-prefixes", {"years", "providers", "repositories"}),
    ],
)
def test_lists_of_prefixes_have_their_facets(ask, path, facets):
    """Facets are on by default here."""
    assert names(ask(path)) == facets


@pytest.mark.parametrize(
    ("target", "lost"),
    [
        ("/client-prefixes?client-id=cern.zenodo&page[size]=1&include=client", ("client-id", "include")),
        ("/provider-prefixes?state=with-repository&page[size]=1", ("state",)),
        ("/prefixes?state=unassigned&page[size]=1", ("state",)),
    ],
)
def test_next_links_of_prefixes_lose_filters(ask, target, lost):
    """Parameters that the link drops are missing from the second page on."""
    link = ask(target.replace("client-id=cern.zenodo", "client-id=gbif.gbif"))["links"]["next"]
    assert not {name.replace("-", "_") for name in lost} & {key.replace("-", "_") for key in parse_qs(link)}


@needs_real
def test_client_prefixes_link_as_real_ones_did(ask):
    """The relationships are those recorded in 2019."""
    [path] = (REAL / "client-prefixes").glob("*.json")
    recorded = json.loads(path.read_text())["data"][0]["relationships"]
    ours = ask("/client-prefixes?page[size]=1")["data"][0]["relationships"]
    assert {name: link["data"]["type"] for name, link in ours.items()} == {
        name: link["data"]["type"] for name, link in recorded.items()
    }


def test_activities_of_one_record_and_their_next_link(ask, corpus):
    """The list of a DOI has only its own activities; its next link is that of the whole list."""
    doi = corpus.ids()[3]
    own = ask(f"/dois/{doi}/activities?page[size]=1")
    assert {one["attributes"]["prov:wasDerivedFrom"] for one in own["data"]} == {f"https://doi.org/{doi}"}
    assert own["meta"]["total"] in (1, 2)
    assert own["links"]["next"].startswith("http://api.test/activities?")
    assert ask("/clients/cern.zenodo/activities")["meta"]["total"] == 1
    assert ask("/providers/cern/activities")["meta"]["total"] >= 1


def test_one_request_may_have_several_activities(ask):
    """An id is not unique; with the record and its version it is."""
    pages = [ask(f"/activities?page[size]=1000&page[number]={number}&sort=created") for number in (1, 2, 3, 4)]
    every = [one for page in pages for one in page["data"]]
    assert len({one["id"] for one in every}) < len(every) == pages[0]["meta"]["total"]
    keys = {(one["id"], *(one["attributes"][name] for name in ("prov:wasDerivedFrom", "version"))) for one in every}
    assert len(keys) == len(every)


@needs_real
def test_activities_have_the_attributes_of_real_ones(ask):
    """The names, colons and all, are the recorded ones."""
    [path] = (REAL / "activities").glob("*.json")
    recorded = json.loads(path.read_text())["data"][0]
    assert set(ask("/activities?page[size]=1")["data"][0]["attributes"]) == set(recorded["attributes"])


@pytest.mark.parametrize("path", ["/activities", "/events"])
def test_walks_by_number_never_end(large, path):
    """Page 11 of a thousand is page 10 again, with a link to page 11; pages of size 0 have a next one as well."""
    ask = asker(large)
    tenth, eleventh = (ask(f"{path}?page[size]=1000&page[number]={number}") for number in (10, 11))
    assert eleventh["data"] == tenth["data"]
    assert parse_qs(urlsplit(eleventh["links"]["next"]).query)["page[number]"] == ["11"]
    assert "next" in ask(f"{path}?page[size]=0")["links"]
    pages = "total-pages" if path == "/events" else "totalPages"
    assert tenth["meta"][pages] == -(-tenth["meta"]["total"] // 1000)


def test_the_new_shape_of_events_counts_pages_that_can_be_had(large):
    """By Accept header: camel case, four more attributes, and totalPages capped in page mode only."""
    page = new(large, "/events?page[size]=1000")
    assert page["meta"]["totalPages"] == 10
    assert new(large, "/events?page[size]=1000&page[cursor]=1")["meta"]["totalPages"] > 10
    assert set(page["data"][0]["attributes"]) == {
        *str.split("subjId objId sourceId relationTypeId total messageAction sourceToken license occurredAt timestamp"),
        *str.split("sourceDoi targetDoi sourceRelationTypeId targetRelationTypeId"),
    }
    facets = {"sources", "occurred", "prefixes", "citationTypes", "relationTypes", "registrants", "created"}
    assert names(page) == facets


def test_events_are_in_the_old_shape_by_default(ask):
    """Without the header names have dashes, the new attributes are missing, and nothing can be included."""
    page = ask("/events?include=subj,obj&page[size]=3")
    assert "subj-id" in page["data"][0]["attributes"]
    assert "source-doi" not in page["data"][0]["attributes"]
    assert "included" not in page
    assert {"total-pages", "citation-types", "relation-types"} <= set(page["meta"])
    assert "year-months" in page["meta"]["relation-types"][0]


@needs_real
def test_events_have_the_attributes_of_real_ones(corpus):
    """Both shapes have every recorded name."""
    recorded = [json.loads(path.read_text()) for path in (REAL / "events").glob("*.json")]
    seen = {name for body in recorded for one in body["data"] for name in one["attributes"]}
    shapes = [json.loads(answer(corpus, "/events").plain()), new(corpus, "/events")]
    assert seen <= {name for shape in shapes for name in shape["data"][0]["attributes"]}


def test_a_cursor_walk_over_events_brings_each_once(corpus):
    """The links of the new shape have cursors."""
    ids, cursor = [], "1"
    while cursor:
        page = new(corpus, f"/events?page[size]=500&page[cursor]={cursor}")
        ids += [one["id"] for one in page["data"]]
        cursor = cursor_of(page["links"]["next"]) if "next" in page["links"] else ""
    assert len(ids) == len(set(ids)) == page["meta"]["total"]


def test_events_of_a_doi_are_all_events(ask, corpus):
    """The nested list ignores its DOI."""
    assert ask(f"/dois/{corpus.ids()[0]}/events")["meta"]["total"] == ask("/events")["meta"]["total"]


def test_objects_come_along_with_events(corpus):
    """`include=subj,obj` brings each linked object once."""
    page = new(corpus, "/events?include=subj,obj&page[size]=100")
    linked = {one["relationships"][side]["data"]["id"] for one in page["data"] for side in ("subj", "obj")}
    ids = [one["id"] for one in page["included"]]
    assert len(ids) == len(set(ids))
    assert set(ids) == linked
    assert {one["type"] for one in page["included"]} == {"objects"}


def test_a_crawler_may_not_search_events(corpus):
    """Its User-Agent gets an empty object and a 404."""
    refused = answer(corpus, "/events?query=climate", **{"user-agent": "Examplebot/1.0"})
    assert (refused.status, refused.plain()) == (404, b"{}")
    assert answer(corpus, "/events", **{"user-agent": "Examplebot/1.0"}).status == 200


@pytest.mark.parametrize(
    "rest",
    [
        "source-id=crossref",
        "relation-type-id=is-authored-by",
        "subtype=Person",
        "citation-type=Dataset-Person",
        "prefix=10.7937",
        "registrant-id=datacite.nihnci.tcia",
        "issn=1932-6203",
        "occurred-at=2015-2018",
        "publication-year=2016",
        "query=created_at:[2015-01-01T00:00:00Z TO 2016-01-01T00:00:00Z}",
    ],
)
def test_filters_of_events_select_a_part(ask, rest):
    """Each filter finds some events but not all."""
    assert 0 < ask(f"/events?{rest}")["meta"]["total"] < ask("/events")["meta"]["total"]


def test_events_are_found_by_their_ends(ask):
    """By subject, object, DOI on either side, source, target and month."""
    one = new_event = next(e for e in ask("/events?source-id=datacite-related")["data"])
    subject, target = (one["attributes"][f"{side}-id"] for side in ("subj", "obj"))
    month = new_event["attributes"]["occurred-at"][:7]
    for rest in (f"subj-id={subject}", f"obj-id={target}", f"doi={subject[16:]}", f"source-doi={subject[16:]}"):
        assert one["id"] in [found["id"] for found in ask(f"/events?{rest}&page[size]=1000")["data"]]
    assert one["id"] in [found["id"] for found in ask(f"/events?target-doi={target[16:]}&year-month={month}")["data"]]


def test_resource_types_come_all_at_once(ask):
    """34 of them, whatever page is asked for."""
    found = ask("/resource-types?page[size]=2&page[number]=9")
    assert found["meta"] == {"total": 34, "total-pages": 1}
    assert len(found["data"]) == 34
    assert ask("/resource-types/journal-article")["data"]["attributes"]["title"] == "JournalArticle"


def test_reports_are_no_jsonapi_document(ask, corpus):
    """The list is under `reports`, has no links, and cannot be counted with pages of size 0."""
    found = ask("/reports?page[size]=15&page[number]=2")
    assert set(found) == {"reports", "meta"}
    assert found["meta"] == {"total": 40, "total-pages": 3, "page": 2}
    assert answer(corpus, "/reports?page[size]=0").status == 422
    single = ask(f"/reports/{found['reports'][0]['id']}")["report"]
    assert set(single) == {"id", "report-header", "report-datasets", "report-subsets"}


def test_only_the_first_filter_of_reports_is_read(ask):
    """With an id, the year is ignored."""
    one = ask("/reports?page[size]=1")["reports"][0]
    assert ask(f"/reports?id={one['id']}&year=1999")["meta"]["total"] == 1
    assert ask("/reports?year=2019")["meta"]["total"] == 12


@pytest.mark.parametrize(
    "path", ["/prefixes/10.0", "/client-prefixes/x", "/activities/x", "/events/x", "/resource-types/x", "/reports/x"]
)
def test_what_does_not_exist_is_not_found(corpus, path):
    """A singleton that does not exist is a 404."""
    assert answer(corpus, path).status == 404


def test_media_are_listed_under_their_doi(ask, corpus):
    """The list of one DOI's media is what the singleton says it has."""
    dois = ask("/dois?page[size]=200&include=media")
    own = dois["included"][0]
    doi = own["relationships"]["doi"]["data"]["id"]
    linked = ask(f"/dois/{doi}")["data"]["relationships"]["media"]["data"]
    found = ask(f"/dois/{doi}/media")
    assert [one["id"] for one in found["data"]] == [one["id"] for one in linked]
    assert found["meta"]["total"] == len(linked) > 0
    assert answer(corpus, "/dois/10.5072/nosuch/media").status == 404


def test_reference_repositories_are_more_than_the_clients(ask):
    """Some are known only to re3data; the list can be searched by name, and its facets are on."""
    found = ask("/reference-repositories?page[size]=1000")
    own = {one["attributes"]["clientId"] for one in found["data"]} - {None}
    assert own == {one["id"] for one in ask("/clients?page[size]=1000")["data"]}
    assert len(found["data"]) > len(own)
    assert {one["type"] for one in found["data"]} == {"reference_repositories"}
    assert names(found) == {"years", "providers", "software", "certificates", "repository_types"}
    link = ask("/reference-repositories?page[size]=1&is-open=true&software=DSpace")["links"].get("next", "")
    assert "open" not in link
