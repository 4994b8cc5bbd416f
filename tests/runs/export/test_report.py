import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser

import pytest

from etl.completeness.verdict import FacetCheck, State
from etl.dataset.manifest import Drift
from etl.runs.export import report
from tests.support.small import local, publish, work

pytestmark = pytest.mark.slow


@pytest.fixture
def proof(tmp_path):
    return publish(local(tmp_path), [work("a", author="nobody")])


def page(proof, *, published=True):
    return report.render(proof, published=published)["report.html"].decode()


def test_the_report_for_programs_is_the_manifest_without_its_files(proof):
    """The JSON has everything but the long lists of files, and whether the dataset was published."""
    found = json.loads(report.render(proof, published=False)["report.json"])
    assert found["published"] is False
    assert found["totals"] == asdict(proof.totals)
    assert found["tables"]["works"] == {"rows": 1, "files": 1}


def test_the_page_needs_nothing_but_itself(proof):
    """The page loads nothing, and forbids it: it can be mailed and opened anywhere."""
    text = page(proof)
    assert not re.search(r"""src=|@import|url\(|href="(?!#|data:,)""", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_the_page_is_well_formed_and_says_the_verdict(proof):
    """Every element is closed, and the first heading names the export and its verdict."""

    class Open(HTMLParser):
        def __init__(self):
            super().__init__()
            self.stack = []

        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "link"}:
                self.stack.append(tag)

        def handle_endtag(self, tag):
            assert self.stack.pop() == tag

    parser = Open()
    parser.feed(page(proof))
    assert parser.stack == []
    assert '<h1>works <span class="badge complete">complete</span></h1>' in page(proof)


def test_the_page_is_named_after_what_was_asked_for(proof):
    """Two reports of one resource, open side by side, can be told apart by their tabs."""
    asked = replace(proof.request, filters={"client-id": "a.b"}, query="sea & ice")
    text = page(replace(proof, request=asked))
    assert "<title>works client-id=a.b sea &amp; ice: complete</title>" in text
    assert "<h1>works client-id=a.b sea &amp; ice <span" in text


def test_what_came_from_outside_is_escaped(proof):
    """Ids and attribute names are text, whatever they look like."""
    evil = "<script>alert(1)</script>"
    text = page(replace(proof, missing=(evil,), schema_drift=(Drift(path=evil, count=1, example=evil),)))
    assert evil not in text
    assert text.count("&lt;script&gt;alert") == 3


def test_an_unpublished_run_says_so_with_its_reasons(proof):
    """The page of a failed run says that nothing changed, and why."""
    text = page(replace(proof, verdict=State.INCOMPLETE, reasons=("slice s: 2 short",)), published=False)
    assert "Nothing was published" in text
    assert "<li>slice s: 2 short</li>" in text


def test_slices_are_shown_from_the_worst_down_and_not_all(proof):
    """The short slice comes first; a long list is cut and says so."""
    [good] = proof.slices
    many = [replace(good, key=f"k{number}") for number in range(report.MOST_SLICES)]
    text = page(replace(proof, slices=(*many, replace(good, key="bad", verdict=State.INCOMPLETE))))
    assert text.index('<th scope="row">bad</th>') < text.index('<th scope="row">k0</th>')
    assert "1 more are in report.json" in text


def test_facets_are_shown_with_what_differs(proof):
    """A facet that does not agree shows both counts."""
    check = FacetCheck(name="years", ok=False, cut_off=True, compared=1, differing={"2019": (1, 2)})
    assert "2019: 1 in the API, 2 here" in page(replace(proof, facets=(check,)))
