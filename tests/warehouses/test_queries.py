"""The queries that docs/warehouse.md recommends give rows, and the same ones in both databases."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl import cli
from etl.sandbox import Corpus, running
from tests.warehouses.places import Duck, Postgres

PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"
QUERIES = re.findall(r"^\*\*(\d+)\. [^\n]*\n\n```sql\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("queries")]  # loading is most of the work


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, database: Callable[[], Postgres]) -> tuple[Duck, Postgres]:
    """One dataset in both databases."""
    at = tmp_path_factory.mktemp("queries")
    both = Duck(at), database()
    with running(Corpus.generate(records=400, seed=12)) as box:
        export = ["export", "dois", "--base-url", box.base_url, "--include", "client", "--quiet", "--to", str(at / "o")]
        assert cli.run(export) == 0
    for place in both:
        assert cli.run(["load", str(at / "o"), "--into", place.url, "--quiet"]) == 0
    return both


def plain(value: Any) -> Any:
    """Return a value as both databases' drivers would give it."""
    try:
        return round(float(value), 6)
    except (TypeError, ValueError):
        return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize(("number", "sql"), QUERIES, ids=[number for number, _ in QUERIES])
def test_a_recommended_query_gives_the_same_rows_in_both_databases(
    number: str, sql: str, loaded: tuple[Duck, Postgres]
) -> None:
    """It runs as it stands on the page, and finds something."""
    duck, postgres = ([[plain(value) for value in row] for row in place.query(sql).iter_rows()] for place in loaded)
    assert duck
    key = lambda row: [str(value) for value in row]  # noqa: E731 - collations differ
    assert sorted(duck, key=key) == sorted(postgres, key=key)


def test_there_are_ten() -> None:
    """None was lost by the way this test reads the page."""
    assert [number for number, _ in QUERIES] == [str(number) for number in range(1, 11)]
