"""API v1 from outside: every resource is exported from both generations of the sandbox, with every filter."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import etl.resources
from etl import cli, notebook
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.v1.entry import Entry, Manner
from etl.sandbox.v1.library import Library, library
from tests.conftest import Command, data_files

pytestmark = pytest.mark.slow

NAMES = [name for name in etl.resources.names() if name.startswith("v1/")]
GENERATIONS = ("1.0", "1.1")


@pytest.fixture(scope="module")
def boxes() -> Iterator[Mapping[str, Sandbox]]:
    """A sandbox of each generation with the same corpus; agents are data in both."""
    old, new = (
        Corpus.generate(records=1600, seed=7, manner=Manner(generation=one, agents=True)) for one in GENERATIONS
    )
    with running(old) as first, running(new) as second:
        yield {"1.0": first, "1.1": second}


def truth(box: Sandbox) -> Library:
    return library(box.corpus.now, box.corpus.manner)


def key(entry: Entry) -> str:
    """The expected key of a record: its id, or the contents of a record without a lasting id."""
    if not entry.random:
        return entry.id.lower()
    role = "contributor-role-id" if entry.kind == "contributions" else "relation-type-id"
    return "|".join(entry.attributes[name] for name in ("subj-id", "obj-id", "source-id", role)).lower()


def test_there_are_fifteen() -> None:
    """Every resource of the old API is declared."""
    assert len(NAMES) == 15


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_every_resource_comes_out_whole(
    boxes: Mapping[str, Sandbox], name: str, generation: str, tmp_path: Path
) -> None:
    """An export with every include has each record once, proved complete, and each linked record in its own table."""
    box, resource = boxes[generation], etl.resources.load(name)
    include = ",".join(entry.name for entry in resource.includes)
    options = ["--include", include] if include else []
    to = tmp_path / "o"
    assert cli.run(["export", name, "--base-url", f"{box.base_url}/v1", "--to", str(to), "--quiet", *options]) == 0
    proof = json.loads((to / "_etl/manifest.json").read_text())
    shelf = truth(box)
    entries = shelf.named(resource.type)
    assert proof["verdict"] == "complete"
    assert sorted(pl.read_parquet(to / resource.main.name)[resource.key.name]) == sorted(map(key, entries))
    assert not proof["schema_drift"]
    for entry in resource.includes:
        other = etl.resources.load(entry.resource)
        linked = {id_ for one in entries if (id_ := one.links[entry.name]) and shelf.find(other.type, id_)}
        assert set(pl.read_parquet(to / other.main.name)["id"]) == linked
        assert linked


@pytest.mark.parametrize("generation", GENERATIONS)
def test_lists_within_works_have_a_row_an_entry(boxes: Mapping[str, Sandbox], generation: str) -> None:
    """Authors, results and media of works are as many as the server sent."""
    box = boxes[generation]
    found = notebook.fetch_sync("v1/works", base_url=f"{box.base_url}/v1")
    attributes = [one.older if generation == "1.0" else one.attributes for one in truth(box).works]
    for table, name in (("v1_work_authors", "author"), ("v1_work_results", "results"), ("v1_work_media", "media")):
        assert len(found[table]) == sum(len(one.get(name) or []) for one in attributes if one is not None)


def has(name: str, wanted: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda given: str(given[name]) == wanted


def between(name: str, low: str, high: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda given: low <= (given[name] or "") <= high


def linked(name: str, *dois: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda given: any(given[name].lower().endswith(f"doi.org/{doi}") for doi in dois)


def asked(shelf: Library) -> dict[tuple[str, str], tuple[str, Callable[[Mapping[str, Any]], bool]]]:
    """Return, for each filter, a value and the records that it selects."""
    relation = shelf.relations[5].attributes
    doi = relation["doi"].lower()
    person = shelf.contributions[3].attributes
    event = shelf.named("events")[4].attributes
    member = shelf.named("members")[0].attributes
    of_relations = {one.attributes["doi"] for one in shelf.relations}
    of_kind = {one.attributes["doi"] for one in shelf.relations if one.attributes["relation-type-id"] == "cites"}
    return {
        ("works", "resource-type-id"): ("software", has("resource-type-id", "software")),
        ("works", "publisher-id"): ("cern.zenodo", has("publisher-id", "cern.zenodo")),
        ("works", "member-id"): ("tib", has("member-id", "tib")),
        ("works", "source-id"): (
            "datacite-related",
            lambda given: (
                given["doi"] in of_relations
                and any(
                    one.attributes["doi"] == given["doi"] and one.attributes["source-id"] == "datacite-related"
                    for one in shelf.relations
                )
            ),
        ),
        ("works", "relation-type-id"): ("cites", lambda given: given["doi"] in of_kind),
        ("works", "year"): ("2015", has("published", "2015")),
        ("works", "schema-version"): ("2.2", has("schema-version", "2.2")),
        ("works", "from-created-date"): ("2019", between("deposited", "2019-01-01T00:00:00Z", "9")),
        ("works", "until-created-date"): ("2014-02", between("deposited", "0", "2014-02-28T23:59:59Z")),
        ("works", "from-update-date"): ("2021-06-15", between("updated", "2021-06-15T00:00:00Z", "9")),
        ("works", "until-update-date"): ("2020-02-29", between("updated", "0", "2020-02-29T23:59:59Z")),
        ("contributions", "contributor-id"): (f"orcid.org/{person['orcid']}", has("orcid", person["orcid"])),
        ("contributions", "work-id"): (person["doi"].lower(), linked("obj-id", person["doi"].lower())),
        ("contributions", "publisher-id"): (person["publisher-id"], has("publisher-id", person["publisher-id"])),
        ("contributions", "source-id"): ("datacite-search-link", has("source-id", "datacite-search-link")),
        ("relations", "relation-type-id"): ("references", has("relation-type-id", "references")),
        ("relations", "work-id"): (doi, linked("subj-id", doi)),
        ("relations", "work-ids"): (f"{doi},10.1/none", linked("subj-id", doi)),
        ("relations", "source-id"): ("datacite-crossref", has("source-id", "datacite-crossref")),
        ("events", "state"): ("waiting", has("state", "waiting")),
        ("events", "prefix"): (event["prefix"], has("prefix", event["prefix"])),
        ("events", "message-type"): ("contribution", has("message-type", "contribution")),
        ("events", "source-token"): (event["source-token"], has("source-token", event["source-token"])),
        ("events", "source-id"): ("datacite-crossref", has("source-id", "datacite_crossref")),
        ("events", "registration-agency-id"): ("datacite", has("registration-agency-id", "datacite")),
        ("members", "member-type"): ("allocating", has("member-type", "allocating")),
        ("members", "region"): ("emea", has("region", "EMEA")),
        ("members", "year"): (str(member["year"]), has("year", str(member["year"]))),
        ("pages", "tag"): ("orcid", lambda given: "orcid" in given["tags"]),
        ("publishers", "ids"): ("cern.zenodo,gbif.gbif", lambda given: given["title"][:6] in ("Zenodo", "Global")),
        ("publishers", "member-id"): ("gbif", has("member-id", "gbif")),
        ("publishers", "registration-agency-id"): ("datacite", has("registration-agency-id", "datacite")),
        ("sources", "group-id"): ("relations", has("group-id", "relations")),
    }


FILTERS = [(name, entry.name) for name in NAMES for entry in etl.resources.load(name).filters]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(("name", "filter_name"), FILTERS)
def test_every_filter_leaves_what_it_should(
    boxes: Mapping[str, Sandbox], name: str, filter_name: str, generation: str
) -> None:
    """A filter returns the records whose own attributes match it, and at least one."""
    box = boxes[generation]
    shelf = truth(box)
    wanted, keep = asked(shelf)[name.removeprefix("v1/"), filter_name]
    expected = [key(one) for one in shelf.named(name.removeprefix("v1/")) if keep(one.attributes)]
    found = notebook.fetch_sync(name, filters={filter_name: wanted}, base_url=f"{box.base_url}/v1")
    main = etl.resources.load(name).main
    assert sorted(found[main.name][main.columns[0].name]) == sorted(expected)
    assert expected


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("works", "glacier"),
        ("contributors", "rossi"),
        ("events", "10."),
        ("members", "university"),
        ("publishers", "zenodo"),
        ("relations", "glacier"),
        ("sources", "orcid"),
        ("pages", "orcid"),
    ],
)
def test_a_search_is_passed_on(boxes: Mapping[str, Sandbox], name: str, query: str) -> None:
    """The text of a query reaches the server unchanged, and all matching records arrive."""
    box = boxes["1.1"]
    expected = [key(one) for one in truth(box).named(name) if query in one.text]
    found = notebook.fetch_sync(f"v1/{name}", query=query, base_url=f"{box.base_url}/v1")
    assert sorted(found[f"v1_{name}"]["id"]) == sorted(expected)
    assert expected


def test_the_name_in_the_old_documents_is_understood(boxes: Mapping[str, Sandbox]) -> None:
    """`resource-id` is documented, but the server knows only `resource-type-id` and would send everything."""
    found = notebook.fetch_sync("v1/works", filters={"resource-id": "image"}, base_url=f"{boxes['1.1'].base_url}/v1")
    assert set(found["v1_works"]["resource_type_id"]) == {"image"}


def test_works_of_a_member_are_those_of_its_provider(boxes: Mapping[str, Sandbox]) -> None:
    """Both dialects of the sandbox have the same DOIs."""
    box = boxes["1.1"]
    found = notebook.fetch_sync("v1/works", filters={"member-id": "tib"}, base_url=f"{box.base_url}/v1")
    assert sorted(found["v1_works"]["doi"]) == sorted(box.corpus.ids({"provider-id": "tib"}))


def test_works_below_a_member_can_be_asked_for(boxes: Mapping[str, Sandbox], command: Command, tmp_path: Path) -> None:
    """`--of members/tib` exports the list of a member."""
    box = boxes["1.0"]
    ran = command(
        "export",
        "v1/works",
        "--of",
        "members/tib",
        "--base-url",
        f"{box.base_url}/v1",
        "--to",
        tmp_path / "o",
        "--json",
    )
    assert (ran.code, ran.json["unique"]) == (0, len(box.corpus.ids({"provider-id": "tib"})))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("v1/works", "use dois"),
        ("v1/members", "use providers"),
        ("v1/publishers", "use clients"),
        ("v1/relations", "use events"),
        ("v1/contributions", "no equivalent"),
        ("v1/groups", "no equivalent"),
    ],
)
def test_a_server_of_today_is_answered_with_what_to_use_instead(
    boxes: Mapping[str, Sandbox], command: Command, tmp_path: Path, name: str, instead: str
) -> None:
    """Where API v1 is switched off, one line says so and names the current equivalent, if there is one."""
    ran = command("export", name, "--base-url", boxes["1.1"].base_url, "--to", tmp_path / "o", "--quiet")
    assert ran.code == 1
    assert "switched API v1 off" in ran.err
    assert instead in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_sandbox_serves_it_below_v1(command: Command, tmp_path: Path) -> None:
    """`--sandbox` alone is enough: the command knows the path of the old API, and options choose the generation."""
    for generation in GENERATIONS:
        options = f"--records 600 --generation {generation}"
        ran = command(
            "export", "v1/works", "--sandbox", f"--sandbox-options={options}", "--to", tmp_path / generation, "--json"
        )
        assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 600)
        found = pl.read_parquet(tmp_path / generation / "v1_works")
        assert found["id"].str.starts_with("http://" if generation == "1.0" else "https://").all()


def test_a_second_export_has_the_same_bytes_though_the_ids_differ(
    boxes: Mapping[str, Sandbox], command: Command, tmp_path: Path
) -> None:
    """Keys made of lasting values make exports of contributions comparable."""
    common = ("export", "v1/contributions", "--base-url", f"{boxes['1.1'].base_url}/v1", "--quiet", "--to")
    for place in ("a", "b"):
        assert command(*common, tmp_path / place).code == 0
    assert data_files(tmp_path / "a") == data_files(tmp_path / "b")
