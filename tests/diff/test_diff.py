"""Two exports compared: against what was done to the server, against a comparison of whole tables, in any layout."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.sandbox import Corpus, Sandbox, running
from etl.schema.declarations import Json
from tests.audit.records import doi
from tests.conftest import Command
from tests.support.browser import needs_chromium, opened

pytestmark = pytest.mark.slow

LATER = datetime(2026, 6, 1, tzinfo=UTC)
QUIET = ("--quiet", "--json")


def records(*, later: bool = False) -> Iterator[Json]:
    """Make forty records; later, one is gone, one has come, and four have changed in known ways."""
    for n in range(1 if later else 0, 41 if later else 40):
        made = doi(
            f"10.1234/{n:03}",
            client=f"client.{n % 2}",
            titles=[{"title": f"Work {n}"}, {"title": "<script>alert(1)</script>"}],
            subjects=[{"subject": "b"}, {"subject": "a"}],
            creators=[{"name": "Curie, Marie", "affiliation": [{"name": "Sorbonne"}]}, {"name": "Curie, Pierre"}],
            publicationYear=2000,
            url=None if n == 9 else "https://example.org",
            created=f"20{10 + n % 10}-01-01T00:00:00Z",
            updated="2024-01-01T00:00:00Z",
            citationCount=n + 100 * later,
            state="findable",
        )
        attributes = made["attributes"]
        if later and n == 5:
            attributes["publicationYear"] = 2001
        if later and n == 6:
            attributes["subjects"] = [{"subject": "a"}, {"subject": "b"}]
        if later and n == 7:
            attributes["creators"][0]["affiliation"], attributes["creators"][1]["affiliation"] = (
                [],
                [{"name": "Sorbonne"}],
            )
        if later and n == 8:
            attributes["titles"] = attributes["titles"][:1]
        if later and n == 9:
            attributes["url"] = "https://example.com"
        yield made


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both exports, `old` and `new`, and the new one in other files and folders, `apart`."""
    from etl import cli

    to = tmp_path_factory.mktemp("two")
    for name, later in (("old", False), ("new", True)):
        with running(Corpus.from_records(list(records(later=later)))) as box:
            export = ["export", "dois", "--base-url", box.base_url, "--quiet", "--to"]
            assert cli.run([*export, str(to / name)]) == 0
            if later:
                assert cli.run([*export, str(to / "apart"), "--format", "csv", "--partition-by", "client_id"]) == 0
    return to


def fields(to: Path) -> dict[str, dict[str, tuple[str | None, str | None]]]:
    """Return the rows of `diff_fields` by record and field."""
    found: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for row in pl.read_parquet(to / "diff_fields.parquet").iter_rows(named=True):
        found.setdefault(row["key"], {})[row["field"]] = (row["before"], row["after"])
    return found


@pytest.mark.parametrize("new", ["new", "apart"])
def test_every_difference_is_told_with_both_values_whatever_the_layout(
    two: Path, new: str, command: Command, tmp_path: Path
) -> None:
    """Added, withdrawn and changed records are those that are; numbers, nulls, order and rows that moved are seen."""
    ran = command("diff", two / "old", two / new, "--to", tmp_path, "--ignore", "citation_count,links", *QUIET)
    assert ran.code == 0
    counts = {name: ran.json[name] for name in ("added", "changed", "withdrawn", "unchanged", "same")}
    assert counts == {"added": 1, "changed": 5, "withdrawn": 1, "unchanged": 34, "same": False}
    rows = pl.read_parquet(tmp_path / "diff_records.parquet").select("key", "change", "client_id").rows()
    assert ("10.1234/000", "withdrawn", "client.0") in rows
    assert ("10.1234/040", "added", "client.0") in rows
    assert fields(tmp_path) == {
        "10.1234/005": {"publication_year": ("2000", "2001")},
        "10.1234/006": {"doi_subjects.subject": ('["b","a"]', '["a","b"]')},
        "10.1234/007": {"doi_creator_affiliations.creator_position": ('["0"]', '["1"]')},
        "10.1234/008": {"doi_titles.title": ('["Work 8","<script>alert(1)</script>"]', '["Work 8"]')},
        "10.1234/009": {"url": (None, "https://example.com")},
    }


def test_what_is_not_ignored_makes_a_difference(two: Path, command: Command, tmp_path: Path) -> None:
    """A count that grew everywhere changes every record that is in both, and the summary says how many."""
    ran = command("diff", two / "old", two / "new", "--to", tmp_path, *QUIET)
    assert ran.json["changed"] == 39
    assert ran.json["fields"]["citation_count"] == 39
    summary = pl.read_parquet(tmp_path / "diff_summary.parquet")
    assert summary.row(0, named=True)["field"] == "citation_count"


def test_an_export_does_not_differ_from_itself_in_another_layout(two: Path, command: Command, tmp_path: Path) -> None:
    """Formats, folders and files make no difference; the same dataset is not even read."""
    for one, other in (("new", "apart"), ("apart", "new"), ("new", "new")):
        ran = command("diff", two / one, two / other, "--to", tmp_path / one / other, "--strict", *QUIET)
        assert ran.code == 0
        assert ran.json["same"]
        assert ran.json["unchanged"] == 40
        assert pl.read_parquet(tmp_path / one / other / "diff_fields.parquet").is_empty()


def test_a_difference_can_be_a_gate_and_its_tables_have_a_format(two: Path, command: Command, tmp_path: Path) -> None:
    """`--strict` ends in exit code 4 and names the page; CSV and NDJSON hold the same rows."""
    ran = command(
        "diff", two / "old", two / "new", "--strict", "--to", tmp_path, "--format", "csv", "--format", "ndjson"
    )
    assert ran.code == 4
    assert "diff.html" in ran.err
    assert "1 added, 39 changed, 1 withdrawn" in ran.out
    lines = (tmp_path / "diff_records.ndjson").read_text().splitlines()
    assert len(lines) == pl.read_csv(tmp_path / "diff_records.csv").height == 41
    assert json.loads(lines[0])["change"] == "added"


@pytest.mark.parametrize(
    "said",
    [
        (("{old}", "{none}"), "holds no dataset"),
        (("{old}", "{clients}"), "one resource"),
        (("{old}", "{new}", "--ignore", "citations"), "citations"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    two: Path, said: tuple[tuple[str, ...], str], command: Command, tmp_path: Path, box: Sandbox
) -> None:
    """No dataset, another resource, an unknown field: a line that names it, and no table."""
    arguments, named = said
    if "{clients}" in arguments:
        command("export", "clients", "--base-url", box.base_url, "--to", tmp_path / "clients", "--quiet")
    names = {"old": two / "old", "new": two / "new", "none": tmp_path / "none", "clients": tmp_path / "clients"}
    ran = command("diff", *(each.format(**names) for each in arguments), "--to", tmp_path / "d", "--quiet")
    assert ran.code in {1, 2}
    assert named in ran.err
    assert not (tmp_path / "d" / "diff_records.parquet").exists()


def test_what_only_looks_like_a_difference_is_pointed_out(command: Command, tmp_path: Path, box: Sandbox) -> None:
    """A sample, another question, a table that one of them lacks."""
    export = ("export", "dois", "--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "--quiet", "--to")
    command(*export, tmp_path / "whole")
    command(*export, tmp_path / "some", "--limit", "5", "--tables", "doi_titles")
    ran = command("diff", tmp_path / "whole", tmp_path / "some", *QUIET)
    assert ran.json["changed"] == 0
    assert ran.json["withdrawn"] > 0
    cautions = " ".join(ran.json["cautions"])
    assert "sample" in cautions
    assert "doi_creators" in cautions
    assert Path(ran.json["page"]) == tmp_path / "some" / "_etl" / "diff" / "diff.html"


def test_a_sync_and_a_comparison_of_before_and_after_say_the_same(command: Command, tmp_path: Path) -> None:
    """The feed that a sync leaves names the same records with the same change, and its columns are the fields'."""
    import shutil

    with running(Corpus.generate(records=60, seed=5)) as box:
        to = tmp_path / "now"
        command("export", "dois", "--base-url", box.base_url, "--include", "client", "--to", to, "--quiet")
        shutil.copytree(to, tmp_path / "then")
        ids = box.corpus.ids()
        box.corpus.withdraw(ids[3:5])
        box.corpus.update(ids[10:25], at=LATER)
        box.corpus.create(7, at=LATER)
        synced = command("sync", to, "--quiet", "--json")
        ran = command("diff", tmp_path / "then", to, "--to", tmp_path / "d", *QUIET)
    names = ("added", "changed", "withdrawn")
    assert {name: ran.json[name] for name in names} == {name: synced.json[name] for name in names}
    feed = pl.read_parquet(to / synced.json["changes"])
    changes = pl.read_parquet(tmp_path / "d" / "diff_records.parquet").filter(pl.col("table") == "dois")
    assert dict(changes.select("key", "change").iter_rows()) == dict(feed.select("doi", "change").iter_rows())
    columns = {key: {name.partition(".")[0] for name in each} for key, each in fields(tmp_path / "d").items()}
    fed = dict(feed.filter(pl.col("change") == "changed").select("doi", "columns").iter_rows())
    assert {key: each for key, each in columns.items() if key in fed} == {key: set(each) for key, each in fed.items()}


@pytest.fixture(scope="module")
def page(two: Path) -> Path:
    """The page of a comparison."""
    from etl import cli

    assert cli.run(["diff", str(two / "old"), str(two / "new"), "--to", str(two / "d"), "--quiet", "--json"]) == 0
    return two / "d" / "diff.html"


def test_the_page_shows_both_values_as_text(page: Path) -> None:
    """Markup in records is text; added and withdrawn records are linked by their DOI."""
    shown = page.read_text()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert 'href="https://doi.org/10.1234/040"' in shown
    assert "Withdrawn: 1 of 1" in shown


@needs_chromium
@pytest.mark.browser
async def test_the_page_works_in_a_browser(page: Path) -> None:
    """No request, no complaint, no overflow on a telephone in the dark; it prints."""
    async with opened(page) as tab:
        await tab.prefer("dark", width=390)
        overflow: Any = await tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
        assert (await tab.pdf()).startswith(b"%PDF-")
        assert tab.requested() == []
        assert tab.complaints() == []
