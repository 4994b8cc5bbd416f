"""Bodies are cut into the records they hold, and failures into the errors they mean."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api import document
from etl.errors import AnswerError, LimitedError, ProtocolError, RefusedError, TransientError
from etl.normalise import json_text

URL = "https://api.datacite.org/dois?page[size]=1"


def test_a_list_gives_its_records_as_the_bytes_they_came_in() -> None:
    """Spaces, order of keys and spelling of numbers inside a record survive."""
    body = b'{"data": [ {"id": "a", "n":1.50} , {"id":"b"}], "meta":{"total":2},"links":{"self":"x"}}'
    found = document.read_document(body)
    assert found.records == [b'{"id": "a", "n":1.50}', b'{"id":"b"}']
    assert (found.included, found.meta, found.links) == ([], {"total": 2}, {"self": "x"})


def test_a_single_object_is_one_record() -> None:
    """The answer for one id is read like a list of one, with what it includes."""
    found = document.read_document(b'{"data":{"id":"a"},"included":[{"id":"c"}]}')
    assert (found.records, found.included) == ([b'{"id":"a"}'], [b'{"id":"c"}'])


def test_records_may_stand_elsewhere() -> None:
    """Usage reports come below `reports`; there a body with `data` is not the answer."""
    assert document.read_document(b'{"reports":[{"id":"a"}],"meta":{"total":1}}', root="reports").records == [
        b'{"id":"a"}'
    ]
    with pytest.raises(ProtocolError, match="reports"):
        document.read_document(b'{"data":[]}', root="reports")


@pytest.mark.parametrize("body", [b'{"data":null}', b'{"data":[]}', b'{"data":[],"meta":null,"links":[]}'])
def test_nothing_is_no_records(body: bytes) -> None:
    """An empty list and null are answers without records, whatever stands in meta and links."""
    found = document.read_document(body)
    assert (found.records, found.meta, found.links) == ([], {}, {})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"<html><head><title>504 Gateway\n Time-out</title></head></html>", "HTML where JSON was requested: 504 Gate"),
        (b'{"data":[{"id":"a"},{"id"', "not valid JSON (25 bytes)"),
        (b'{"errors":[{"status":"404","title":"Not there."}]}', "Not there."),
        (b'{"meta":{}}', "required field `data`"),
        (b"[1,2]", "not a JSON:API document"),
        (b'{"data":[],"included":{}}', "not a JSON:API document"),
        (b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_what_is_no_document_is_named_in_one_line(body: bytes, says: str) -> None:
    """HTML, half a body and foreign JSON each end in one line that says which it was."""
    with pytest.raises(ProtocolError) as caught:
        document.read_document(body, URL)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.url == URL


@pytest.mark.parametrize(
    "odd",
    [rb'{"id":"\ud800 x"}', rb'{"id":"\\\udc00\ud83d"}', b'{"id":"b","n":NaN}', b'{"id":"b","n":[-Infinity,Infinity]}'],
)
def test_a_record_that_is_not_quite_json_leaves_its_page_alone(odd: bytes) -> None:
    """Lone surrogates and NaN cost no neighbour anything, and their record keeps its bytes."""
    body = b'{"data":[{"id":"\\ud83d\\ude00 NaN \\\\ud800"},%s,{"id":"z"}],"meta":{"total":3}}' % odd
    found = document.read_document(body)
    assert found.records == [b'{"id":"\\ud83d\\ude00 NaN \\\\ud800"}', odd, b'{"id":"z"}']
    assert found.meta == {"total": 3}


@given(st.text(st.characters(), max_size=20))
def test_only_halves_of_surrogate_pairs_are_replaced(text: str) -> None:
    """Text without lone surrogates is untouched by the repair, with them it is as long as before and readable."""
    raw = json.dumps(text).encode()
    replaced = json_text.without_lone_surrogates(raw)
    assert len(replaced) == len(raw)
    assert json.loads(replaced) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.slow
def test_every_recorded_body_is_cut_into_its_records(real: Path) -> None:
    """Real answers of eight years give the records that a plain JSON reader finds."""
    bodies = [path for path in real.glob("*/*/*.json") if not {"_errors", "dois_resource"} & set(path.parts)]
    assert bodies
    for path in bodies:
        whole = json.loads(path.read_bytes())
        data, included = whole["data"], whole.get("included", [])
        found = document.read_document(path.read_bytes())
        assert [json.loads(raw) for raw in found.records] == (data if isinstance(data, list) else [data]), path
        assert [json.loads(raw) for raw in found.included] == included, path
        assert found.meta == whole.get("meta", {}), path


GATEWAY = b"<html>\n<head><title>503 Service Temporarily Unavailable</title></head></html>"
ELASTIC = b'{"status":400,"title":"[503] {\\n  \\"message\\": \\"No server available to handle the request\\"\\n}\\n"}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (404, b'{"errors":[{"status":"404","title":"The resource is not."}]}', RefusedError, "The resource is not."),
        (400, b'{"errors":{"title":"parse_exception: bad\\nquery"}}', RefusedError, "parse_exception: bad query"),
        (422, b'{"errors":[{"source":"doi","title":"taken"},{"title":"b"}]}', RefusedError, "doi: taken; b"),
        (405, b'{"errors":[{"status":"405","title":"Method not allowed"}]}', RefusedError, "Method not allowed"),
        (406, b"", RefusedError, "Not Acceptable"),
        (404, b"{}", RefusedError, "crawler"),
        (401, b'{"errors":[{"title":"Bad credentials."}]}', RefusedError, "DATACITE_ETL_TOKEN"),
        (403, b'{"errors":[{"title":"You are not authorized."}]}', RefusedError, "not authorized"),
        (403, b"<html><head><title>403 Forbidden</title></head></html>", LimitedError, "403 Forbidden"),
        (429, b"Your request has been rate limited.", LimitedError, "rate limited"),
        (429, b'{"message":"slow down"}', LimitedError, "slow down"),
        (500, ELASTIC, TransientError, "[503]"),
        (400, b'{"errors":[{"status":"400","title":"[503] no server"}]}', TransientError, "[503]"),
        (400, b'{"errors":{"title":"circuit_breaking_exception: [parent] Data too large"}}', TransientError, "later"),
        (400, b'{"errors":[{"title":"[429] es_rejected_execution_exception"}]}', TransientError, "later"),
        (400, b'{"errors":{"title":"parse_exception: [503] timed out"}}', RefusedError, "check --query"),
        (500, b'{"status":500,"error":"Internal Server Error"}', TransientError, "Internal Server Error"),
        (502, b"<h2>Incomplete response received from application</h2>", TransientError, "Incomplete response"),
        (503, GATEWAY, TransientError, "503 Service Temporarily Unavailable"),
        (504, b"", TransientError, "Gateway Timeout"),
        (520, b"", TransientError, "520"),
        (408, b"", TransientError, "Request Timeout"),
        (200, b"<html><title>Hello</title></html>", ProtocolError, "Hello"),
        (301, b"", ProtocolError, "Moved Permanently"),
        (400, b'["no", "sense"]', RefusedError, "400"),
        (400, b'"just text"', RefusedError, "just text"),
        (400, b'{"errors":["plain words", null]}', RefusedError, "plain words"),
    ],
)
def test_each_failure_becomes_what_the_caller_should_do(
    status: int, body: bytes, kind: type[AnswerError], says: str
) -> None:
    """The status decides between later, slower and never; the server's own words stand in the one line."""
    error = document.error_of(status, body, URL)
    assert type(error) is kind
    assert says in str(error)
    assert "\n" not in str(error)
    assert (error.status, error.url) == (status, URL)


@pytest.mark.parametrize(
    ("status", "words", "fix"),
    [
        (400, "parse_exception: Encountered <EOF>", "check --query: brackets"),
        (400, "token_mgr_error: Lexical error at line 1", "check --query: brackets"),
        (400, "failed to parse date field [2020-2022]", "--filter"),
        (403, "You are not authorized.", "DATACITE_ETL_TOKEN"),
        (502, "Bad Gateway", "later; what has arrived is kept"),
    ],
)
def test_each_failure_names_what_mends_it(status: int, words: str, fix: str) -> None:
    """An unreadable query, an invalid value, missing rights and bad luck have different fixes."""
    body = json.dumps({"errors": {"title": words}}).encode()
    assert fix in document.error_of(status, body, URL).fix


def test_a_limit_carries_the_servers_retry_after() -> None:
    """The seconds that the server asks for are handed on with the error."""
    error = document.error_of(429, b"", URL, after=17.0)
    assert isinstance(error, LimitedError)
    assert error.after == 17.0


def test_long_words_are_cut() -> None:
    """A trace of thirty thousand characters does not become a message of thirty thousand characters."""
    error = document.error_of(500, json.dumps({"exception": "x" * 30_000}).encode(), URL)
    assert len(str(error)) < 400


def test_every_recorded_failure_is_understood(real: Path) -> None:
    """Each recorded error body gives the class its status asks for and one readable line."""
    failures = list(real.glob("*/_errors/*"))
    assert failures
    for path in failures:
        status = int(path.name[:3])
        error = document.error_of(status, path.read_bytes(), URL)
        assert type(error) is (TransientError if status >= 500 else RefusedError), path
        assert len(f"the server answered {status}") + 5 < len(error.message) < 350, path
        assert not any(mark in error.message for mark in ("<html", "<body", "<h2", "\n")), path


def record(kind: str, name: str) -> dict[str, str]:
    return {"id": name, "type": kind}


def ids(records: Sequence[bytes]) -> list[str]:
    return [json.loads(one)["id"] for one in records]


def test_side_loads_among_the_records_are_put_apart() -> None:
    """What v1.0 mixed into `data` is included, before what came as such; the list's own records keep their order."""
    mixed = [record("works", "w1"), record("publishers", "p"), record("works", "w2"), record("members", "m")]
    body = json.dumps({"data": mixed, "included": [record("members", "n")], "meta": {"total": 2}}).encode()
    found = document.separate_included(document.read_document(body), ("works",))
    assert ids(found.records) == ["w1", "w2"]
    assert ids(found.included) == ["p", "m", "n"]
    assert found.meta == {"total": 2}


def test_a_list_under_another_name_of_its_type_stays_whole() -> None:
    """Publishers called data-centers are the list's own; so is everything where no type is known."""
    body = json.dumps({"data": [record("data-centers", "a"), record("data-centers", "b")]}).encode()
    assert ids(document.separate_included(document.read_document(body), ("publishers", "data-centers")).records) == [
        "a",
        "b",
    ]
    assert ids(document.separate_included(document.read_document(body), ("works",)).records) == ["a", "b"]
