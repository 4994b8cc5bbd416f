"""What docs/migration.md promises a user of another tool: the same columns with the same values, of every record."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import duckdb
import pytest

from etl.sandbox import Sandbox
from tests.conftest import Command

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
QUERY = re.search(r"cat > getdoi\.sql <<'END'\n(.*?)^END$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def named(creator: dict[str, Any]) -> str:
    """Return a creator as the other tool writes it."""
    both = creator.get("givenName") and creator.get("familyName")
    name = f"{creator['givenName']} {creator['familyName']}" if both else creator.get("name") or ""
    ids = ", ".join(one["nameIdentifier"] for one in creator.get("nameIdentifiers") or ())
    return f"{name} ({ids})" if ids else name


def first(entries: list[dict[str, Any]] | None, key: str) -> Any:
    return entries[0].get(key) if entries else None


def joined(texts: list[str]) -> str | None:
    return "; ".join(texts) or None


def as_it_was(record: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that the other tool reads off a record, but for times and nested lists."""
    own = record["attributes"]
    related = [f"{one['relationType']}: {one['relatedIdentifier']}" for one in own.get("relatedIdentifiers") or ()]
    return {
        "DOI": record["id"],
        "Identifier": first(own["identifiers"], "identifier"),
        "CreatorNames": joined([named(one) for one in own["creators"]]),
        "Title": first(own["titles"], "title"),
        "Related": joined(related),
        "Version": own["version"],
        "Rights": joined([one["rights"] for one in own["rightsList"] if one.get("rights")]),
        "RightsURI": joined([one["rightsUri"] for one in own["rightsList"] if one.get("rightsUri")]),
        "Description": first(own["descriptions"], "description"),
        "URL": own["url"],
        "ViewCount": own["viewCount"],
        "CitationCount": own["citationCount"],
        "ReferenceCount": own["referenceCount"],
    }


def test_every_column_of_getdoi_is_there_with_the_same_values(
    box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's query over an export gives what the other tool's first page gives, record by record."""
    monkeypatch.chdir(tmp_path)
    asked = ("--filter", "client-id=nihnci.tcia")
    command("export", "dois", "--base-url", box.base_url, *asked, "--to", "tcia", "--quiet")
    with urlopen(f"{box.base_url}/dois?client-id=nihnci.tcia&page%5Bsize%5D=1000") as answer:
        expected = [as_it_was(record) for record in json.load(answer)["data"]]
    assert QUERY is not None
    *macros, query = QUERY[1].split(";\n")
    with duckdb.connect() as db:
        for macro in macros:
            db.sql(macro)
        found = db.sql(query).to_arrow_table().to_pylist()
    assert {"Created", "Updated", "FundingReferences"} < found[0].keys()
    shown = [{name: row[name] for name in expected[0]} for row in found]
    key = lambda row: row["DOI"]  # noqa: E731
    assert sorted(shown, key=key) == sorted(expected, key=key)
    assert len(shown) > 50
