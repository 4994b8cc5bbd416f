"""DOIs in other formats, by Accept header and by path, and their XML (api-notes 4.13)."""

import base64
import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from etl.sandbox.corpus import Corpus
from etl.sandbox.formats import FORMATS, kernel

from .conftest import answer
from .test_organisations import REAL, needs_real

KERNEL = "{http://datacite.org/schema/kernel-4}"
BIBTEX = "application/x-bibtex"


@pytest.fixture(scope="module")
def doi(corpus: Corpus) -> str:
    return corpus.ids("resource-type-id=dataset&query=creators.familyName:*")[0]


def test_the_negotiated_formats_carry_title_and_doi(corpus, ask, doi):
    title = ask(f"/dois/{doi}")["data"]["attributes"]["titles"][0]["title"]
    for kind in FORMATS:
        got = answer(corpus, f"/dois/{doi}", accept=kind)
        assert got.content_type == f"{kind}; charset=utf-8"
        assert title in got.plain().decode()
        assert doi.lower() in got.plain().decode().lower()


@pytest.mark.parametrize("path", ["/dois/{kind}/{doi}", "/{kind}/{doi}", "/dois/{kind}/{doi}/"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_media_type_in_the_path_is_that_in_the_header(corpus, doi, path, kind):
    by_header = answer(corpus, f"/dois/{doi}", accept=kind)
    by_path = answer(corpus, path.format(kind=kind, doi=doi), accept="application/json")
    assert (by_path.status, by_path.content_type, by_path.plain()) == (200, by_header.content_type, by_header.plain())


def test_a_list_as_csv_has_a_row_per_doi_of_the_page(corpus, ask):
    listed = ask("/dois?page[size]=30&sort=name")["data"]
    text = answer(corpus, "/dois/text/csv?page[size]=30&sort=name").plain().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["doi"] for row in rows] == [record["id"].lower() for record in listed]
    assert text.partition("\n")[0] == (
        "doi,url,registered,state,resourceTypeGeneral,resourceType,title,author,publisher,publicationYear"
    )


def test_a_list_in_a_json_format_is_an_array(corpus):
    listed = answer(corpus, "/dois?page[size]=3", accept="application/vnd.citationstyles.csl+json").plain()
    assert [item["id"][:16] for item in json.loads(listed)] == ["https://doi.org/"] * 3


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/vnd.api+json",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json, text/csv",
    ],
)
def test_clients_of_json_and_browsers_get_json(corpus, doi, accept):
    for path in (f"/dois/{doi}", "/dois"):
        assert answer(corpus, path, accept=accept).content_type == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", ["/dois", "/dois/{doi}"])
def test_an_unknown_media_type_is_not_acceptable(corpus, doi, path):
    got = answer(corpus, path.format(doi=doi), accept="image/png")
    assert (got.status, json.loads(got.plain())["errors"][0]["title"]) == (406, "The content type is not recognized.")


@needs_real
def test_an_unknown_doi_in_any_format_gets_the_recorded_404(corpus):
    recorded = json.loads((REAL / "_errors/404-GET-dois-not-found-mcp.json").read_bytes())
    got = answer(corpus, f"/dois/{BIBTEX}/10.1234/nosuch")
    assert (got.status, json.loads(got.plain())) == (404, recorded)


def test_every_record_has_xml_with_what_its_attributes_say(corpus):
    for ordinal in range(0, 2000, 7):
        record = corpus.record(ordinal, "detail")["attributes"]
        tree = ElementTree.fromstring(base64.b64decode(record["xml"]))
        names = [person.get("name") for person in record["creators"] or [] if isinstance(person, dict)]
        found = [element.text for element in tree.iter(f"{KERNEL}creatorName")]
        assert found == [name for name in names if name] or not isinstance(record["creators"], list)
        general = (record["types"] or {}).get("resourceTypeGeneral")
        kind = tree.find(f"{KERNEL}resourceType")
        assert (kind.get("resourceTypeGeneral") if kind is not None else None) == general
        assert tree.findtext(f"{KERNEL}publisher") == (record["publisher"] or {}).get("name")


def essentials(tree: ElementTree.Element) -> dict:
    """Return what every record has; creators are counted, because the API rewrites names."""
    kind = tree.find(f"{KERNEL}resourceType")
    return {
        "creators": len(list(tree.iter(f"{KERNEL}creator"))),
        "publisher": plain(tree.findtext(f"{KERNEL}publisher")),
        "year": plain(tree.findtext(f"{KERNEL}publicationYear")),
        "type": kind.get("resourceTypeGeneral") if kind is not None else None,
        "title": plain(tree.findtext(f"{KERNEL}titles/{KERNEL}title")),
    }


def plain(text: str | None) -> str:
    return " ".join((text or "").split())


@pytest.fixture(scope="module")
def documents() -> list[tuple[Path, dict, ElementTree.Element]]:
    """Recorded single DOIs with creators and XML of kernel 4."""
    listed = []
    for path in sorted(REAL.glob("dois_single/*.json")):
        record = json.loads(path.read_bytes()).get("data")
        attributes = record.get("attributes") if isinstance(record, dict) else None
        if not attributes or not isinstance(attributes.get("xml"), str) or not attributes.get("creators"):
            continue
        try:
            tree = ElementTree.fromstring(base64.b64decode(attributes["xml"]))
        except (ValueError, ElementTree.ParseError):
            continue
        if tree.tag == f"{KERNEL}resource":
            listed.append((path, attributes, tree))
    return listed


@needs_real
def test_xml_written_from_real_attributes_says_what_their_own_xml_says(documents):
    different = []
    for path, attributes, tree in documents:
        written = kernel.document({**attributes, "xml": None})
        if essentials(ElementTree.fromstring(written)) != essentials(tree):
            different.append(path.name)
    assert len(documents) > 200
    assert different == ["10.70048_290320201351-include_media_client-990e9fc9.json"]  # it lost a creator since


@needs_real
def test_a_real_record_shows_its_own_xml_byte_by_byte(documents):
    path, attributes, _ = documents[0]
    corpus = Corpus.from_records([json.loads(path.read_bytes())["data"]])
    got = answer(corpus, f"/dois/application/vnd.datacite.datacite+xml/{attributes['doi']}")
    assert got.plain() == base64.b64decode(attributes["xml"])
