"""The data dictionary: everything declared is in it, a dataset's has its rows, and it is a page like the others."""

from pathlib import Path

import pytest

from etl import cli, resources
from etl.dataset import relations
from etl.sandbox import Sandbox
from tests.audit.test_page import Reading
from tests.conftest import Command
from tests.support.browser import needs_chromium, opened


def read(path: Path) -> Reading:
    reading = Reading()
    reading.feed(path.read_text())
    assert reading.open == []
    return reading


@pytest.mark.parametrize("name", resources.names())
def test_every_column_of_every_table_is_in_it_with_type_and_meaning(
    name: str, command: Command, tmp_path: Path
) -> None:
    """Whatever the resource; each table has a caption and each column a line."""
    ran = command("resources", name, "--html", tmp_path / "d.html", "--json")
    assert ran.json == {"page": str(tmp_path / "d.html")}
    shown = read(tmp_path / "d.html")
    for one in relations.of_resource(resources.load(name)):
        rows = {row[0]: row for row in shown.tables[f"Columns of {one.name}"][1:]}
        assert {field.name: (field.type.value, field.description) for field in one.columns} == {
            key: (row[1], row[3]) for key, row in rows.items()
        }
    assert shown.headings.count(1) == 1
    assert shown.unnamed == []


def test_the_dictionary_of_a_dataset_has_what_the_dataset_has(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Only its own tables, with their rows; those of included records too."""
    asked = ("--filter", "client-id=nihnci.tcia", "--include", "client", "--tables", "doi_titles")
    rows = command(
        "export", "dois", "--base-url", box.base_url, *asked, "--to", tmp_path / "o", "--json", "--quiet"
    ).json["tables"]
    command("resources", tmp_path / "o", "--html", tmp_path / "d.html")
    shown = {row[0]: row[3] for row in read(tmp_path / "d.html").tables["All tables"][1:]}
    assert shown == {name: f"{count:,}" for name, count in rows.items()}
    assert {"dois", "doi_titles", "clients"} <= set(shown)


def test_a_dictionary_is_of_something(command: Command, tmp_path: Path) -> None:
    """Without a name, with a wrong one, or for a folder without a dataset: one line that says so."""
    for name in ((), ("dios",), (str(tmp_path),)):
        ran = command("resources", *name, "--html", tmp_path / "d.html")
        assert ran.code in {1, 2}
        assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "d.html").exists()


@needs_chromium
@pytest.mark.browser
async def test_the_dictionary_works_in_a_browser(tmp_path: Path) -> None:
    """No request, no complaint, no overflow on a telephone."""
    assert cli.run(["resources", "dois", "--html", str(tmp_path / "d.html"), "--json"]) == 0
    async with opened(tmp_path / "d.html") as tab:
        await tab.prefer("light", width=390)
        assert await tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert tab.requested() == []
        assert tab.complaints() == []
