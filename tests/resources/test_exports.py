"""Every current resource, exported with all its includes, and by each of its filters, compared with raw bodies.

What is expected is counted in plain Python from the bodies that the sandbox serves, page by page, to a walk of its own.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

import etl
from etl import cli, resources
from etl.api.query import encode
from etl.sandbox import Corpus, Sandbox, running, site
from etl.sandbox.answer import Request
from etl.sandbox.paging import encode_cursor
from etl.sandbox.search.dates import span
from etl.schema.declarations import Table

pytestmark = pytest.mark.slow

Raw = dict[str, Any]
Holds = Callable[[Raw], bool]

LISTED = [name for name in resources.names() if "/" not in name and resources.load(name).listed]
DOI = "https://doi.org/"


@pytest.fixture(scope="module")
def small() -> Iterator[Sandbox]:
    WALKED.clear()
    with running(Corpus.generate(records=900, seed=11)) as sandbox:
        yield sandbox


def ask(box: Sandbox, name: str, params: Mapping[str, str]) -> Raw:
    resource = resources.load(name)
    headers = {key.lower(): value for key, value in resource.headers.items()}
    request = Request(path=resource.path, query=encode({**resource.params, **params}), headers=headers)
    found: Raw = json.loads(site.respond(request, box.corpus).plain())
    return found


WALKED: dict[str, list[Raw]] = {}
"""The whole lists read so far."""


def every(box: Sandbox, name: str) -> list[Raw]:
    """Read a whole list, once."""
    if name not in WALKED:
        WALKED[name] = walk(box, name)
    return WALKED[name]


def walk(box: Sandbox, name: str, params: Mapping[str, str] = {}) -> list[Raw]:
    """Read a list to its end: by page number, or by cursor where it is longer than those reach."""
    root = resources.load(name).root
    records: list[Raw] = []
    sized = {**params, "page[size]": "1000"}
    total = (first := ask(box, name, sized))["meta"]["total"]
    if total <= 1000:
        return list(first[root])
    while len(records) < total:
        place = {"page[number]": str(len(records) // 1000 + 1), "sort": "created"}
        if total > 10_000:
            last = records[-1] if records else None
            moment = last and span(last["attributes"]["createdAt"])[0]
            place = {"page[cursor]": encode_cursor(moment, last["id"]) if last else "1"}
        records += ask(box, name, {**sized, **place})[root]
    return records


def key(name: str, record: Raw) -> str:
    """Spell the key of a record as the contract says."""
    if name != "activities":
        return str(record["id"]).lower()
    attributes = record["attributes"]
    return f"{record['id']}|{attributes['prov:wasDerivedFrom']}|{attributes['version']}".lower()


def entries(node: Any, path: str) -> list[Any]:
    """List what stands at a path; `[]` enters a list, a lone object counts as a list of one."""
    nodes = [node]
    for step in path.split("."):
        nodes = [
            each[step.removesuffix("[]")]
            for each in nodes
            if isinstance(each, dict) and step.removesuffix("[]") in each
        ]
        if step.endswith("[]"):
            nodes = [one for each in nodes for one in (each if isinstance(each, list) else [each] if each else [])]
    return nodes


def rows(table: Table, record: Raw) -> int:
    """Count the rows that a record has in a child table."""
    if not table.relations:
        return len(entries(record, f"{table.path}[]"))
    found = [one for path in table.relations.values() for one in entries(record, path)]
    fields = [column.path or "" for column in table.columns if column.path]
    return sum(any(value is not None for path in fields for value in entries(one, path)) for one in found)


def children(name: str) -> list[Table]:
    return [table for table in resources.load(name).tables if table.path or table.relations]


@pytest.mark.parametrize("name", LISTED)
def test_a_whole_resource_comes_with_all_that_is_linked(name: str, small: Sandbox, tmp_path: Path) -> None:
    """An export with every include has each record once, every child row, and each linked record once."""
    resource = resources.load(name)
    include = ["--include", ",".join(one.name for one in resource.includes)] if resource.includes else []
    command = ["export", name, "--base-url", small.base_url, "--to", str(tmp_path / "o"), "--quiet", *include]
    assert cli.run(command) == 0
    proof = json.loads((tmp_path / "o/_etl/manifest.json").read_text())
    tables = {table: frame.collect() for table, frame in etl.scan(str(tmp_path / "o")).items()}
    records = every(small, name)
    assert proof["verdict"] == "complete"
    assert [facet for facet in proof["facets"] if not facet["ok"]] == []
    assert Counter(tables[resource.main.name][resource.key.name]) == Counter(key(name, one) for one in records)
    assert records
    for table in children(name):
        counted = Counter({key(name, one): count for one in records if (count := rows(table, one))})
        assert Counter(tables[table.name][resource.parent]) == counted, table.name
    linked: dict[str, set[str]] = {}
    for one in resource.includes:
        ids = {str(end["id"]).lower() for record in records for end in entries(record, one.path) if end}
        linked[one.resource] = linked.get(one.resource, set()) | ids
    for along, ids in linked.items():
        main = resources.load(along).main
        frame = tables.get(f"included_{main.name}", tables[main.name])
        if name != "dois" or along != "media":  # lists of DOIs do not say which media they have
            assert set(frame[resources.load(along).key.name]) == ids, along


@pytest.mark.parametrize("name", LISTED)
def test_a_single_record_is_had_by_its_id(name: str, small: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """`get` fetches one record of any resource, whatever its answer looks like."""
    wanted = every(small, name)[0]["id"]
    assert cli.run(["get", name, wanted, "--base-url", small.base_url, "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == wanted


def attribute(name: str, value: object) -> Holds:
    """Say whether an attribute is, or has among its entries, a value, whatever the case."""

    def holds(record: Raw) -> bool:
        found = record["attributes"].get(name)
        return str(value).lower() in [str(one).lower() for one in (found if isinstance(found, list) else [found])]

    return holds


def linked(name: str, *ids: str) -> Holds:
    return lambda record: any(
        one["id"] in ids for path in (f"relationships.{name}.data", f"relationships.{name}.data[]")
        for one in entries(record, path) if isinstance(one, dict)
    )  # fmt: skip


def created(first: int, last: int | None = None) -> Holds:
    def holds(record: Raw) -> bool:
        moment = record["attributes"].get("created") or record["attributes"].get("createdAt")
        return first <= int(moment[:4]) <= (last or first)

    return holds


def updated(test: Callable[[str], bool]) -> Holds:
    return lambda record: test(record["attributes"]["updated"][:10])


def header(test: Callable[[Raw], bool]) -> Holds:
    return lambda record: test(record["report-header"])


def source(record: Raw) -> str:
    return str(record["attributes"]["sourceId"])


def ends(test: Callable[[str], bool]) -> Holds:
    return lambda record: any(test(record["attributes"][side]) for side in ("subjId", "objId"))


ACCOUNTS: dict[str, tuple[str, Holds | None]] = {
    "ids": ("cern.zenodo,GBIF.GBIF", lambda one: one["id"] in ("cern.zenodo", "gbif.gbif")),
    "year": ("2012,2018", created(2012, 2018)),
    "from-date": ("2022-01-01", updated(lambda day: day >= "2022-01-01")),
    "until-date": ("2021-12-31", updated(lambda day: day <= "2021-12-31")),
    "provider-id": ("cern,tib", linked("provider", "cern", "tib")),
    "consortium-id": ("CONSORTIUM", None),
    "re3data-id": ("10.17616/r30001", attribute("re3data", "https://doi.org/10.17616/r30001")),
    "opendoar-id": ("1", attribute("opendoar", "1")),
    "software": ("DSpace,Invenio", None),
    "certificate": ("CoreTrustSeal", None),
    "repository-type": ("disciplinary,institutional", None),
    "client-type": ("periodical", attribute("clientType", "periodical")),
}
CASES: dict[str, dict[str, tuple[str, Holds | None]]] = {
    "clients": ACCOUNTS,
    "repositories": ACCOUNTS
    | {
        "software": ("DSpace", attribute("software", "DSpace")),
        "certificate": ("CoreTrustSeal", attribute("certificate", "CoreTrustSeal")),
        "repository-type": ("disciplinary", attribute("repositoryType", "disciplinary")),
        "include-deleted": ("true", lambda _: True),
    },
    "providers": {
        "ids": ("cern,TIB", lambda one: one["id"] in ("cern", "tib")),
        "id": ("cern", lambda one: one["id"] == "cern"),
        "year": ("2010,2014", created(2010, 2014)),
        "from-date": ("2022-01-01", updated(lambda day: day >= "2022-01-01")),
        "until-date": ("2021-12-31", updated(lambda day: day <= "2021-12-31")),
        "region": ("EMEA", attribute("region", "EMEA")),
        "consortium-id": ("CONSORTIUM", None),
        "member-type": ("direct_member", attribute("memberType", "direct_member")),
        "organization-type": ("academicInstitution", attribute("organizationType", "academicInstitution")),
        "focus-area": ("general", attribute("focusArea", "general")),
        "non-profit-status": ("non-profit", attribute("nonProfitStatus", "non-profit")),
        "has-required-contacts": ("true", lambda _: True),
        "include-deleted": ("true", lambda _: True),
    },
    "prefixes": {
        "id": ("10.5281", lambda one: one["id"] == "10.5281"),
        "year": ("2011", created(2011)),
        "state": ("with-repository", lambda one: bool(one["relationships"]["clients"]["data"])),
        "provider-id": ("cern", linked("providers", "cern")),
        "client-id": ("gbif.gbif", linked("clients", "gbif.gbif")),
    },
    "client-prefixes": {
        "client-id": ("gbif.gbif", linked("client", "gbif.gbif")),
        "prefix-id": ("10.5281", linked("prefix", "10.5281")),
        "year": ("2011", created(2011)),
    },
    "repository-prefixes": {
        "repository-id": ("gbif.gbif", linked("repository", "gbif.gbif")),
        "prefix-id": ("10.5281", linked("prefix", "10.5281")),
        "year": ("2011", created(2011)),
    },
    "provider-prefixes": {
        "prefix-id": ("10.5281", linked("prefix", "10.5281")),
        "provider-id": ("cern", linked("provider", "cern")),
        "consortium-id": ("CONSORTIUM", None),
        "consortium-organization-id": ("cern", linked("provider", "cern")),
        "state": ("without-repository", lambda one: not one["relationships"]["clients"]["data"]),
        "year": ("2011", created(2011)),
    },
    "activities": {"ids": ("REQUEST", None)},
    "reference-repositories": {
        "ids": ("ENTRY", None),
        "year": ("2012", attribute("year", 2012)),
        "software": ("DSpace", attribute("software", "DSpace")),
        "certificate": ("CoreTrustSeal", attribute("certificate", "CoreTrustSeal")),
        "has-pid": ("true", lambda one: bool(one["attributes"]["pidSystem"])),
        "is-open": ("true", lambda one: one["attributes"]["dataAccess"][0]["type"] == "open"),
        "is-certified": ("true", lambda one: bool(one["attributes"]["certificate"])),
        "subject-id": ("34", lambda one: any(each["id"] == "34" for each in one["attributes"]["subject"])),
    },
    "events": {
        "id": ("EVENT", None),
        "subj-id": ("SUBJECT", None),
        "obj-id": ("OBJECT", None),
        "doi": ("TARGET", None),
        "source-doi": ("SOURCE", None),
        "target-doi": ("TARGET", None),
        "orcid": ("ORCID", None),
        "prefix": ("10.5281", ends(lambda end: end.startswith(f"{DOI}10.5281/"))),
        "subtype": ("Person", ends(lambda end: "orcid.org" in end)),
        "citation-type": ("Dataset-Person", ends(lambda end: "orcid.org" in end)),
        "source-id": ("crossref,datacite-related", lambda one: source(one) in ("crossref", "datacite-related")),
        "relation-type-id": ("is-authored-by", attribute("relationTypeId", "is-authored-by")),
        "source-relation-type-id": ("references", attribute("sourceRelationTypeId", "references")),
        "target-relation-type-id": ("views", attribute("targetRelationTypeId", "views")),
        "registrant-id": ("datacite.cern.zenodo", None),
        "issn": ("1932-6203", attribute("sourceId", "crossref")),
        "publication-year": ("2016-2018", lambda one: "2016" <= one["attributes"]["occurredAt"] < "2019"),
        "occurred-at": ("2017", lambda one: one["attributes"]["occurredAt"].startswith("2017")),
        "year-month": ("2019-08", lambda one: one["attributes"]["occurredAt"].startswith("2019-08")),
    },
    "reports": {
        "id": ("REPORT", None),
        "created-by": ("cern", header(lambda found: found["created-by"] == "cern")),
        "year": ("2019", header(lambda found: found["reporting-period"]["begin-date"].startswith("2019"))),
        "client-id": ("cern", header(lambda found: found["created-by"] == "cern")),
    },
}  # fmt: skip
SETTINGS = {"has-required-contacts", "include-deleted"}
"""Parameters that take nothing away here."""
NOBODY = {"opendoar-id"}
"""Filters on what no made-up record has."""


def meant(box: Sandbox, name: str, value: str) -> str:
    """Put an id of the corpus where a case names what it needs."""

    def citation() -> Raw:
        found: Raw = ask(box, "events", {"source-id": "datacite-related"})["data"][0]
        return found

    def author() -> str:
        found = ask(box, "events", {"relation-type-id": "is-authored-by"})["data"][0]
        return str(found["attributes"]["objId"]).rpartition("/")[2]

    consortia = box.corpus.now.roster.consortium_of
    words = {
        "CONSORTIUM": lambda: next(
            consortia[one.partition(".")[0]]
            for one in box.corpus.now.roster.clients
            if one.partition(".")[0] in consortia
        ),
        "REQUEST": lambda: ",".join(one["id"] for one in ask(box, "activities", {})["data"][:3]),
        "ENTRY": lambda: ",".join(one["id"] for one in ask(box, "reference-repositories", {})["data"][:3]),
        "REPORT": lambda: ",".join(one["id"] for one in ask(box, "reports", {})["reports"][:3]),
        "EVENT": lambda: citation()["id"],
        "SUBJECT": lambda: citation()["attributes"]["subjId"],
        "OBJECT": lambda: citation()["attributes"]["objId"],
        "SOURCE": lambda: citation()["attributes"]["sourceDoi"],
        "TARGET": lambda: citation()["attributes"]["targetDoi"],
        "ORCID": author,
    }
    return words[value]() if value in words else value


@pytest.mark.parametrize(("name", "given"), [(name, given) for name, cases in CASES.items() for given in cases])
async def test_a_filter_brings_what_it_names(name: str, given: str, small: Sandbox) -> None:
    """Each filter brings exactly the records that it names, with all their child rows."""
    resource = resources.load(name)
    value, holds = CASES[name][given]
    value = meant(small, name, value)
    whole = every(small, name)
    wanted = [one for one in whole if holds(one)] if holds else walk(small, name, {given: value})
    tables = await etl.fetch(name, filters={given: value}, base_url=small.base_url)
    assert Counter(tables[resource.main.name][resource.key.name]) == Counter(key(name, one) for one in wanted)
    assert len(wanted) < len(whole) or given in SETTINGS
    assert wanted or given in NOBODY
    for table in children(name):
        assert tables[table.name].height == sum(rows(table, one) for one in wanted)


DOIS = {
    "ids": "IDS",
    "provider-id": "cern,tib",
    "client-id": "nihnci.tcia",
    "consortium-id": "CONSORTIUM",
    "prefix": "10.7937",
    "state": "findable",
    "resource-type-id": "dataset",
    "resource-type": "Dataset",
    "created": "2015,2017",
    "registered": "2016",
    "published": "2012,2016",
    "schema-version": "4",
    "affiliation-id": "https://ror.org/04aj4c181",
    "affiliation-country": "DE",
    "funder-id": "10.13039/100000054",
    "funded-by": "https://ror.org/040gcmg81",
    "include-funder-child-organizations": "true",
    "user-id": "https://orcid.org/0000-0001-5000-0007",
    "subject": "climate",
    "field-of-science": "physical_sciences",
    "license": "cc-by-4.0",
    "certificate": "CoreTrustSeal",
    "source": "mds",
    "client-type": "periodical",
    "re3data-id": "10.17616/r30001",
    "opendoar-id": "1",
    "has-person": "true",
    "has-affiliation": "true",
    "has-organization": "true",
    "has-funder": "true",
    "include-other-registration-agencies": "true",
    "exclude-registration-agencies": "true",
    "enriched": "true",
    **{
        f"has-{what}": "1"
        for what in ("citations", "references", "parts", "part-of", "versions", "version-of", "views", "downloads")
    },
    "link-checked": "true",
    "link-check-status": "200",
    "link-check-redirect-count-gte": "1",
    **{
        f"link-check-{what}": "true"
        for what in (
            "has-schema-org",
            "body-has-pid",
            "found-schema-org-id",
            "found-dc-identifier",
            "found-citation-doi",
        )
    },
}


@pytest.mark.parametrize("given", DOIS)
async def test_a_filter_of_dois_brings_what_the_server_finds(given: str, small: Sandbox) -> None:
    """Each filter of DOIs is sent as the server reads it."""
    value = ",".join(small.corpus.ids()[:9]) if given == "ids" else meant(small, "dois", DOIS[given])
    tables = await etl.fetch("dois", filters={given: value}, names=["dois"], base_url=small.base_url)
    assert set(tables["dois"]["doi"]) == set(small.corpus.ids({given: value}) if given != "ids" else value.split(","))


def test_every_filter_is_used_once() -> None:
    """No declared filter of a current resource is left out above."""
    declared = {(name, one.name) for name in LISTED for one in resources.load(name).filters}
    used = {(name, given) for name, cases in CASES.items() for given in cases} | {("dois", given) for given in DOIS}
    assert declared == used


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("clients", lambda one: one["attributes"]["created"]),
        ("repositories", lambda one: one["attributes"]["created"]),
        ("providers", lambda one: one["attributes"]["created"]),
        ("activities", lambda one: one["attributes"]["prov:generatedAtTime"]),
    ],
)
def test_a_window_bounds_the_time_of_creation(
    name: str, moment: Callable[[Raw], str], small: Sandbox, tmp_path: Path
) -> None:
    """`--since` and `--until` bring what was created in those years, and nothing of the years beside."""
    window = ["--since", "2014", "--until", "2016"]
    assert cli.run(["export", name, *window, "--base-url", small.base_url, "--quiet", "--to", str(tmp_path)]) == 0
    wanted = [key(name, one) for one in every(small, name) if "2014" <= moment(one) < "2017"]
    got = etl.scan(str(tmp_path))[name].collect()
    assert wanted
    assert sorted(got[resources.load(name).key.name]) == sorted(wanted)


def test_a_window_of_events_is_asked_for_by_their_index(small: Sandbox, tmp_path: Path) -> None:
    """Events do not show when they were created; the search knows it as created_at."""
    window = ["--since", "2014", "--until", "2016"]
    assert cli.run(["export", "events", *window, "--base-url", small.base_url, "--quiet", "--to", str(tmp_path)]) == 0
    asked = {"query": "created_at:[2014-01-01T00:00:00Z TO 2017-01-01T00:00:00Z}"}
    wanted = {one["id"] for one in walk(small, "events", asked)}
    assert set(etl.scan(str(tmp_path))["events"].collect()["id"]) == wanted
    assert 0 < len(wanted) < len(every(small, "events"))


@pytest.mark.parametrize(("kind", "of"), [("doi", "DOI"), ("client", "cern.zenodo"), ("provider", "cern")])
def test_activities_of_one_record(kind: str, of: str, small: Sandbox, tmp_path: Path) -> None:
    """`--of` brings the activities of that record and no others, though the next link forgets it."""
    of = small.corpus.ids()[3] if of == "DOI" else of
    command = ["export", "activities", "--of", f"{kind}/{of}", "--base-url", small.base_url, "--quiet"]
    assert cli.run([*command, "--to", str(tmp_path)]) == 0
    got = pl.read_parquet(tmp_path / "activities" / "**" / "*.parquet")["was_derived_from"]
    assert len(got)
    assert {one.rpartition("/")[2] for one in got} == {of.rpartition("/")[2]}


def test_media_of_one_doi(small: Sandbox, tmp_path: Path) -> None:
    """Media are listed for one DOI at a time."""
    doi, owned = next((doi, n) for doi in small.corpus.ids() if (n := len(media(small, doi))))
    command = ["export", "media", "--of", f"doi/{doi}", "--base-url", small.base_url, "--quiet"]
    assert cli.run([*command, "--to", str(tmp_path)]) == 0
    got = pl.read_parquet(tmp_path / "media" / "**" / "*.parquet")
    assert got["doi"].to_list() == [doi] * owned


def media(box: Sandbox, doi: str) -> list[Raw]:
    found = site.respond(Request(path=f"/dois/{quote(doi)}/media"), box.corpus)
    return list(json.loads(found.plain())["data"])


def test_long_lists_are_walked_beyond_what_page_numbers_reach(small: Sandbox) -> None:
    """The prefixes are more than 10,000, so the whole export above went further than any page number does."""
    assert ask(small, "prefixes", {"page[size]": "0"})["meta"]["total"] > 10_000


@pytest.mark.parametrize("size", [2, 3, 7])
async def test_activities_of_one_request_are_not_lost_between_pages(size: int, small: Sandbox) -> None:
    """Wherever a page ends, activities with the same id and time come all, and once."""
    from etl.api.client import connect
    from etl.api.query import Query, check
    from etl.settings import Settings

    query = check(Query(resource=resources.load("activities")))
    got: list[Raw] = []
    async with connect(Settings(base_url=small.base_url, rate=100_000)) as client:
        async for page in client.pages(query, size=size):
            got += [json.loads(record) for record in page.document.records]
    assert Counter(key("activities", one) for one in got) == Counter(
        key("activities", one) for one in walk(small, "activities")
    )
