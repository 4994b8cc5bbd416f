"""The lists of API v1 behave like the real ones, including their mistakes (api-notes 7)."""

from collections import Counter
from typing import Any

import pytest

from etl.sandbox.corpus import Corpus
from etl.sandbox.v1.entry import Manner
from tests.sandbox.conftest import answer
from tests.sandbox.v1.conftest import Old

LAGOTTO = ("contributors", "events", "relations", "contributions")
WHOLE = ("members", "sources", "groups", "registration-agencies", "relation-types", "resource-types", "work-types")


def subject(record: dict[str, Any]) -> tuple[str, ...]:
    """The identity of a record whose id is not unique."""
    given = record["attributes"]
    random = record["type"] in ("contributions", "relations")
    names = ("subj-id", "obj-id", "source-id", "relation-type-id")
    return tuple(str(given.get(name)) for name in names) if random else (record["id"],)


@pytest.mark.parametrize("kind", LAGOTTO)
def test_offsets_of_the_link_service_are_right_at_25_rows_only(new: Old, kind: str) -> None:
    """The page is computed for 25 rows, whatever the number of rows, so 10 rows from 10 on are other ones."""
    every = [subject(one) for start in range(0, 200, 25) for one in new(f"/{kind}?rows=25&offset={start}")["data"]]
    assert len(every) == new(f"/{kind}")["meta"]["total"] == len(set(every))
    assert [subject(one) for one in new(f"/{kind}?rows=50&offset=50")["data"]] == every[100:150]
    assert [subject(one) for one in new(f"/{kind}?rows=5&offset=10")["data"]] == every[5:10]


@pytest.mark.parametrize("kind", WHOLE)
def test_short_lists_ignore_paging(new: Old, kind: str) -> None:
    """Rows and offset have no effect: every record is returned every time."""
    whole = new(f"/{kind}")
    assert new(f"/{kind}?rows=1&offset=3") == whole
    assert len(whole["data"]) == whole["meta"]["total"] > 1


def test_works_and_pages_are_cut_exactly(new: Old) -> None:
    """Any offset and any number of rows are served as requested; zero rows return only the counts."""
    for kind, rows in (("works", 1000), ("pages", 30)):
        every = new(f"/{kind}?rows={rows}")["data"]
        assert new(f"/{kind}?rows=7&offset=13")["data"] == every[13:20]
        assert len(new(f"/{kind}")["data"]) == 25
        assert new(f"/{kind}?rows=0")["data"] == []


@pytest.mark.parametrize("kind", ["contributions", "relations"])
def test_ids_of_links_do_not_last(new: Old, kind: str) -> None:
    """The same link has another id in every answer, but everything else is the same."""
    first, second = new(f"/{kind}")["data"], new(f"/{kind}")["data"]
    assert not {one["id"] for one in first} & {one["id"] for one in second}
    assert [one["attributes"] for one in first] == [one["attributes"] for one in second]
    assert new(f"/{kind}/{first[0]['id']}")["errors"][0]["status"] == "404"


def test_v1_0_mixes_what_is_linked_into_the_data(old: Old) -> None:
    """Unrequested publishers are mixed with works, are not counted, and nothing has relationships."""
    found = old("/works?rows=10")
    kinds = Counter(one["type"] for one in found["data"])
    assert kinds["works"] == 10
    assert kinds["publishers"] > 0
    assert found["meta"]["total"] == 1500
    assert "included" not in found
    assert not [one for one in found["data"] if "relationships" in one]
    assert "results" in found["data"][0]["attributes"]
    assert found["data"][0]["attributes"]["results"] == {}


def test_v1_1_brings_what_is_asked_for_apart(new: Old) -> None:
    """Relationships have data only for included records; without `include` nothing is included."""
    plain = new("/works?rows=10")
    assert "included" not in plain
    assert plain["data"][0]["relationships"]["publisher"] == {"meta": {}}
    asked = new("/works?rows=10&include=publisher")
    assert {one["type"] for one in asked["included"]} == {"publishers"}
    assert asked["data"][0]["relationships"]["publisher"]["data"]["type"] == "publishers"
    assert asked["data"][0]["relationships"]["member"] == {"meta": {}}


def test_facets_are_objects_first_and_lists_later(old: Old, new: Old) -> None:
    """The counts are the same; the later ids of sources are written with underscores."""
    first, later = old("/contributions")["meta"]["sources"], new("/contributions")["meta"]["sources"]
    assert {one["id"].replace("_", "-"): one["count"] for one in later} == first
    assert all("_" in one["id"] and one["title"] for one in later)
    assert isinstance(new("/pages")["meta"]["tags"], dict)


def test_facets_of_works_are_cut_at_fifteen(new: Old) -> None:
    """The most frequent come first; a search has no counts of links."""
    years = new("/works?rows=0")["meta"]["years"]
    assert len(years) == 15
    assert [one["count"] for one in years] == sorted((one["count"] for one in years), reverse=True)
    assert new("/works?query=glacier&rows=0")["meta"]["sources"] == []


def test_content_types_tell_the_generations_apart(old_corpus: Corpus, new_corpus: Corpus) -> None:
    """v1.1 calls its answers JSON:API; errors are plain JSON in both."""
    assert answer(old_corpus, "/v1/works").content_type.startswith("application/json")
    assert answer(new_corpus, "/v1/works").content_type == "application/vnd.api+json; charset=utf-8"
    assert answer(new_corpus, "/v1/nothing").content_type.startswith("application/json")


def test_ids_of_works_are_addresses_in_capitals(old: Old, new: Old) -> None:
    """http first and https later; the DOI itself is in capitals in both."""
    for ask, scheme in ((old, "http"), (new, "https")):
        work = ask("/works?rows=1")["data"][0]
        assert work["id"] == f"{scheme}://doi.org/{work['attributes']['doi']}"
        assert work["attributes"]["doi"] == work["attributes"]["doi"].upper()


def test_works_are_the_findable_dois_of_the_corpus(new: Old, new_corpus: Corpus) -> None:
    """Both dialects have the same records, and withdrawn ones are in neither."""
    ids = {one["attributes"]["doi"].lower() for one in new("/works?rows=2000")["data"]}
    assert ids == set(new_corpus.ids())
    gone = Corpus.generate(records=300, seed=2)
    gone.withdraw(gone.ids()[:5])
    assert len(gone.ids()) == 295
    assert b'"total":295' in answer(gone, "/v1/works?rows=0").plain()


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["deposited", "published", "updated"])
def test_works_are_sorted_as_asked(new: Old, sort: str, order: str) -> None:
    """`order=asc` reverses a list; an unknown order means newest first."""
    sorted_values = [one["attributes"][sort] or "" for one in new(f"/works?rows=500&sort={sort}&order={order}")["data"]]
    assert sorted_values == sorted(sorted_values, reverse=order == "desc")
    newest = new("/works?rows=50&sort=name")["data"]
    assert newest == new("/works?rows=50")["data"]


def test_dates_mean_whole_periods(new: Old) -> None:
    """A year means all of it; a range that ends before its start ends with the period of its start."""

    def total(asked: str) -> int:
        found: int = new(f"/works?rows=0&{asked}")["meta"]["total"]
        return found

    year = total("from-created-date=2019&until-created-date=2019")
    assert year == total("from-created-date=2019-01-01&until-created-date=2019-12-31") > 0
    assert total("from-created-date=2019&until-created-date=2017") == year
    assert total("until-created-date=2018") + total("from-created-date=2019") == 1500
    assert new("/works?from-created-date=soon")["errors"][0]["status"] == "400"


def test_filters_that_are_none_are_ignored(new: Old) -> None:
    """`resource-id`, although documented, has no effect."""
    assert new("/works?rows=0&resource-id=dataset")["meta"]["total"] == 1500


def test_works_by_source_come_from_the_link_service(new: Old) -> None:
    """With a source the offsets are those of the link service."""
    every = [
        one["id"]
        for start in range(0, 150, 25)
        for one in new(f"/works?source-id=datacite-orcid&offset={start}")["data"]
    ]
    assert len(set(every)) == len(every) == new("/works?source-id=datacite-orcid")["meta"]["total"]
    assert [one["id"] for one in new("/works?source-id=datacite-orcid&rows=5&offset=10")["data"]] == every[5:10]


def test_singles_and_lists_below_them(new: Old) -> None:
    """Records are found by id in any case, and some have nested lists."""
    work = new("/works?rows=1")["data"][0]
    assert new(f"/works/{work['attributes']['doi'].lower()}")["data"]["id"] == work["id"]
    assert new("/members/TIB")["data"]["id"] == "tib"
    assert new("/members/tib/works")["meta"]["total"] == new("/works?member-id=tib")["meta"]["total"] > 0
    assert new("/publishers/gbif.gbif/works")["meta"] == new("/works?publisher-id=gbif.gbif")["meta"]
    assert new("/sources/datacite-orcid/works")["meta"] == new("/works?source-id=datacite-orcid")["meta"]
    person = new("/contributions")["data"][0]["attributes"]["subj-id"].removeprefix("http://")
    assert new(f"/contributors/{person}")["data"]["id"] == f"http://{person}"
    assert new(f"/contributors/{person}/contributions")["meta"]["total"] >= 1
    page = new("/pages")["data"][0]["id"]
    assert new(f"/pages/{page.removeprefix('https://').rstrip('/')}")["data"]["id"] == page


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("%2Bglacier %2Btropical", "glacier tropical"),
        ("%2Bglacier -tropical", "glacier -tropical"),
        ('%2B"tropical" glacier', "tropical glacier"),
        ('"glacier', "glacier"),
        ("glacier -", "glacier"),
        ("glacier %2B tropical", "glacier tropical"),
    ],
)
def test_signs_and_quotes_of_a_search_are_those_of_dismax(new: Old, query: str, same: str) -> None:
    """A plus requires, a minus excludes; signs alone and unbalanced quotes mean nothing."""
    total = new("/works?rows=0&query=" + query)["meta"]["total"]
    assert total == new("/works?rows=0&query=" + same)["meta"]["total"] > 0


def test_a_minus_excludes_what_a_plus_requires(new: Old) -> None:
    """The two halves of a search add up."""
    totals = [new(f"/works?rows=0&query={query}")["meta"]["total"] for query in ("a", "a %2Bdata", "a -data")]
    assert totals[0] == totals[1] + totals[2]


def test_ids_in_a_list_make_it_a_single_from_v1_1_on(old: Old, new: Old) -> None:
    """`?id=` returns one object; it is not a filter."""
    assert new("/members?id=TIB")["data"]["id"] == "tib"
    assert isinstance(old("/members?id=TIB")["data"], list)


def test_the_unknown_is_not_found(new: Old) -> None:
    """The text differs from that of the later API."""
    title = "The page you are looking for doesn't exist."
    for target in ("/works/10.1/none", "/members/none", "/nothing", "/contributions/1"):
        assert new(target) == {"errors": [{"status": "404", "title": title}]}


def test_agents_are_a_web_page_unless_an_archive_serves_them(new_corpus: Corpus) -> None:
    """DataCite's server requests a login in HTML; an archived mirror may have them as data."""
    page = answer(new_corpus, "/v1/agents")
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert b"Sign in" in page.plain()
    archive = Corpus.generate(records=100, seed=1, manner=Manner(agents=True))
    assert b'"type":"agents"' in answer(archive, "/v1/agents").plain()


def test_the_total_of_events_is_always_one(new: Old) -> None:
    """The server asks its upstream for `toal`."""
    assert {one["attributes"]["total"] for one in new("/events")["data"]} == {1}


def test_everything_but_random_ids_is_the_same_in_every_corpus_of_a_seed(new_corpus: Corpus) -> None:
    """Two corpora with one seed give equal answers."""
    again = Corpus.generate(records=1500, seed=7)
    for kind in ("works", "events", "members", "publishers", "contributors", "sources"):
        assert answer(again, f"/v1/{kind}?rows=25").plain() == answer(new_corpus, f"/v1/{kind}?rows=25").plain()


def test_pages_are_searched_in_lower_case_only(new: Old) -> None:
    """The text is lower-case and the query is not, so capitals match nothing."""
    assert new("/pages?query=orcid")["meta"]["total"] > 0
    assert new("/pages?query=ORCID")["meta"]["total"] == 0
