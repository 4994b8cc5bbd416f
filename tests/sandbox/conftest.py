"""One small corpus for all tests, used directly or over HTTP."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from etl.sandbox import site
from etl.sandbox.answer import Answer, Request
from etl.sandbox.corpus import Corpus

Ask = Callable[[str], Any]


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return Corpus.generate(records=2000, seed=7)


def answer(corpus: Corpus, target: str, **headers: str) -> Answer:
    path, _, query = target.partition("?")
    return site.respond(Request(path=path, query=query, origin="http://api.test", headers=headers), corpus)


def asker(corpus: Corpus) -> Ask:
    return lambda target: msgspec.json.decode(answer(corpus, target).plain())


@pytest.fixture(scope="session")
def ask(corpus: Corpus) -> Ask:
    return asker(corpus)


def cursor_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["page[cursor]"][0]


def walk(ask: Ask, rest: str = "", *, path: str = "/dois", size: int = 1000, cursor: str = "1") -> Iterator[Any]:
    """Page through a list by cursor, building each request from the cursor alone."""
    while True:
        page = ask(f"{path}?page[size]={size}&page[cursor]={cursor}{rest}")
        yield page
        if "next" not in page["links"]:
            return
        cursor = cursor_of(page["links"]["next"])


def walked_ids(ask: Ask, rest: str = "", **options: Any) -> list[str]:
    return [one["id"].lower() for page in walk(ask, rest, **options) for one in page["data"]]
