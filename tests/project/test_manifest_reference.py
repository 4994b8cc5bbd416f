"""The manifest's JSON Schema against the manifests that every command writes, and against manifests that are wrong."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from etl import cli
from etl.sandbox import Corpus, datafile, running
from tests.support.miscounting import overcounting
from tools.reference import manifest as manifestdocs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("manifests")]  # their making is most of the work

COMMANDS = ("export", "facets", "sample", "incomplete", "v1", "synced", "metrics", "ingested", "rebuilt")


def run(*arguments: object) -> None:
    assert cli.run([str(argument) for argument in arguments] + ["--quiet"]) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Manifests of all kinds of runs."""
    at = tmp_path_factory.mktemp("made")
    corpus = Corpus.generate(records=60, seed=5)
    datafile.write_data_file(corpus, at / "file", part_records=30)
    found: dict[str, dict[str, Any]] = {}

    def take(name: str, folder: Path) -> None:
        found[name] = json.loads((folder / "_etl" / "manifest.json").read_text())

    with running(corpus) as box:
        export = ("export", "dois", "--base-url", box.base_url)
        selection = ("--filter", "provider-id=nihnci", "--since", "2010", "--allow-empty")
        run(*export, "--include", "client", "--to", at / "export", *selection)
        take("export", at / "export")
        run(*export, "--to", at / "facets", "--tables", "doi_titles")
        take("facets", at / "facets")
        run(*export, "--limit", 5, "--to", at / "sample", "--keep-raw")
        take("sample", at / "sample")
        run("export", "v1/works", "--base-url", f"{box.base_url}/v1", "--to", at / "v1")
        take("v1", at / "v1")
        box.corpus.withdraw(box.corpus.ids()[:2])
        run("sync", at / "facets", "--base-url", box.base_url)
        take("synced", at / "facets")
        run("sync", at / "facets", "--base-url", box.base_url, "--metrics")
        take("metrics", at / "facets")
    run("ingest", at / "file", "--to", at / "ingested")
    take("ingested", at / "ingested")
    run("ingest", at / "sample", "--to", at / "rebuilt")
    take("rebuilt", at / "rebuilt")
    with overcounting(Corpus.generate(records=20, seed=1)) as url:
        run("export", "dois", "--base-url", url, "--allow-incomplete", "--to", at / "incomplete")
    take("incomplete", at / "incomplete")
    return found


def closed(schema: Any) -> Any:
    """Return the schema with nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: closed(each) for name, each in schema.items()}
    return {**strict, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else strict


@pytest.mark.parametrize("name", COMMANDS)
def test_every_manifest_is_of_the_schema_and_has_nothing_that_it_does_not_name(
    made: dict[str, dict[str, Any]], name: str
) -> None:
    """Whatever command wrote it; every name that occurs is described."""
    jsonschema.Draft202012Validator.check_schema(manifestdocs.schema())
    jsonschema.validate(made[name], closed(manifestdocs.schema()), jsonschema.Draft202012Validator)


def test_the_manifests_above_have_something_of_everything(made: dict[str, dict[str, Any]]) -> None:
    """What is only said of lists that are empty would be said of nothing."""
    assert made["export"]["included"]
    assert made["export"]["request"]["window"]["start"]
    assert any(one["facets"] for one in made.values())
    assert made["sample"]["request"]["limit"] == 5
    assert made["incomplete"]["verdict"] == "incomplete"
    assert made["synced"]["changes"]
    assert made["metrics"]["metrics"]
    assert made["ingested"]["data_file"]
    assert made["rebuilt"]["dataset"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "fine"),
        (("totals", "unique"), "60"),
        (("slices", 0, "window", "start"), "2010"),
        (("tables", "dois", "files", 0, "rows"), None),
        (("format_version",), 2),
    ],
)
def test_a_manifest_that_is_wrong_is_not_of_the_schema(
    made: dict[str, dict[str, Any]], path: tuple[Any, ...], value: object
) -> None:
    """An unknown verdict, a number as text, another format."""
    wrong = copy.deepcopy(made["export"])
    at = wrong
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, manifestdocs.schema(), jsonschema.Draft202012Validator)


def test_the_files_are_what_the_code_says() -> None:
    """docs/manifest.schema.json and docs/manifest.md are what `python -m tools.reference` writes today."""
    docs = Path(__file__).parents[2] / "docs"
    assert (docs / "manifest.schema.json").read_text() == manifestdocs.text()
    assert (docs / "manifest.md").read_text() == manifestdocs.page()
