"""A corpus is the same for the same seed, skewed and odd like real ones, and changes only on request."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.sandbox.answer import dump
from etl.sandbox.content import oddities
from etl.sandbox.content.identifiers import orcid, ror
from etl.sandbox.corpus import Corpus

from .conftest import answer, asker, walk, walked_ids

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[3] / "shared" / "real" / "current"
LATER = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pages(corpus, rest="&include=client,media&detail=true"):
    return [answer(corpus, f"/dois?page[size]=100&page[cursor]=1{rest}").plain()]


def test_the_same_seed_gives_the_same_bytes():
    """Two corpora of one size and seed answer with equal bytes; another seed does not."""
    first, second, other = (pages(Corpus.generate(records=400, seed=seed)) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_records_are_unique(corpus):
    """No two records share a DOI."""
    assert corpus.now.frame["uid"].n_unique() == len(corpus)


@pytest.mark.parametrize("records", [1, 2, 10, 50])
def test_small_corpora_work_too(records):
    """A corpus of a handful of records is served whole."""
    corpus = Corpus.generate(records=records, seed=5)
    assert len(walked_ids(asker(corpus))) == records


def test_created_spans_2011_to_2026_and_never_the_future(corpus):
    """Records were created from 2011 to October 2026, and updated later or at the same time."""
    frame = corpus.now.frame
    november = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
    assert datetime.fromtimestamp(frame["created"].min() / 1000, tz=UTC).year in (2011, 2012)
    assert frame["created"].max() < november
    assert frame["updated"].max() < november
    assert (frame["updated"] >= frame["created"]).all()


def test_a_third_was_created_in_one_second(corpus):
    """The largest group of equal `created` values is about a third of all."""
    largest = corpus.now.frame["created"].value_counts(sort=True)["count"][0]
    assert 0.28 < largest / len(corpus) < 0.38


def test_sizes_are_those_of_real_records(served):
    """List records are 5 to 7 KB on average, a few are sparse, a few are beyond 80 KB."""
    sizes = [len(dump(one)) for one in served]
    assert 4500 < sum(sizes) / len(sizes) < 7500
    assert min(sizes) < 2500
    assert max(sizes) > 80_000


def shapes(value, path=""):
    """Name every path of a value with its JSON type."""
    yield path, type(value).__name__
    if isinstance(value, dict):
        for name, one in value.items():
            yield from shapes(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for one in value:
            yield from shapes(one, f"{path}[]")


@pytest.fixture(scope="module")
def served(corpus):
    return [one for page in walk(asker(corpus), "&affiliation=true&publisher=true") for one in page["data"]]


@pytest.fixture(scope="module")
def seen(served):
    return {shape for one in served for shape in shapes(one["attributes"])}


NULLS = ("identifiers", "creators", "titles", "publisher", "container", "subjects", "contributors", "dates", "types")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((name, "NoneType") for name in NULLS),
        ("identifiers[].identifier", "NoneType"),
        ("identifiers[]", "str"),
        ("creators", "dict"),
        ("creators[].affiliation", "str"),
        ("creators[].affiliation", "NoneType"),
        ("creators[].nameIdentifiers", "dict"),
        ("contributors", "dict"),
        ("titles[].title", "NoneType"),
        ("publicationYear", "str"),
        ("dates[].date", "NoneType"),
        ("types.resourceTypeGeneral", "NoneType"),
        ("rightsList", "dict"),
        ("descriptions[].description", "int"),
        ("descriptions[].description", "list"),
        ("geoLocations", "dict"),
        ("geoLocations[].geoLocationPoint.pointLatitude", "float"),
        ("geoLocations[].geoLocationPoint.pointLatitude", "str"),
        ("geoLocations[].geoLocationPlace", "list"),
        ("geoLocations[].geoLocationPolygon", "list"),
        ("geoLocations[].geoLocationPolygon", "dict"),
        ("fundingReferences[].awardTitle", "dict"),
        ("contentUrl", "str"),
        ("contentUrl", "list"),
        ("published", "NoneType"),
        ("url", "NoneType"),
        ("registered", "NoneType"),
        ("metadataVersion", "NoneType"),
        ("somethingNew", "dict"),
    ],
)
def test_every_observed_type_variation_is_there(seen, path, kind):
    """The deviations that api-notes 5.1 lists appear in a corpus of a few thousand records."""
    assert (path, kind) in seen


def test_odd_records_are_rare(corpus):
    """Odd records are few, so that the fast path matters."""
    odd = (corpus.now.frame["template"] >= corpus.now.pool.usual).sum()
    assert oddities.COUNT <= odd < 0.05 * len(corpus)


def test_awkward_texts_are_there(served):
    """Titles that break careless readers and writers are served."""
    titles = [title["title"] or "" for one in served for title in one["attributes"]["titles"] or []]
    for text in ("=1+1", "@SUM", "\n", "\x00", "🧊", "\\backslash", '"quoted"'):
        assert any(text in title for title in titles), text


def test_some_ids_are_upper_case_and_some_timestamps_have_milliseconds(served):
    """A few records show ids in upper case, or `.000Z`."""
    assert any(one["id"] != one["id"].lower() for one in served)
    assert any(one["attributes"]["created"].endswith(".000Z") for one in served)


def test_media_are_an_object_in_some_singletons(corpus):
    """One oddity is a single media link instead of a list."""
    turn = corpus.now.pool.usual + oddities.COUNT - 1
    ordinal = corpus.now.frame["template"].to_list().index(turn)
    assert isinstance(corpus.record(ordinal, view="detail")["relationships"]["media"]["data"], dict)


@pytest.mark.parametrize("known", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"])
def test_orcid_check_digits_are_right(known):
    """The check digit of a known ORCID iD equals that of the registry."""
    number = int(known.replace("-", "")[:15])
    assert orcid(number) == known
    assert orcid(number, valid=False) != known


def test_ror_check_digits_are_right():
    """The check digits of a known ROR id equal those of the registry."""
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    for known in ("https://ror.org/04wxnsj81", "https://ror.org/021nxhr62"):
        number = 0
        for digit in known[-8:-2]:
            number = number * 32 + digits.index(digit)
        assert ror(number) == known
        assert ror(number, valid=False) != known


def test_withdrawn_records_are_not_listed_any_more():
    """A withdrawn DOI leaves lists and counts and is a 404; `ids=` still shows it as registered."""
    corpus = Corpus.generate(records=300, seed=11)
    ask = asker(corpus)
    gone = corpus.record(100)["id"].lower()
    corpus.withdraw([gone])
    assert gone not in walked_ids(ask)
    assert ask("/dois?page[size]=0")["meta"]["total"] == 299
    assert answer(corpus, f"/dois/{gone}").status == 404
    assert ask(f"/dois?ids={gone}")["data"][0]["attributes"]["state"] == "registered"


def test_updated_records_change_and_say_so():
    """An update changes content, version and `updated`, and leaves `created` and every other record alone."""
    corpus = Corpus.generate(records=300, seed=11)
    ask = asker(corpus)
    before = {one["id"]: one for page in walk(ask) for one in page["data"]}
    changed = corpus.record(50)["id"]
    corpus.update([changed], at=LATER)
    after = {one["id"]: one for page in walk(ask) for one in page["data"]}
    assert [name for name in before if before[name] != after[name]] == [changed]
    old, new = before[changed]["attributes"], after[changed]["attributes"]
    assert new["updated"] == "2026-11-20T12:00:00Z"
    assert new["created"] == old["created"]
    assert new["metadataVersion"] == old["metadataVersion"] + 1
    assert new["titles"] != old["titles"]
    assert corpus.ids("query=updated:[2026-11-20 TO *]") == [changed]


def test_created_records_are_added():
    """New records are listed after the old ones, and are the same for the same moment."""
    first, second = (Corpus.generate(records=300, seed=11) for _ in range(2))
    added = first.create(5, at=LATER)
    assert added == second.create(5, at=LATER)
    assert sorted(added) == walked_ids(asker(first))[-5:]
    assert len(set(walked_ids(asker(first)))) == 305


def test_a_request_sees_one_state():
    """A snapshot taken before a change still answers as before."""
    corpus = Corpus.generate(records=300, seed=11)
    before = corpus.now
    corpus.withdraw([corpus.record(0)["id"]])
    assert before.frame["findable"].all()
    assert not corpus.now.frame["findable"].all()


def resource(doi, created, **attributes):
    return {
        "id": doi,
        "type": "dois",
        "attributes": {"doi": doi, "created": created, "updated": created, **attributes},
        "relationships": {"client": {"data": {"id": "a.b", "type": "clients"}}},
    }


def test_given_records_are_served_as_they_are():
    """Given records keep every value and type, are ordered by created and uid, and can be searched."""
    odd = resource("10.1/B", "2020-01-01T00:00:00.000Z", titles={"title": 5}, publicationYear="2013", x="\ud800")
    plain = resource("10.1/a", "2020-01-01T00:00:00Z", titles=[{"title": "Ice"}], types={"resourceTypeGeneral": "Text"})
    early = resource("10.1/z", "2011-01-01T00:00:00Z")
    corpus = Corpus.from_records([odd, plain, early])
    page = json.loads(answer(corpus, "/dois?page[cursor]=1").plain())
    assert page["data"] == [early, plain, odd]
    assert corpus.ids("client-id=a.b&query=titles.title:ice") == ["10.1/a"]
    assert corpus.ids("resource-type-id=text") == ["10.1/a"]


def test_given_duplicates_are_both_served():
    """A DOI that is given twice is listed twice, as by a reindexed server."""
    twice = [resource("10.1/a", "2020-01-01T00:00:00Z", version=one) for one in ("1", "2")]
    assert walked_ids(asker(Corpus.from_records(twice)), size=5) == ["10.1/a", "10.1/a"]


def test_given_clients_are_included():
    """Resource objects given with the records are included by `include` and have their own lists."""
    client = {
        "id": "a.b",
        "type": "clients",
        "attributes": {"name": "B", "created": "2012-01-01T00:00:00Z", "updated": "2012-01-01T00:00:00Z"},
        "relationships": {"provider": {"data": {"id": "a", "type": "providers"}}},
    }
    corpus = Corpus.from_records([resource("10.1/a", "2020-01-01T00:00:00Z")], [client])
    assert asker(corpus)("/dois?include=client")["included"] == [client]
    assert asker(corpus)("/clients")["data"] == [client]
    assert corpus.ids("provider-id=a") == ["10.1/a"]


def test_given_records_can_be_put_updated_and_withdrawn():
    """A given corpus changes by whole records or by a touch."""
    corpus = Corpus.from_records([resource(f"10.1/{name}", "2020-01-01T00:00:00Z") for name in "abc"])
    corpus.put([resource("10.1/d", "2019-01-01T00:00:00Z"), resource("10.1/A", "2021-01-01T00:00:00Z")])
    assert corpus.ids() == ["10.1/d", "10.1/b", "10.1/c", "10.1/a"]
    corpus.withdraw(["10.1/c"])
    corpus.update(["10.1/b"], at=LATER)
    assert corpus.ids() == ["10.1/d", "10.1/b", "10.1/a"]
    assert corpus.ids("query=updated:2026") == ["10.1/b"]
    corpus.put([resource("10.1/c", "2020-01-01T00:00:00Z")])
    assert corpus.ids() == ["10.1/d", "10.1/b", "10.1/c", "10.1/a"]


@pytest.mark.skipif(not REAL.exists(), reason="recorded bodies are not beside the repository")
def test_real_records_pass_through_unchanged():
    """Every record of the recorded lists comes back value for value."""
    bodies = [json.loads(path.read_text()) for path in sorted((REAL / "dois_list").glob("*.json"))[::6]]
    lists = (body.get("data") for body in bodies if isinstance(body, dict))
    real = [one for several in lists if isinstance(several, list) for one in several]
    corpus = Corpus.from_records(real)
    served = [one for page in walk(asker(corpus)) for one in page["data"]]
    count = Counter(json.dumps(one, sort_keys=True) for one in served)
    assert len(served) > 100
    # A cursor cannot stand between two rows with one DOI, so records that are recorded twice may be walked once.
    assert set(count) <= {json.dumps(one, sort_keys=True) for one in real}
    assert {one["id"].lower() for one in served} == {one["id"].lower() for one in real}
