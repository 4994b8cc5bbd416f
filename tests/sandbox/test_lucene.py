"""The query language, as text and as meaning over the records of a corpus."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.sandbox.search.dates import span
from etl.sandbox.search.lucene import (
    MUST,
    MUST_NOT,
    SHOULD,
    All,
    Bool,
    Exists,
    QuerySyntaxError,
    Range,
    Term,
    parse_query,
)

A, B, C = (Term(None, one) for one in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a b", Bool(((MUST, A), (MUST, B)))),
        ("a AND b", Bool(((MUST, A), (MUST, B)))),
        ("a && b", Bool(((MUST, A), (MUST, B)))),
        ("a OR b", Bool(((SHOULD, A), (SHOULD, B)))),
        ("a || b", Bool(((SHOULD, A), (SHOULD, B)))),
        ("a NOT b", Bool(((MUST, A), (MUST_NOT, B)))),
        ("a -b", Bool(((MUST, A), (MUST_NOT, B)))),
        ("NOT a", Bool(((MUST_NOT, A),))),
        ("a OR (b c)", Bool(((SHOULD, A), (SHOULD, Bool(((MUST, B), (MUST, C))))))),
        ("a b OR c", Bool(((MUST, A), (SHOULD, B), (SHOULD, C)))),
        ("+a OR b", Bool(((SHOULD, A), (SHOULD, B)))),
        ("f:a", Term("f", "a")),
        ("f:(a OR b)", Bool(((SHOULD, Term("f", "a")), (SHOULD, Term("f", "b"))))),
        ('"a b"', Term(None, "a b", quoted=True)),
        ('f:"a \\" b"^2', Term("f", 'a " b', quoted=True)),
        ("a~1", A),
        ("a*b?", Term(None, "a*b?", wildcard=True)),
        (r"a\*\:b", Term(None, "a*:b")),
        ("10.5061/dryad.8515", Term(None, "10.5061/dryad.8515")),
        ("*", All()),
        ("*:*", All()),
        ("f:*", Exists("f")),
        ("_exists_:f.g", Exists("f.g")),
        ("f:[1 TO 2]", Range("f", "1", "2")),
        ("f:{1 TO 2}", Range("f", "1", "2", with_low=False, with_high=False)),
        ("f:[1 TO 2}", Range("f", "1", "2", with_high=False)),
        ("f:[* TO 2024-01-31T23:59:59Z]", Range("f", None, "2024-01-31T23:59:59Z")),
        ('f:["2024-01-01" TO *]', Range("f", "2024-01-01", None)),
        ("f:>=3", Range("f", "3", None)),
        ("f:<3", Range("f", None, "3", with_high=False)),
    ],
)
def test_queries_are_read_as_lucene_reads_them(text, tree):
    """Each query has the tree that Lucene's classic parser with AND as the default gives it."""
    assert parse_query(text) == tree


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("(a AND b", 'parse_exception: Encountered "<EOF>" at line 1, column 8.'),
        ("a AND", 'parse_exception: Encountered "<EOF>" at line 1, column 5.'),
        ("a)", 'parse_exception: Encountered " ")" ") "" at line 1, column 1.'),
        ("f:a:b", 'parse_exception: Encountered " ":" ": "" at line 1, column 3.'),
        ("f:[1 2]", "parse_exception: Encountered "),
        ('"a', "token_mgr_error: Lexical error at line 1, column 3."),
        ("f:[1 TO", "token_mgr_error: Lexical error at line 1, column 8."),
        ("a ]", 'parse_exception: Encountered " "]" "] "" at line 1, column 2.'),
    ],
)
def test_broken_queries_are_refused_with_the_place(text, start):
    """The error names the token and its position, in the server's words."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)
    assert str(caught.value).startswith(start)


@given(st.text(alphabet='ab:()[]{}"\\*?~^+-!&| TOANDR<>=/1', max_size=25))
def test_no_text_breaks_the_parser(text):
    """Any text is either read or refused as a syntax error."""
    try:
        refused = "" if parse_query(text) else "nothing"
    except QuerySyntaxError as error:
        refused = str(error)
    assert refused.partition(":")[0] in ("", "parse_exception", "token_mgr_error")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024-12", "2024-12-01", "2025-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2024-02-29T10", "2024-02-29T10:00", "2024-02-29T11:00"),
        ("2024-02-29T10:30", "2024-02-29T10:30", "2024-02-29T10:31"),
        ("2024-02-29T10:30:05Z", "2024-02-29T10:30:05", "2024-02-29T10:30:06"),
        ("2024-02-29T10:30:05+02:00", "2024-02-29T08:30:05", "2024-02-29T08:30:06"),
        ("2024-02-29T10:30:05.250Z", "2024-02-29T10:30:05.250", "2024-02-29T10:30:05.251"),
        ("1709202605250", "2024-02-29T10:30:05.250", "2024-02-29T10:30:05.251"),
    ],
)
def test_dates_stand_for_their_whole_span(text, start, end):
    """A date of any precision means everything from its beginning to its end."""
    expected = [datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() * 1000 for one in (start, end)]
    assert list(span(text)) == expected


@pytest.mark.parametrize("text", ["", "tba", "2013/05", "24-01-01", "2024-13", "2024-1-1"])
def test_other_texts_are_no_dates(text):
    """Free text, ranges and impossible months are refused."""
    with pytest.raises(ValueError, match=r"not a date|month must be"):
        span(text)


def values(corpus, name):
    """Return a timestamp of every record, read from the records themselves."""
    found = {}
    for number in range(0, len(corpus), 9):
        text = corpus.record(number)["attributes"][name]
        found[number] = None if text is None else datetime.fromisoformat(text)
    return found


@pytest.fixture(scope="module")
def moments(corpus):
    return {name: values(corpus, name) for name in ("created", "updated", "registered")}


MOMENTS = st.integers(1_293_840_000, 1_798_675_200).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["created", "updated", "registered"]),
    window=st.tuples(MOMENTS, st.integers(0, 10**8)),
    brackets=st.sampled_from(["[]", "[}", "{]", "{}"]),
)
def test_ranges_select_what_a_plain_comparison_selects(corpus, moments, name, window, brackets):
    """A range query to the second finds exactly the records whose timestamp lies between its bounds."""
    (low, length), (left, right) = window, brackets
    high = low + timedelta(seconds=length)
    found = set(corpus.search({"query": f"{name}:{left}{low:%Y-%m-%dT%H:%M:%SZ} TO {high:%Y-%m-%dT%H:%M:%SZ}{right}"}))
    for number, moment in moments[name].items():
        above = moment is not None and (moment >= low if left == "[" else moment > low)
        below = moment is not None and (moment <= high if right == "]" else moment < high)
        assert (number in found) == (above and below)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(MOMENTS, min_size=1, max_size=6, unique=True))
def test_half_open_windows_tile(corpus, cuts):
    """Windows [a TO b} that meet, with an open one at each end, find every record exactly once."""
    bounds = ["*", *(f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in sorted(cuts)), "*"]
    windows = [f"created:[{low} TO {high}{'}' if high != '*' else ']'}" for low, high in pairwise(bounds)]
    found = [number for window in windows for number in corpus.search({"query": window})]
    assert found == list(range(len(corpus)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("created:2020", "created:[2020 TO 2020]"),
        ("created:[2020 TO 2021]", "created:[2020-01-01T00:00:00Z TO 2021-12-31T23:59:59Z]"),
        ("created:{2020 TO 2022}", "created:[2021 TO 2021]"),
        ("created:>2020", "created:[2021 TO *]"),
        ("NOT created:2020", "created:[* TO 2020} OR created:{2020 TO *]"),
        ("created:2020 -prefix:10.5281", "created:2020 AND NOT prefix:10.5281"),
        ("client_id:cern.zenodo", "client_id:(cern.zenodo OR nosuch.client)"),
        ("provider_id:figshare", "client_id:figshare.*"),
        ("types.resourceTypeGeneral:Dataset", "resource_type_id:dataset"),
        ("publicationYear:[2015 TO 2016]", "publication_year:(2015 OR 2016)"),
        ("prefix:10.7937", "uid:10.7937*"),
        ("state:findable", "*"),
        ("_exists_:registered", "registered:[* TO *]"),
    ],
)
def test_equal_questions_have_equal_answers(corpus, first, second):
    """Two equivalent queries find the same records, some or all."""
    found = corpus.search({"query": first})
    assert found
    assert found == corpus.search({"query": second})


@pytest.mark.parametrize(
    "query",
    [
        "glacier",
        '"glacier data"',
        "titles.title:glacier",
        "descriptions.description:glac*",
        "creators.nameIdentifiers.nameIdentifier:*0000-0*",
        "subjects.subject:(reef AND canopy)",
        "language:en",
        "metadata_version:[2 TO *]",
        "view_count:>10",
        "relatedIdentifiers.relationType:IsCitedBy",
        "_exists_:fundingReferences.awardNumber",
        "published:[2015 TO 2016]",
        "uid:[10.5 TO 10.6}",
    ],
)
def test_queries_on_the_content_find_a_part(corpus, query):
    """Each of these finds some records but not all."""
    assert 0 < len(corpus.search({"query": query})) < len(corpus)


def test_words_are_matched_whole_and_phrases_in_order(corpus):
    """A phrase is found in the titles that have its words in a row."""
    for number in corpus.search({"query": 'titles.title:"and glacier"'}):
        titles = corpus.record(number)["attributes"]["titles"]
        assert any("and glacier" in one["title"].lower() for one in titles)


@pytest.mark.parametrize("query", ["nosuchfield:dataset", "sea:ice", "clientId:cern.zenodo", "titles.title:glac"])
def test_unknown_fields_and_parts_of_words_find_nothing(corpus, query):
    """A word before a colon is a field; an unknown one silently has no hits."""
    assert corpus.search({"query": query}) == []


def test_a_doi_is_found_by_itself(corpus):
    """`doi:` and `uid:` find a record whatever the case."""
    first = corpus.record(17)["id"]
    assert corpus.search({"query": f'doi:"{first.upper()}"'}) == corpus.search({"query": f'uid:"{first}"'}) == [17]
