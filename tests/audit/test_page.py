"""The page of an audit: its numbers against queries over the tables, its safety, and how it behaves in a browser."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.audit import run
from etl.audit.words import profile
from etl.sandbox import Corpus, running
from etl.storage.files import LocalFiles
from tests.audit.records import doi
from tests.support.browser import Tab, needs_chromium, opened

pytestmark = pytest.mark.slow

EVIL = "<script>alert('x')</script>"


def records() -> Iterator[dict[str, Any]]:
    """Make a small dataset with something of everything; texts that would break a careless page."""
    for n in range(60):
        yield doi(
            f"10.1234/{n:03}",
            client=f"client.{n % 3}",
            titles=[{"title": EVIL if n == 7 else f"Work <b>{n}</b>" if n % 5 == 0 else f"Work {n}"}],
            creators=[
                {
                    "name": "Curie, Marie",
                    "nameType": "Personal",
                    "nameIdentifiers": [
                        {
                            "nameIdentifier": "0000-0002-1825-0097" if n % 2 else "0000-0002-1825-0090",
                            "nameIdentifierScheme": "ORCID",
                        }
                    ],
                }
            ],
            publicationYear=2000 + n % 20,
            publisher={"name": f"{EVIL} Press"},
            language="eng" if n % 4 == 0 else "en",
            types={"resourceTypeGeneral": "Dataset" if n % 2 else "Software"},
            created=f"20{10 + n % 10}-01-01T00:00:00Z",
            registered=f"20{10 + n % 10}-01-01T00:00:00Z",
            updated="2024-01-01T00:00:00Z",
            state="findable",
            isActive=True,
        )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of these records, audited with the profile tcia and against an older audit."""
    from etl import cli

    to = tmp_path_factory.mktemp("audited") / "o"
    old = to.with_name("old")
    with running(Corpus.from_records(list(records()))) as box:
        assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(to), "--quiet"]) == 0
        some = ["--filter", "client-id=client.1"]
        assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(old), *some, "--quiet"]) == 0
    assert cli.run(["audit", str(old), "--quiet"]) == 0
    assert cli.run(["audit", str(to), "--profile", "tcia", "--against", str(old), "--quiet"]) == 0
    return to / run.FOLDER


class Reading(HTMLParser):
    """Takes a page apart. State: its tables as rows of texts, by caption, and the open elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.headings: list[int] = []
        self.unnamed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"meta", "link"}:
            return
        self.open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
            if tag == "th" and "scope" not in dict(attrs):
                self.unnamed.append("th without scope")
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "svg" and "aria-labelledby" not in dict(attrs):
            self.unnamed.append("svg without a name")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            assert self._caption, "a table has no caption"
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if "caption" in self.open:
            self._caption += data
        elif self.open and self._rows and {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data


@pytest.fixture(scope="module")
def read(audited: Path) -> Reading:
    """The page, taken apart."""
    reading = Reading()
    reading.feed((audited / run.PAGE).read_text())
    assert reading.open == []
    return reading


def query(audited: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the audit's own tables."""
    for name in ("coverage", "findings", "rules", "profile", "trend"):
        duckdb.sql(f"create or replace view {name} as from read_parquet('{audited}/audit_{name}.parquet')")
    return duckdb.sql(sql).fetchall()


def number(text: str) -> float:
    return float(text.replace(",", "").replace("%", "").strip())


def test_coverage_on_the_page_is_what_a_query_over_the_dataset_counts(audited: Path, read: Reading) -> None:
    """Records with a title, a language and a right ORCID iD are counted again from the exported tables."""
    data = audited.parents[1]
    rows = {row[0]: row for row in read.tables["Coverage of properties"][1:]}
    sql = "select count(distinct doi) from read_parquet('{}/{}/**/*.parquet') where {}"
    for title, table, where in (
        ("Title", "doi_titles", "title <> ''"),
        ("Language", "dois", "language <> ''"),
        ("Subject", "doi_subjects", "subject <> ''"),
    ):
        assert number(rows[title][3]) == duckdb.sql(sql.format(data, table, where)).fetchall()[0][0]
        assert number(rows[title][4]) == 60
    orcid = next(row for row in read.tables["Sub-properties"] if row[0] == "ORCID iD of creators")
    assert number(orcid[3]) == duckdb.sql(sql.format(data, "doi_creator_identifiers", "orcid_valid")).fetchall()[0][0]
    assert orcid[5].strip() == "50.0 %"


def test_every_row_of_coverage_and_findings_is_a_row_of_the_tables(audited: Path, read: Reading) -> None:
    """What the page shows in figures stands in `audit_coverage` and `audit_rules`, figure by figure."""
    expected = query(audited, "select title, filled, entries from coverage where slice = 'all' and level <> 'detail'")
    shown = {(row[0], number(row[3]), number(row[4])) for row in read.tables["Coverage of properties"][1:]}
    assert shown == {(title, float(filled), float(entries)) for title, filled, entries in expected}
    expected = query(audited, "select rule, count(*), count(distinct doi) from findings group by rule")
    shown = {(row[0], number(row[3]), number(row[4])) for row in read.tables["Findings by rule"][1:]}
    assert shown == {(rule, float(n), float(dois)) for rule, n, dois in expected}
    assert len(shown) >= 3


def test_the_grid_of_clients_is_a_query_by_client(audited: Path, read: Reading) -> None:
    """Each cell of the table behind the grid is the share of that client's records."""
    head, *rows = read.tables["Coverage by the largest clients"]
    expected = {
        (title, client): share
        for title, client, share in query(audited, "select title, value, share from coverage where slice = 'client'")
    }
    for title, *cells in rows:
        for client, cell in zip(head[1:], cells, strict=True):
            share = expected[title, client]
            assert cell == "–" if share is None else abs(number(cell) - share * 100) <= 0.1


def test_records_per_year_and_the_trend_are_queries_too(audited: Path, read: Reading) -> None:
    """Years from the dataset, changes from `audit_trend`."""
    data = audited.parents[1]
    sql = f"select publication_year, count(*) from read_parquet('{data}/dois/**/*.parquet') group by 1"
    shown = {row[0]: number(row[1]) for row in read.tables["Records per year"][1:] if number(row[1])}
    assert shown == {str(year): float(n) for year, n in duckdb.sql(sql).fetchall()}
    expected = query(audited, "select title, before, after from trend where kind = 'findings' and change <> 0")
    shown_now = {
        (row[0], number(row[1]), number(row[2])) for row in read.tables["Findings since the previous audit"][1:]
    }
    assert shown_now == {tuple(row) for row in expected}


def test_the_profile_has_one_table_a_collection_with_ten_properties_and_stars(audited: Path, read: Reading) -> None:
    """Ten rows, four of them with a star, each with what the record has."""
    rows = read.tables["10.1234/001"][1:]
    assert [row[1] for row in rows] == ["1", "2", "3", "4", "5", "10", "11", "15", "16", "17"]
    assert [row[1] for row in rows if row[0].endswith("★")] == ["11", "15", "16", "17"]
    assert rows[1][2:] == ["met", "Curie, Marie"]
    [(met,)] = query(audited, "select count(*) from profile where property = 'Title' and met")
    title = next(row for row in read.tables["Needs of the profile"] if row[0] == "Title")
    assert number(title[3]) == met == 60


def test_the_page_says_how_it_is_built_to_those_who_cannot_see(read: Reading) -> None:
    """One first heading, no level left out, every table with caption and scopes, every chart with a name."""
    assert read.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(read.headings, read.headings[1:], strict=False))
    assert read.unnamed == []


def test_what_records_hold_is_text(audited: Path) -> None:
    """Titles and publishers with markup are shown as they are, and links lead only to doi.org."""
    page = (audited / run.PAGE).read_text()
    assert EVIL not in page
    assert "&lt;script&gt;alert" in page
    assert set(re.findall(r'href="(https?://[^/"]+)', page)) == {"https://doi.org"}


def test_two_audits_of_one_dataset_are_the_same(audited: Path, tmp_path: Path) -> None:
    """Tables and page do not depend on when or where they were made."""
    data = LocalFiles(audited.parents[1])
    for name in ("a", "b"):
        run.audit(data, LocalFiles(tmp_path / name), profile=profile("tcia"))
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert {"audit.html", "audit_coverage.parquet", "audit_findings.parquet", "audit_rules.parquet"} <= names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


SORT = """(() => {
  const table = [...document.querySelectorAll('table')].find(t => t.caption.textContent === 'Findings by rule');
  const head = table.tHead.rows[0].cells[4];
  const seen = [];
  for (let turn = 0; turn < 2; turn++) {
    head.querySelector('button').click();
    seen.push([head.getAttribute('aria-sort'), [...table.tBodies[0].rows].map(r => Number(r.cells[4].dataset.n))]);
  }
  return seen;
})()"""
PAPER = "getComputedStyle(document.body).backgroundColor"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def contrasts(tab: Tab) -> list[float]:
    """Return the contrast of the page's kinds of text against what is behind them."""
    script = """[...document.querySelectorAll('h1, p, a, small, caption, thead th, td, figcaption, .badge')].map(e => {
      const paper = e => getComputedStyle(e).backgroundColor;
      let back = e;
      while (back && paper(back) === 'rgba(0, 0, 0, 0)') back = back.parentElement;
      return [getComputedStyle(e).color, getComputedStyle(back || document.body).backgroundColor];
    })"""
    found = []
    for ink, paper in {tuple(pair) for pair in await tab.run(script)}:
        light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
        found.append((light + 0.05) / (dark + 0.05))
    return found


@needs_chromium
@pytest.mark.browser
async def test_the_page_works_in_a_browser_and_asks_for_nothing(audited: Path) -> None:
    """Tables sort both ways, dark and light are readable, nothing overflows, it prints, and no request leaves it."""
    async with opened(audited / run.PAGE) as tab:
        (first, down), (second, up) = await tab.run(SORT)
        assert (first, second) == ("descending", "ascending")
        assert down == sorted(down, reverse=True)
        assert up == sorted(up)
        papers = {}
        for scheme in ("light", "dark"):
            for width in (1200, 390):
                await tab.prefer(scheme, width=width)
                assert await tab.run(OVERFLOW) <= 0
            papers[scheme] = luminance(await tab.run(PAPER))
            assert min(await contrasts(tab)) >= 4.5
        assert papers["light"] > 0.9
        assert papers["dark"] < 0.05
        assert (await tab.pdf()).startswith(b"%PDF-")
        assert tab.requested() == []
        assert tab.complaints() == []


PAPER_SHOWS = """(() => {
  window.dispatchEvent(new Event("beforeprint"));
  const open = [...document.querySelectorAll("details[open] > summary")].map(each => each.textContent);
  window.dispatchEvent(new Event("afterprint"));
  return [open, document.querySelectorAll("details[open]").length];
})()"""


@needs_chromium
@pytest.mark.browser
async def test_paper_has_the_examples_and_not_what_charts_show_anyway(audited: Path) -> None:
    """Printing opens the examples of findings, and closes them again; tables behind charts stay closed."""
    async with opened(audited / run.PAGE) as tab:
        shown, left_open = await tab.run(PAPER_SHOWS)
    assert any("Same title" in each or "ORCID" in each for each in shown)
    assert "Numbers of this chart" not in shown
    assert left_open == 1  # the first collection


@needs_chromium
@pytest.mark.browser
async def test_the_report_of_a_run_works_in_a_browser_too(audited: Path) -> None:
    """No request, no complaint, no overflow; the tables sort."""
    async with opened(audited.parent / "report.html") as tab:
        await tab.prefer("dark", width=390)
        assert await tab.run(OVERFLOW) <= 0
        await tab.run("document.querySelector('th button').click()")
        assert await tab.run("document.querySelectorAll('th[aria-sort]').length") == 1
        assert min(await contrasts(tab)) >= 4.5
        assert (await tab.pdf()).startswith(b"%PDF-")
        assert tab.requested() == []
        assert tab.complaints() == []
