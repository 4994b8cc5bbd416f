"""The main job, seen from outside: the command line, a sandbox, and the destination."""

import csv
import json
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import etl.resources
from etl.records.flatten import frame_schema
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.faults import parse_fault
from etl.sandbox.v1.entry import Manner
from etl.staging import part
from tests.conftest import Command, data_files

TCIA = "client-id=nihnci.tcia"


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One export of a client with its included records, in both formats."""
    from etl import cli

    to = tmp_path_factory.mktemp("exported") / "out"
    options = ["--filter", TCIA, "--include", "client,media", "--format", "parquet", "--format", "csv", "--quiet"]
    assert cli.run(["export", "dois", "--base-url", box.base_url, "--to", str(to), *options]) == 0
    return to


def manifest(to: Path) -> dict:
    return json.loads((to / "_etl" / "manifest.json").read_text())


def test_every_record_of_the_query_is_in_the_main_table(box: Sandbox, exported: Path) -> None:
    """An export holds exactly the records that match, by lower-case DOI."""
    wanted = {one.lower() for one in box.corpus.ids({"client-id": "nihnci.tcia"})}
    got = pl.read_parquet(exported / "dois" / "**" / "*.parquet")["doi"].to_list()
    assert len(got) == len(set(got))
    assert set(got) == wanted
    assert wanted


def test_the_json_summary_has_the_promised_fields(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`--json` prints one object with the fields of the contract and nothing else on stdout."""
    ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--filter", TCIA, "--json")
    assert ran.code == 0
    named = (
        "verdict resource expected received unique duplicates rejects requests retries slices bytes_downloaded seconds"
    )
    assert set(named.split()) <= ran.json.keys()
    assert ran.json["verdict"] == "complete"
    assert ran.json["expected"] == ran.json["received"] == ran.json["unique"] == ran.json["tables"]["dois"]
    assert Path(ran.json["manifest"]).is_file()


def test_the_manifest_has_the_promised_fields(exported: Path) -> None:
    """The proof names request, totals, slices, tables with their files, included and drift."""
    proof = manifest(exported)
    top = "format_version resource dialect base_url request run_id started finished verdict totals slices tables"
    assert set(top.split()) | {"included", "facets", "watermark", "schema_drift"} <= proof.keys()
    assert {"expected_before", "expected_after", "received", "unique", "duplicates", "rejects"} <= proof[
        "totals"
    ].keys()
    one = proof["slices"][0]
    assert {
        "key",
        "window",
        "expected_before",
        "expected_after",
        "received",
        "unique",
        "verdict",
        "attempts",
    } <= one.keys()
    file = proof["tables"]["dois"]["files"][0]
    assert file.keys() == {"path", "rows", "bytes", "sha256"}


def test_every_table_exists_with_all_its_columns_whatever_came(exported: Path) -> None:
    """Empty tables are files too, with the declared columns and types."""
    resource = etl.resources.load("dois")
    for table in resource.tables:
        frame = pl.read_parquet(exported / table.name / "**" / "*.parquet")
        assert set(frame.columns) - {"created_year"} == frame_schema(resource, table).keys() - {"created_year"}


def test_duckdb_and_polars_read_the_same_rows_through_hive_partitions(exported: Path) -> None:
    """Parquet and CSV of a table hold the same rows for two readers, partition column included."""
    glob = f"{exported}/dois/**/*"
    count = "select created_year, count(*) from read_{}('{}', hive_partitioning=true{}) group by 1 order by 1"
    by_parquet = duckdb.sql(count.format("parquet", f"{glob}.parquet", "")).fetchall()
    by_csv = duckdb.sql(count.format("csv", f"{glob}.csv", ", all_varchar=true")).fetchall()
    scanned = pl.scan_parquet(f"{glob}.parquet", hive_partitioning=True)
    by_polars = scanned.group_by("created_year").len().sort("created_year").collect().rows()
    assert by_polars == by_parquet
    assert [(int(year), n) for year, n in by_csv] == by_parquet
    assert len(by_parquet) > 1


def test_every_included_record_is_in_its_dimension_table_once(exported: Path) -> None:
    """Each linked client and media has its record, and the manifest counts them."""
    proof = manifest(exported)
    linked = pl.read_parquet(exported / "doi_relationships" / "**" / "*.parquet")
    clients = pl.read_parquet(exported / "clients" / "**" / "*.parquet")
    assert set(linked.filter(pl.col("relation") == "client")["target_id"]) == set(clients["id"]) == {"nihnci.tcia"}
    assert proof["included"]["clients"] == {"linked": 1, "received": 1, "missing": 0, "named": []}


def test_files_are_sorted_by_key_and_say_what_they_are(exported: Path) -> None:
    """Parquet files carry the request and are sorted by DOI; nothing in them names a run or a server."""
    for path in (exported / "doi_creators").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        assert frame.select("doi", "position").equals(frame.select("doi", "position").sort("doi", "position"))
        metadata = {key.decode(): value.decode() for key, value in pq.read_schema(path).metadata.items()}
        assert json.loads(metadata["datacite-etl.request"])["filters"] == {"client-id": "nihnci.tcia"}
        assert not any("127.0.0.1" in value or "run_id" in value for value in metadata.values())


def test_csv_is_plain_rfc_4180(exported: Path) -> None:
    """Python's own reader gets header and rows, and every row has as many cells as the header."""
    for path in (exported / "doi_titles").rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert rows[0][:2] == ["doi", "position"]
        assert {len(row) for row in rows} == {len(rows[0])}


def test_the_same_question_gives_the_same_bytes(box: Sandbox, exported: Path, command: Command, tmp_path: Path) -> None:
    """A second export of the same query into another place has the same data files, byte for byte."""
    options = ("--filter", TCIA, "--include", "client,media", "--format", "parquet,csv", "--concurrency", 1, "--quiet")
    assert command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *options).code == 0
    assert data_files(tmp_path / "o") == data_files(exported)


@pytest.mark.slow
def test_slices_do_not_show_in_the_files(command: Command, tmp_path: Path) -> None:
    """A query of several slices is proved slice by slice and exported whole."""
    with running(Corpus.generate(records=12_000, seed=5)) as box:
        ran = command(
            "export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--json", "--tables", "doi_titles"
        )
        assert (ran.code, ran.json["unique"]) == (0, 12_000)
        assert ran.json["slices"] > 1
        assert set(ran.json["tables"]) == {"dois", "doi_titles"}
        proof = manifest(tmp_path / "o")
        assert sum(one["unique"] for one in proof["slices"]) == 12_000
        assert {one["verdict"] for one in proof["slices"]} == {"complete"}


def test_a_record_that_comes_twice_is_there_once_however_far_apart(
    monkeypatch: pytest.MonkeyPatch, command: Command, tmp_path: Path
) -> None:
    """The second copy may be in another group of records that are written together."""
    monkeypatch.setattr(part, "GROUP", 100)
    options = ("--tables", "doi_titles", "--quiet", "--json")
    with running(Corpus.generate(records=1_500, seed=4), faults=["twice=1"]) as box:
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *options)
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 1_500)
    assert ran.json["duplicates"] == ran.json["received"] - 1_500 > 0
    assert ran.json["tables"]["dois"] == 1_500
    assert command("verify", tmp_path / "o").code == 0


def test_a_sample_claims_nothing(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`--limit` fetches that many records and says `sample`."""
    ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--limit", 50, "--json")
    assert (ran.code, ran.json["verdict"], ran.json["tables"]["dois"]) == (0, "sample", 50)


def test_partitions_follow_the_wish(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`--partition-by` makes folders of any main-table column, in child tables too; `none` makes none."""
    common = ("export", "dois", "--base-url", box.base_url, "--filter", TCIA, "--quiet", "--to")
    assert command(*common, tmp_path / "a", "--partition-by", "state").code == 0
    assert [path.name for path in (tmp_path / "a" / "doi_titles").iterdir()] == ["state=findable"]
    assert command(*common, tmp_path / "b", "--partition-by", "none").code == 0
    assert all(path.suffix == ".parquet" for path in (tmp_path / "b" / "dois").iterdir())


@pytest.mark.slow
def test_a_published_dataset_verifies(exported: Path, command: Command) -> None:
    """`verify` finds nothing wrong with a fresh dataset, and names a flipped byte."""
    assert command("verify", exported).code == 0
    victim = next((exported / "doi_titles").rglob("*.parquet"))
    sound = victim.read_bytes()
    victim.write_bytes(sound[:-9] + bytes([sound[-9] ^ 1]) + sound[-8:])
    ran = command("verify", exported, "--json")
    victim.write_bytes(sound)
    assert ran.code == 1
    assert ran.json["findings"][0]["path"] == str(victim.relative_to(exported))


@pytest.mark.slow
def test_raw_records_are_kept_on_demand(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`--keep-raw` keeps every record as received, one per line."""
    options = ("--filter", TCIA, "--keep-raw", "--quiet")
    assert command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *options).code == 0
    packed = next((tmp_path / "o" / "_etl" / "raw").glob("*.ndjson.zst"))
    with pa.input_stream(str(packed), compression="zstd") as stream:
        ids = [json.loads(line)["id"] for line in stream.read().splitlines()]
    assert sorted(ids) == sorted(box.corpus.ids({"client-id": "nihnci.tcia"}))


def test_ids_that_the_server_leaves_out_are_named(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """The server silently omits unknown ids: they are named, and the others are complete."""
    one = box.corpus.ids({"client-id": "nihnci.tcia"})[0]
    asked = ("--filter", f"ids={one.upper()},10.9999/No-Such", "--tables", "doi_titles")
    ran = command("export", "dois", *asked, "--base-url", box.base_url, "--to", tmp_path / "o", "--json")
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 1)
    assert ran.json["absent"] == manifest(tmp_path / "o")["absent"] == ["10.9999/no-such"]
    assert "does not show: 10.9999/no-such\n" in ran.err
    assert "10.9999/no-such" in (tmp_path / "o" / "_etl" / "report.html").read_text()


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("dois", "https://api.datacite.org/dois/10.9999/no-such"),
        ("clients", "/clients/no.such"),
        ("v1/members", "/members/no"),
    ],
)
def test_an_export_of_records_that_the_api_does_not_have_is_not_complete(
    resource: str, url: str, box: Sandbox, command: Command, tmp_path: Path
) -> None:
    """It ends with exit code 3, names the ids and publishes nothing; an empty dataset must be allowed explicitly."""
    root = f"{box.base_url}/v1" if resource.startswith("v1/") else box.base_url
    asked = ("export", url, "--base-url", root, "--to", tmp_path / "o", "--json")
    ran = command(*asked)
    assert (ran.code, ran.json["verdict"], ran.json["published"]) == (3, "incomplete", False)
    assert ran.json["reasons"][0] == f"the API has none of the requested records: {ran.json['absent'][0]}"
    assert ran.err.endswith("check the ids, or add --allow-empty and --allow-incomplete\n")
    assert command(*asked, "--allow-empty", "--allow-incomplete").json["published"]


@pytest.mark.parametrize("generation", ["1.0", "1.1"])
def test_a_record_of_v1_is_exported_by_its_pasted_url(generation: str, command: Command, tmp_path: Path) -> None:
    """Lists of v1 have no filter for ids: the record is fetched alone, and counted."""
    with running(Corpus.generate(records=60, seed=7, manner=Manner(generation=generation))) as box:
        root = f"{box.base_url}/v1"
        for number, url in enumerate(("/members/cern", "https://api.datacite.org/member/CERN")):
            to = tmp_path / str(number)
            ran = command("export", url, "--base-url", root, "--to", to, "--json")
            assert (ran.code, ran.json["verdict"], ran.json["tables"]["v1_members"]) == (0, "complete", 1)
            assert ran.json["absent"] == []
            again = command("sync", to, "--base-url", root, "--json")
            assert (again.code, again.json["unique"], again.json["withdrawn"]) == (0, 1, 0)


def test_the_seeds_example_of_members_is_taken(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Servers ignore an include that is documented but never existed, and so does a pasted URL."""
    url = "https://api.datacite.org/members?query=c&include=publisher"
    ran = command("export", url, "--base-url", f"{box.base_url}/v1", "--to", tmp_path / "o", "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "complete")
    assert ran.json["unique"]
    odd = command("export", "/dois?include=publisher-of-it", "--base-url", box.base_url, "--to", tmp_path / "p")
    assert odd.code == 2


def test_a_sample_says_nothing_of_what_is_absent(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Records that were not requested cannot be missing."""
    ids = ",".join(box.corpus.ids({"client-id": "nihnci.tcia"})[:3])
    sample = ("--filter", f"ids={ids}", "--tables", "doi_titles", "--limit", 1)
    ran = command("export", "dois", *sample, "--base-url", box.base_url, "--to", tmp_path / "o", "--json")
    assert ran.json["absent"] == []


def test_the_summary_tells_records_that_did_not_come_from_values(command: Command, tmp_path: Path) -> None:
    """A record that no page delivers is named as missing, not rejected as a bad value."""
    with running(Corpus.generate(records=30, seed=1), faults=[parse_fault("poison=7")]) as box:
        few = ("--tables", "doi_titles", "--attempts", 3, "--max-missing", 1, "--quiet")
        ran = command("export", "dois", *few, "--base-url", box.base_url, "--to", tmp_path / "o")
    assert ran.code == 0
    [name] = manifest(tmp_path / "o")["missing"]
    assert f"missing   {name}: counted by the API but not delivered\n" in ran.out
    assert "rejects   1 in _etl/rejects: values that fit no column, and missing records\n" in ran.out
