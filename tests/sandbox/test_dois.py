"""`/dois`: filters, views, includes, facets and errors of api-notes 4."""

import json
from collections import Counter
from pathlib import Path

import pytest

from .conftest import answer, walk, walked_ids

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[3] / "shared" / "real" / "current"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="recorded bodies are not beside the repository")


def records(ask, rest=""):
    return [one for page in walk(ask, rest) for one in page["data"]]


def test_hyphens_and_underscores_are_the_same(ask):
    """`client-id` and `client_id` select the same."""
    hyphen, underscore = (ask(f"/dois?client{sign}id=cern.zenodo")["meta"] for sign in "-_")
    assert hyphen == underscore
    assert hyphen["total"] < 2000


def test_unknown_parameters_are_ignored(ask):
    """A misspelt filter answers with everything."""
    assert ask("/dois?clientid=cern.zenodo")["meta"]["total"] == 2000


@pytest.mark.parametrize("name", ["client-id", "provider-id", "resource-type-id", "subject", "license", "prefix"])
def test_unknown_values_match_nothing(ask, name):
    """A filter value without records is not an error."""
    assert ask(f"/dois?{name}=nosuch")["meta"]["total"] == 0


def test_filters_are_joined_by_and(ask):
    """A year and a type select records with both."""
    found = records(ask, "&created=2022&resource-type-id=dataset")
    assert {one["attributes"]["created"][:4] for one in found} == {"2022"}
    assert {one["attributes"]["types"]["resourceTypeGeneral"] for one in found} == {"Dataset"}


def test_a_client_and_a_provider_are_joined_by_or(ask):
    """A request for a client and a provider returns the records of either."""
    total = {
        rest: ask(f"/dois?{rest}")["meta"]["total"]
        for rest in ("client-id=nihnci.tcia", "provider-id=figshare", "client-id=nihnci.tcia&provider-id=figshare")
    }
    first, second, both = total.values()
    assert both == first + second


def test_several_clients_are_joined_by_or_whatever_the_case(ask):
    """A comma in client-id means either."""
    either = ask("/dois?client-id=NIHNCI.TCIA,figshare.ars")["meta"]["total"]
    assert either == sum(ask(f"/dois?client-id={one}")["meta"]["total"] for one in ("nihnci.tcia", "figshare.ars"))


def test_tcia_has_its_share(ask):
    """About three records in a hundred are TCIA's, under its prefix."""
    found = records(ask, "&client-id=nihnci.tcia")
    assert 0.02 * 2000 < len(found) < 0.045 * 2000
    assert {one["id"].partition("/")[0] for one in found} == {"10.7937"}
    assert ask("/dois?prefix=10.7937")["meta"]["total"] == len(found)


def test_several_years_are_a_range(ask):
    """`created=2020,2022` includes 2021."""
    years = {one["attributes"]["created"][:4] for one in records(ask, "&created=2020,2022")}
    assert years == {"2020", "2021", "2022"}


@needs_real
def test_years_with_a_hyphen_are_refused_in_the_recorded_words(corpus, ask):
    """`published=2020-2022` is a 400 with the text seen live."""
    recorded = json.loads((REAL / "_errors/400-GET-dois-failed-to-parse-date-mcp.json").read_text())
    assert answer(corpus, "/dois?published=2020-2022").status == 400
    assert ask("/dois?published=2020-2022") == recorded


@needs_real
def test_an_open_quote_is_refused_in_the_recorded_words(ask):
    """An unbalanced quote is a lexical error at the end of the query."""
    recorded = json.loads((REAL / "_errors/400-GET-dois-token-mgr-error-mcp.json").read_text())
    assert ask('/dois?query=titles.title:("sea ice)') == recorded


@needs_real
def test_an_open_bracket_is_refused_in_the_recorded_words(ask):
    """An unbalanced bracket is a parse error at the end of the query."""
    recorded = json.loads((REAL / "_errors/400-GET-dois-parse-exception-mcp.json").read_text())
    assert ask("/dois?query=(sea AND ice") == recorded


@needs_real
def test_an_unknown_doi_is_not_found_in_the_recorded_words(corpus, ask):
    """The 404 of a singleton is the one seen live."""
    recorded = json.loads((REAL / "_errors/404-GET-dois-not-found-mcp.json").read_text())
    assert answer(corpus, "/dois/10.1234/nosuch").status == 404
    assert ask("/dois/10.1234/nosuch") == recorded


@pytest.mark.parametrize("count", ["views", "citations", "references", "parts", "versions"])
def test_has_counts_ask_for_at_least(ask, count):
    """`has-views=3` wants three or more, nought and words are ignored."""
    name = {"views": "viewCount", "citations": "citationCount"}.get(count, f"{count.removesuffix('s')}Count")
    found = records(ask, f"&has-{count}=3")
    assert found
    assert all(one["attributes"][name] >= 3 for one in found)
    assert ask(f"/dois?has-{count}=true")["meta"]["total"] == 2000


def test_ids_ignore_filters_and_drop_unknown_ones(corpus, ask):
    """`ids=` returns these DOIs, whatever the other parameters."""
    first = corpus.record(0)["id"]
    page = ask(f"/dois?ids={first.upper()},10.1/none&created=1999&query=nosuch")
    assert [one["id"] for one in page["data"]] == [first]


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("schema-version", "3", "schemaVersion"),
        ("source", "mds", "source"),
        ("resource-type", "Survey", "types.resourceType"),
        ("license", "cc-by-4.0", "rightsList.rightsIdentifier"),
        ("subject", "glacier", "subjects.subject"),
        ("field-of-science", "mathematics", "subjects.subject"),
        ("has-funder", "true", "fundingReferences.funderName"),
        ("has-person", "true", "creators.nameIdentifiers.nameIdentifier"),
    ],
)
def test_filters_of_the_content_select_a_part(ask, name, value, path):
    """Filters on the metadata find some records but not all, and each of them has the attribute."""
    page = ask(f"/dois?{name}={value}&page[cursor]=1&page[size]=200")
    assert 0 < page["meta"]["total"] < 2000
    assert all(one["attributes"][path.partition(".")[0]] for one in page["data"])


def test_people_and_organisations_are_found_by_identifier(corpus, ask):
    """A record is found by the ORCID, the ROR and the funder it names."""
    filters = {}
    for number in range(200):
        attributes = corpus.record(number, view="detail")["attributes"]
        if not (isinstance(attributes["creators"], list) and isinstance(attributes["fundingReferences"], list)):
            continue
        for creator in attributes["creators"]:
            names = creator.get("nameIdentifiers") or []
            orcids = [one["nameIdentifier"] for one in names if one["nameIdentifier"].startswith("http")]
            rors = [one["affiliationIdentifier"] for one in creator["affiliation"] if len(one) > 1]
            filters |= ({"user-id": orcids[0]} if orcids else {}) | ({"affiliation-id": rors[0]} if rors else {})
        dois = [one["funderIdentifier"] for one in attributes["fundingReferences"] if "DOI" not in one["funderName"]]
        filters |= {"funder-id": dois[0]} if dois else {}
        if len(filters) == 3:
            break
    assert len(filters) == 3
    for name, value in filters.items():
        assert 0 < ask(f"/dois?{name}={value}")["meta"]["total"] < 2000


def test_repositories_have_all_dois(ask):
    """`/repositories/{id}/dois` reads no filter from its path."""
    assert ask("/repositories/cern.zenodo/dois")["meta"]["total"] == 2000


@pytest.mark.parametrize(("path", "name"), [("/clients/figshare.ars", "client-id"), ("/providers/tib", "provider-id")])
def test_nested_lists_filter_by_their_parent(ask, path, name):
    """The DOIs below a client or provider are those of the filter."""
    nested = ask(f"{path}/dois")["meta"]
    assert nested == ask(f"/dois?{name}={path.rpartition('/')[2]}")["meta"]
    assert 0 < nested["total"] < 2000


def test_unknown_paths_are_looked_up_as_dois(corpus, ask):
    """A removed endpoint is a 404, a bare DOI is found."""
    assert answer(corpus, "/works").status == 404
    assert answer(corpus, "/doi/10.7937/x").status == 404
    first = corpus.record(0)["id"]
    assert ask(f"/{first}")["data"]["id"] == first


@needs_real
def test_list_records_have_the_attributes_of_real_ones(corpus, ask):
    """The keys of a record, its meta and its links are those of a body recorded in 2026."""
    recorded = json.loads((REAL / "dois_list/dois-query-climate-page1-6e185af0.json").read_text())
    page = ask("/dois?sort=relevance")
    # `agency` is only there with include_other_registration_agencies.
    real = set(recorded["data"][0]["attributes"]) - {"agency"}
    assert {frozenset(one["attributes"]) for one in page["data"] if "somethingNew" not in one["attributes"]} == {
        frozenset(real)
    }
    assert set(page["data"][0]) == set(recorded["data"][0])
    assert set(page["meta"]) == set(recorded["meta"])
    assert set(page["links"]) == set(recorded["links"])
    assert page["data"][0]["relationships"].keys() == recorded["data"][0]["relationships"].keys()


@needs_real
def test_facets_have_the_shapes_of_real_ones(ask):
    """Every facet recorded live has the same keys in its buckets here, and no more buckets."""
    recorded = json.loads((REAL / "dois_list/dois-query-climate-facets-abb0a779.json").read_text())["meta"]
    ours = ask(f"/dois?page[size]=0&disable-facets=false&facets={','.join(recorded)}")["meta"]
    assert set(ours) == set(recorded)
    for name, buckets in recorded.items():
        if isinstance(buckets, list):
            assert {frozenset(one) for one in ours[name]} == {frozenset(one) for one in buckets}, name


def test_affiliations_are_strings_unless_flagged(ask):
    """Only the literal `true` makes objects of affiliations and the publisher."""
    kinds = {
        flag: Counter(
            (type(affiliation).__name__, type(one["attributes"]["publisher"]).__name__)
            for one in ask(f"/dois?affiliation={flag}&publisher={flag}&page[size]=500")["data"]
            for person in (one["attributes"]["creators"] or [])[:1]
            for affiliation in (person["affiliation"] or [])[:1]
        ).most_common(1)[0][0]
        for flag in ("true", "1", "")
    }
    assert kinds == {"true": ("dict", "dict"), "1": ("str", "str"), "": ("str", "str")}


def test_fieldsets_filter_attributes_and_relationships(ask):
    """A sparse fieldset removes relationships unless it names them."""
    bare, linked = (ask(f"/dois?fields[dois]={names}&page[size]=1")["data"][0] for names in ("doi,created", "client"))
    assert (set(bare["attributes"]), bare["relationships"]) == ({"doi", "created"}, {})
    assert (linked["attributes"], set(linked["relationships"])) == ({}, {"client"})
    assert ask("/dois?fields[dois]=none&page[size]=1")["data"][0]["attributes"] == {}


@pytest.mark.parametrize("fields", ["titles", "doi,titles", "titles,url", "url", "doi,updated,client", "xml,doi"])
@pytest.mark.parametrize("detail", ["", "&detail=true"])
def test_any_fieldset_is_cut_cleanly(ask, fields, detail):
    """Whatever the fieldset, exactly its known names are returned."""
    found = ask(f"/dois?fields[dois]={fields}{detail}&page[size]=1000")["data"]
    expected = set(fields.split(",")) - {"client"} - (set() if detail else {"xml"})
    assert all(set(one["attributes"]) == expected for one in found)


def test_singletons_ignore_fieldsets_and_are_detailed(corpus, ask):
    """A singleton has everything, its media included in the relationships."""
    one = ask(f"/dois/{corpus.record(5)['id'].upper()}?fields[dois]=doi")["data"]
    assert {"prefix", "suffix", "xml", "viewsOverTime", "titles"} <= set(one["attributes"])
    assert {"client", "provider", "media", "references", "versionOf"} <= set(one["relationships"])


def test_detail_adds_to_lists(ask):
    """`detail=true` brings the heavy attributes and links but not the media."""
    one = ask("/dois?detail=true&page[size]=1")["data"][0]
    assert {"prefix", "suffix", "xml", "citationsOverTime", "alternateIdentifiers"} <= set(one["attributes"])
    assert "media" not in one["relationships"]


def test_histories_and_links_add_up_to_their_counts(ask):
    """Views over time sum to the view count, and references are as many as counted."""
    for one in ask("/dois?detail=true&has-views=1&has-references=1&page[size]=1000")["data"]:
        attributes, links = one["attributes"], one["relationships"]
        assert sum(entry["total"] for entry in attributes["viewsOverTime"]) == attributes["viewCount"]
        assert len(links["references"]["data"]) == attributes["referenceCount"]


def test_composite_drops_the_long_lists(ask):
    """`composite` leaves contributors, funding, related identifiers, places and subjects out."""
    attributes = ask("/dois?composite=x&page[size]=1")["data"][0]["attributes"]
    assert {"contributors", "subjects", "geoLocations"}.isdisjoint(attributes)
    assert "creators" in attributes


def test_included_records_come_once_a_page(ask):
    """Every linked client is included once, unknown include names are dropped, media come too."""
    page = ask("/dois?page[size]=400&include=client,media,provider,nonsense")
    ids = [(one["type"], one["id"]) for one in page["included"]]
    linked = {("clients", one["relationships"]["client"]["data"]["id"]) for one in page["data"]}
    assert len(ids) == len(set(ids))
    assert {one for one in ids if one[0] == "clients"} == linked
    assert {kind for kind, _ in ids} == {"clients", "media"}


def test_nothing_is_included_unasked(ask):
    """Without include there is no `included` at all."""
    assert "included" not in ask("/dois?include=nonsense")


def test_facets_are_off_by_default(ask):
    """Facets need `disable-facets=false`, `facets=` alone does nothing."""
    assert set(ask("/dois?facets=clients")["meta"]) == {"total", "totalPages", "page"}
    assert set(ask("/dois?facets=clients&disable-facets=false")["meta"]) >= {"clients"}


def test_facets_are_absent_when_nothing_matches(ask):
    """A query without hits has no facets."""
    assert set(ask("/dois?disable-facets=false&prefix=10.1")["meta"]) == {"total", "totalPages", "page"}


def test_facets_count_the_records(ask):
    """Counts by type, client, prefix and year are those of the records, cut off at their sizes."""
    meta = ask("/dois?page[size]=0&disable-facets=false")["meta"]
    found = records(ask)
    clients = Counter(one["relationships"]["client"]["data"]["id"] for one in found)
    years = Counter(one["attributes"]["created"][:4] for one in found)
    types = Counter((one["attributes"]["types"] or {}).get("resourceTypeGeneral") for one in found)
    assert {one["id"]: one["count"] for one in meta["clients"]}.items() <= clients.items()
    assert [one["count"] for one in meta["clients"]] == sorted(clients.values(), reverse=True)[:10]
    assert {one["id"]: one["count"] for one in meta["created"]}.items() <= years.items()
    assert [one["id"] for one in meta["created"]] == sorted(years, reverse=True)[:10]
    assert sum(one["count"] for one in meta["resourceTypes"]) == sum(types.values()) - types[None]
    assert meta["states"] == [{"id": "findable", "title": "Findable", "count": 2000}]


def test_published_facet_counts_what_lists_show(ask):
    """The years of `published` are counted from its free text, the newest first."""
    meta = ask("/dois?page[size]=0&disable-facets=false")["meta"]
    years = Counter((one["attributes"]["published"] or "")[:4] for one in records(ask))
    assert all(years[one["id"]] == one["count"] for one in meta["published"])
    assert len(meta["published"]) <= 17


def test_odd_dois_are_found_again(ask):
    """DOIs with slashes, brackets, question marks and letters beyond ASCII are singletons too."""
    from urllib.parse import quote

    for one in walked_ids(ask):
        if not one.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum() or "//" in one:
            assert ask(f"/dois/{quote(one, safe='/')}")["data"]["id"].lower() == one


def test_any_answer_can_be_had_as_a_script(corpus):
    """`callback=` wraps the document and changes the content type."""
    wrapped = answer(corpus, "/dois?page[size]=1&callback=show")
    assert wrapped.plain().startswith(b'show({"data":[')
    assert wrapped.content_type.startswith("application/javascript")
