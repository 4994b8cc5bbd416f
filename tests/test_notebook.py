"""Tables in memory, for notebooks: the whole query, proved, on the budget that all runs share."""

from pathlib import Path

import pytest

import etl
from etl.errors import UsageError
from etl.sandbox import Sandbox
from tests.conftest import Command

pytestmark = pytest.mark.slow

TCIA = {"client-id": "nihnci.tcia"}


async def test_fetch_gives_every_record_of_a_query(box: Sandbox) -> None:
    """`await etl.fetch` has the records of the query, in all tables or those named."""
    tables = await etl.fetch("dois", filters=TCIA, names=["dois", "doi_titles"], base_url=box.base_url)
    assert set(tables) == {"dois", "doi_titles"}
    assert set(tables["dois"]["doi"]) == set(box.corpus.ids({"client-id": "nihnci.tcia"}))


async def test_fetch_sync_works_inside_a_running_loop(box: Sandbox) -> None:
    """A notebook has a running loop; the twin without `await` works there too."""
    tables = etl.fetch_sync("dois", filters=TCIA, base_url=box.base_url, limit=5)
    assert tables["dois"].height == 5


async def test_fetch_refuses_names_that_are_not_there(box: Sandbox) -> None:
    """A filter that the API would silently ignore is an error."""
    with pytest.raises(UsageError, match="client-id"):
        await etl.fetch("dois", filters={"client_idd": "x"}, base_url=box.base_url)


async def test_fetch_takes_numbers_and_refuses_what_has_no_form_of_its_own(box: Sandbox) -> None:
    """A year may be a number; an empty value, which would ask for everything, and a list are errors in one line."""
    by_number, by_text = [
        await etl.fetch("dois", filters={"published": year}, names=["dois"], base_url=box.base_url)
        for year in (2019, "2019")
    ]
    assert by_number["dois"].height == by_text["dois"].height > 0
    for value, words in (("", "no value"), (["a", "b"], "commas")):
        with pytest.raises(UsageError, match=words):
            await etl.fetch("dois", filters={"client-id": value}, base_url=box.base_url)


def test_fetch_draws_on_the_budget_of_all_runs(
    box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a notebook asks and what the command line asks are written down in one place, request by request."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    box.requests.clear()
    etl.fetch_sync("dois", filters=TCIA, names=["dois"], base_url=box.base_url, rate=1000)
    asked = len(box.requests)
    [rate_log] = (tmp_path / "datacite-etl").iterdir()
    assert rate_log.stat().st_size == 8 * asked > 0
    assert command("get", "clients", "nihnci.tcia", "--base-url", box.base_url, "--rate", 1000, "--json").code == 0
    assert rate_log.stat().st_size == 8 * len(box.requests) > 8 * asked


async def test_fetch_shows_who_asks(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials come from the environment, as for every command."""
    monkeypatch.setenv("DATACITE_ETL_TOKEN", "t0ken")
    box.requests.clear()
    await etl.fetch("clients", limit=1, base_url=box.base_url)
    assert {one.tier for one in box.requests} == {"authenticated"}


def test_fetch_brings_its_own_server_where_that_is_asked_for() -> None:
    """With `sandbox` it works anywhere, for the activities of one record too, and for both generations of the API."""
    [doi] = etl.fetch_sync("dois", filters=TCIA, limit=1, sandbox=True)["dois"]["doi"]
    assert etl.fetch_sync("activities", of=f"doi/{doi}", sandbox=True)["activities"].height > 0
    assert etl.fetch_sync("v1/works", limit=2, sandbox=True)["v1_works"].height == 2


def test_a_notebook_shows_the_tables_with_rows_and_columns(box: Sandbox) -> None:
    """The list of tables is markup, with the numbers of their rows."""
    tables = etl.fetch_sync("dois", filters=TCIA, base_url=box.base_url, limit=5)
    shown = tables._repr_html_()
    assert "<th>doi_titles</th>" in shown
    assert "<th>dois</th><td>5</td><td>doi, " in shown
    assert repr(tables).startswith("dois: 5 rows, doi, ")
    assert tables == dict(tables)
