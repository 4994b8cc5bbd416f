"""Single records by id: had in any spelling, grouped where the API can, or named with the reason."""

import io
import json
from pathlib import Path

import polars as pl
import pytest

import etl
from etl import resources
from etl.api import lookup
from etl.sandbox import Sandbox
from tests.conftest import Command


def some_ids(box: Sandbox, count: int) -> list[str]:
    return box.corpus.ids({"client-id": "nihnci.tcia"})[:count]


def test_a_record_is_printed_as_json(box: Sandbox, command: Command) -> None:
    """`get dois ID` prints the record of the heavy view, whatever the case of the id."""
    one = some_ids(box, 1)[0]
    ran = command("get", "dois", one.upper(), "--base-url", box.base_url, "--quiet")
    assert ran.code == 0
    record = json.loads(ran.out)
    assert record["id"].lower() == one
    assert "xml" in record["attributes"]


def test_ids_that_are_not_there_are_named(box: Sandbox, command: Command) -> None:
    """An unknown id and a withdrawn one end in exit code 3 and stand under `missing`; the others are had."""
    one = some_ids(box, 1)[0]
    ran = command("get", "dois", one, "10.9999/no-such", "--base-url", box.base_url, "--json", "--quiet")
    assert ran.code == 3
    assert ran.json["found"] == 1
    assert list(ran.json["missing"]) == ["10.9999/no-such"]
    assert ran.json["fix"] in ran.err.splitlines()[-1]


def test_ids_that_are_all_unknown_write_nothing(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Where no record came there are no tables, which would look like an answer."""
    ran = command("get", "dois", "10.9999/no-such", "--to", tmp_path / "o", "--base-url", box.base_url, "--quiet")
    assert ran.code == 3
    assert list(tmp_path.iterdir()) == []


def test_odd_ids_survive_the_way(box: Sandbox, command: Command) -> None:
    """DOIs with `//`, brackets and other odd characters are found as singles and in groups."""
    odd = [one for one in box.corpus.ids() if "//" in one or any(sign in one for sign in "<>(;#?")]
    assert odd
    for ids in (odd[:2], odd):
        ran = command("get", "dois", *ids, "--base-url", box.base_url, "--json", "--quiet")
        assert {record["id"].lower() for record in ran.json["records"]} == set(ids)


def test_many_ids_are_asked_for_in_groups(
    box: Sandbox, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sixty ids from stdin take two requests, not sixty; their tables are written as files."""
    ids = some_ids(box, 60)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(ids) + "\n\n# the end\n"))
    before = len(box.targets)
    ran = command(
        "get", "dois", "-", "--base-url", box.base_url, "--to", tmp_path, "--format", "csv,parquet", "--quiet"
    )
    assert (ran.code, ran.out) == (0, "")
    assert len(box.targets) - before == 2
    assert set(pl.read_parquet(tmp_path / "dois.parquet")["doi"]) == set(ids)
    assert pl.read_csv(tmp_path / "links.csv").height > 0


def test_a_pasted_address_is_fetched(box: Sandbox, command: Command) -> None:
    """`/doi/ID` names a record by itself."""
    one = some_ids(box, 1)[0]
    ran = command("get", f"/doi/{one}", "--base-url", box.base_url, "--json", "--quiet")
    assert ran.json["records"][0]["id"].lower() == one


def test_nothing_to_fetch_is_a_usage_error(box: Sandbox, command: Command) -> None:
    """`get dois` without ids says how to give them."""
    ran = command("get", "dois", "--base-url", box.base_url)
    assert ran.code == 2
    assert "--ids-from" in ran.err


@pytest.mark.parametrize(
    "name", ["dois", "activities", "v1/works", "v1/contributors", "v1/pages", "v1/members", "v1/relation-types"]
)
def test_the_keys_of_a_table_are_ids(box: Sandbox, command: Command, name: str) -> None:
    """Whatever stands in a table's key column can be asked for, addresses and compound keys among them."""
    base = f"{box.base_url}/v1" if name.startswith("v1/") else box.base_url
    tables = etl.fetch_sync(name, base_url=base, limit=2)
    for key in tables[resources.load(name).main.name][resources.load(name).key.name]:
        ran = command("get", name, key, "--base-url", base, "--json", "--quiet")
        assert (ran.code, ran.json["found"]) == (0, 1)


def test_a_doi_may_be_an_address(box: Sandbox, command: Command) -> None:
    """As people copy it, alone and in a group."""
    ids = [f"https://doi.org/{one.upper()}" for one in some_ids(box, 5)]
    for asked in (ids[:1], ids):
        ran = command("get", "dois", *asked, "--base-url", box.base_url, "--json", "--quiet")
        assert (ran.code, ran.json["found"]) == (0, len(asked))


@pytest.mark.parametrize(
    "written",
    [
        "10.5072/A",
        "doi:10.5072/a",
        "DOI: 10.5072/a",
        "info:doi/10.5072/a",
        "doi.org/10.5072/a",
        "http://dx.doi.org/10.5072/a",
        "https://www.doi.org/10.5072%2FA",
        '"10.5072/a"',
        "\ufeff10.5072/a\u200b ",
    ],
)
def test_a_doi_is_recognised_as_people_write_it(written: str) -> None:
    """The prefix, the scheme and what copying leaves are not part of it."""
    assert lookup.bare_id(written) == "10.5072/a"


def test_percent_signs_of_a_plain_doi_are_its_own() -> None:
    """Only a URL is encoded."""
    assert lookup.bare_id("doi:10.5072/a%2Fb") == "10.5072/a%2fb"
    assert lookup.bare_id("https://doi.org/10.5072/%3Ca%3E") == "10.5072/<a>"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_list_of_ids_is_read_however_it_was_saved(
    encoding: str, box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a byte-order mark, the line ends of Windows, comments and quotes; as a file and through stdin."""
    ids = some_ids(box, 3)
    text = f'# Müll\r\n{ids[0]}\r\n"doi:{ids[1]}"\r\nhttps://doi.org/{ids[2]} # last\r\n\r\n'
    (tmp_path / "ids.txt").write_bytes(text.encode(encoding))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode(encoding)), "ascii"))
    for given in (["-"], ["--ids-from", tmp_path / "ids.txt"]):
        ran = command("get", "dois", *given, "--base-url", box.base_url, "--json", "--quiet")
        assert (ran.code, ran.json["found"]) == (0, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("10.5072/a\n10.5072/ä\n".encode("latin-1"), "line 2: the text is not valid UTF-8"),
        ("10.5072/a".encode("utf-16-le"), "line 1: a NUL character"),
        (b'10.5072/a\n{"data": []}', "line 2: '{\"data\": []}' is not an id"),
        (b"<html>", "line 1: '<html>' is not an id"),
        (b"\ndoi,state\n10.5072/a,findable\n", "line 2: several columns"),
        (b"10.5072/a\tfindable\n", "line 1: several columns"),
        (b"10.5072/a\x07\n", "line 1: '10.5072/a\\x07' is not an id"),
        (b"10.5072/" + b"a" * 5000, "line 1: '10.5072/aaa"),
    ],
)
def test_what_is_not_a_list_of_ids_is_refused_with_its_line(
    content: bytes, message: str, command: Command, tmp_path: Path
) -> None:
    """Nothing is requested."""
    (tmp_path / "ids.txt").write_bytes(content)
    ran = command("get", "dois", "--ids-from", tmp_path / "ids.txt", "--base-url", "http://127.0.0.1:9")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert f"ids.txt, {message}" in ran.err


def test_a_list_that_is_gone_or_has_no_lasting_ids_is_told(box: Sandbox, command: Command) -> None:
    """An id of v1 that the current API does not know is not at fault."""
    ran = command("get", "v1/works", "10.1/x", "--base-url", box.base_url)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "use dois" in ran.err
    ran = command("get", "v1/contributions", "x", "--base-url", f"{box.base_url}/v1")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "no lasting ids" in ran.err
