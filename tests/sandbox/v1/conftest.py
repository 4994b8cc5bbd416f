"""The old API with one small corpus, used without a network, in both generations."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from etl.sandbox.corpus import Corpus
from etl.sandbox.v1.entry import Manner
from tests.sandbox.conftest import answer

Old = Callable[[str], Any]


@pytest.fixture(scope="session")
def new_corpus() -> Corpus:
    return Corpus.generate(records=1500, seed=7)


@pytest.fixture(scope="session")
def old_corpus() -> Corpus:
    return Corpus.generate(records=1500, seed=7, manner=Manner(generation="1.0"))


@pytest.fixture(scope="session")
def new(new_corpus: Corpus) -> Old:
    """Send a request to v1.1; targets are relative to /v1."""
    return lambda target: msgspec.json.decode(answer(new_corpus, f"/v1{target}").plain())


@pytest.fixture(scope="session")
def old(old_corpus: Corpus) -> Old:
    """Send a request to v1.0."""
    return lambda target: msgspec.json.decode(answer(old_corpus, f"/v1{target}").plain())
