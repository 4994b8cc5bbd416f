"""Where a server no longer has a list, the error says what to use instead; other errors stay as they are."""

import json

import pytest

from etl import resources
from etl.api import document, retired
from etl.errors import AnswerError, ProtocolError, RefusedError, TransientError

WORKS = resources.load("v1/works")
NOT_FOUND = json.dumps({"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]})


def test_a_list_looked_up_as_a_doi_is_explained() -> None:
    """The 404 that the current server gives for /works names the resource that replaced it."""
    refused = document.error_of(404, NOT_FOUND.encode(), "https://api.datacite.org/works")
    explained = retired.explain(refused, WORKS)
    assert isinstance(explained, RefusedError)
    assert (explained.status, explained.url) == (404, refused.url)
    assert "/works" in explained.message
    assert "dois" in explained.fix


def test_a_web_page_may_pass_and_keeps_its_retries() -> None:
    """HTML instead of data stays an error that is tried again, with the advice for when it does not pass."""
    explained = retired.explain(
        ProtocolError("the answer is HTML where JSON was requested: Sign in"), resources.load("v1/agents")
    )
    assert isinstance(explained, ProtocolError)
    assert "Sign in" in explained.message
    assert "web pages" in explained.fix


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RefusedError("no", status=400), "v1/works"),
        (TransientError("no", status=503), "v1/works"),
        (ProtocolError("the answer is empty"), "v1/works"),
        (RefusedError("no", status=404), "dois"),
        (ProtocolError("the answer is HTML where JSON was requested: x"), "dois"),
    ],
)
def test_anything_else_stays_as_it_is(error: AnswerError, name: str) -> None:
    """Errors that mean something else, and those of lists that are there, are left alone."""
    assert retired.explain(error, resources.load(name)) is error


@pytest.mark.parametrize("name", [name for name in resources.names() if name.startswith("v1/")])
def test_every_list_of_v1_says_what_to_do(name: str) -> None:
    """Each names an existing current resource, or says that there is none."""
    advice = resources.load(name).successor
    named = advice.removeprefix("use ").partition(",")[0]
    assert named in resources.names() or "no equivalent" in advice or named in ("events", "resource-types")
