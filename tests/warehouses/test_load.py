"""A warehouse holds what the dataset holds: after the first load, after the next, and after one that died."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl import warehouses
from etl.errors import EtlError, UsageError
from etl.events import ignore
from etl.storage.files import LocalFiles
from etl.warehouses import Loaded
from etl.warehouses import load as conductor
from etl.warehouses.guards import Permission
from tests.conftest import Command
from tests.support.small import local, publish, work
from tests.support.standstill import kill_where_it_reads
from tests.warehouses.places import Duck, Lake, Place, Postgres
from tests.warehouses.rows import assert_holds, of_dataset, of_place, relations

pytestmark = pytest.mark.slow

STAMP = "2026-11-21T00:00:00Z"


def load(folder: Path, place: Place, schema: str = "", **allowed: object) -> Loaded:
    permission = Permission(**allowed)
    return conductor.load(
        LocalFiles(folder), place.url, stamp=STAMP, observe=ignore, schema=schema, permission=permission
    )


def test_a_first_load_holds_every_row_of_every_table(place: Place, exported: tuple[Path, Path]) -> None:
    """All tables of the dataset are there with all their rows, those of included resources too."""
    first, _ = exported
    assert load(first, place).state == "created"
    assert {"dois", "doi_creators", "links", "clients"} <= {one.name for one in relations(first)}
    assert_holds(place, first)


def test_a_second_load_of_the_same_run_changes_nothing(place: Place, exported: tuple[Path, Path]) -> None:
    """Loading is idempotent, and says that it was."""
    first, _ = exported
    load(first, place)
    again = load(first, place)
    assert again.state == "unchanged"
    if isinstance(place, Lake):
        assert place.table("dois").version() == 0
    assert_holds(place, first)


def test_a_later_run_brings_only_what_differs(place: Place, exported: tuple[Path, Path]) -> None:
    """New, changed and withdrawn records end as in the new dataset and are counted."""
    first, second = exported
    load(first, place)
    loaded = load(second, place)
    assert loaded.state == "updated"
    if not isinstance(place, Lake):
        assert (loaded.added, loaded.withdrawn) == (5, 7)
        assert 20 <= (loaded.changed or 0) < 100
    assert_holds(place, second)


def test_a_load_may_go_back_to_an_older_dataset(place: Place, exported: tuple[Path, Path]) -> None:
    """What is loaded last is what is held, whichever run is older."""
    first, second = exported
    for folder in (first, second, first):
        load(folder, place)
    assert_holds(place, first)


keys = st.sampled_from("abcdef")
tags = st.lists(st.sampled_from(["x", "y", "z"]), max_size=3).map(lambda found: [{"tag": tag} for tag in found])
record = st.builds(
    lambda year, title, tags, author: {"year": year, "title": title, "tags": tags, "author": author},
    st.sampled_from([2019, 2020, None]),
    st.sampled_from(["one", "two", None]),
    tags,
    st.sampled_from([None, "p1", "p2"]),
)
states = st.lists(st.dictionaries(keys, record, max_size=5), min_size=2, max_size=4)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(states)
def test_after_any_history_the_warehouse_equals_the_dataset(
    place: Place, tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, dict[str, object]]]
) -> None:
    """Records come, change, move between partitions, go and come back: rows are always those of the last dataset."""
    folder = tmp_path_factory.mktemp("history")
    for number, state in enumerate(history):
        publish(local(folder), [work(key, **attributes) for key, attributes in state.items()])
        load(folder, place, replace=number == 0)
        assert_holds(place, folder)


def broken(folder: Path, copy: Path) -> Path:
    """Copy a dataset and return the last-read of its files, so that a load fails when most is done."""
    shutil.copytree(folder, copy)
    return max((copy / "links").rglob("*.parquet"))


def test_a_load_that_fails_half_way_leaves_the_old_state(
    place: Place, exported: tuple[Path, Path], tmp_path: Path
) -> None:
    """A damaged file is named; a database still holds the old rows, and loading again finishes."""
    first, second = exported
    load(first, place)
    bad = broken(second, tmp_path / "copy")
    content = bad.read_bytes()
    bad.write_bytes(content[:-1] + b"?")
    with pytest.raises(EtlError, match="differs from the manifest"):
        load(tmp_path / "copy", place)
    if not isinstance(place, Lake):
        assert_holds(place, first)
    bad.write_bytes(content)
    load(tmp_path / "copy", place)
    assert_holds(place, second)


def test_a_load_that_is_killed_half_way_leaves_no_mixture(
    place: Place, exported: tuple[Path, Path], tmp_path: Path
) -> None:
    """After kill -9 a database holds the old rows, every Delta table the old or the new; loading again finishes."""
    first, second = exported
    load(first, place)
    bad = broken(second, tmp_path / "copy")
    kill_where_it_reads(bad, "load", tmp_path / "copy", "--into", place.url, "--quiet")
    for relation in relations(first):
        held = of_place(place, relation)
        old, new = of_dataset(first, relation), of_dataset(second, relation)
        assert held == old or (isinstance(place, Lake) and held == new)
    assert load(tmp_path / "copy", place).state == "updated"
    assert_holds(place, second)


def test_another_request_does_not_replace_what_is_there_unasked(place: Place, tmp_path: Path) -> None:
    """Records of one query are not taken for withdrawn because another query does not have them."""
    publish(local(tmp_path / "one"), [work("a")])
    load(tmp_path / "one", place)
    proof = (tmp_path / "one" / "_etl" / "manifest.json").read_text()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "_etl" / "manifest.json").write_text(proof.replace('"f1"', '"f2"'))
    with pytest.raises(EtlError, match="another request"):
        load(tmp_path / "two", place)
    assert load(tmp_path / "two", place, replace=True).tables["works"] == 1


def test_where_no_dataset_is_nothing_is_made(tmp_path: Path, command: Command) -> None:
    """A folder without a dataset is an error before the warehouse is touched."""
    ran = command("load", tmp_path / "none", "--into", f"duckdb:///{tmp_path / 'w.duckdb'}")
    assert ran.code == 1
    assert "holds no dataset" in ran.err
    assert not (tmp_path / "w.duckdb").exists()


@pytest.mark.parametrize("url", ["mysql://x/y", "w.duckdb", "duckdb://", "postgresql://[bad/db"])
def test_a_url_that_leads_nowhere_names_those_that_do(url: str, exported: tuple[Path, Path], command: Command) -> None:
    """A wrong URL is a usage error in one line."""
    ran = command("load", exported[0], "--into", url)
    assert ran.code == 2
    assert "://" in ran.err


def test_a_duckdb_file_has_keys_words_and_views(exported: tuple[Path, Path], tmp_path: Path) -> None:
    """Primary keys, comments on tables and columns, and a flat view that answers for every DOI."""
    place = Duck(tmp_path)
    load(exported[0], place)
    found = place.query("SELECT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'")
    assert {"dois", "doi_creators", "doi_creator_affiliations", "doi_relationships"} <= set(found["table_name"])
    silent = place.query("SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal")
    assert {name for name in silent["table_name"] if name in {one.name for one in relations(exported[0])}} == set()
    flat = place.query("SELECT doi, title, creators FROM dois_flat")
    assert len(flat) == len(place.frame("dois"))
    assert place.query("SELECT sum(dois)::BIGINT AS n FROM dois_by_client")["n"][0] == len(flat)


def test_a_postgresql_schema_has_real_types_keys_and_words(
    exported: tuple[Path, Path], database: Callable[[], Postgres]
) -> None:
    """Types are the database's own, children refer to their records, columns are explained."""
    place = database()
    load(exported[0], place, schema="datacite")
    types = place.query(
        "SELECT column_name::text AS c, data_type::text AS t FROM information_schema.columns "
        "WHERE table_schema = 'datacite' AND table_name = 'dois'"
    )
    kinds = dict(types.iter_rows())
    assert (kinds["created"], kinds["extra"], kinds["publication_year"]) == (
        "timestamp with time zone",
        "jsonb",
        "bigint",
    )
    keys = place.query(
        "SELECT contype::text AS k, count(*) AS n FROM pg_constraint WHERE contype IN ('p','f') GROUP BY 1"
    )
    counts = dict(keys.iter_rows())
    assert counts["f"] >= 25
    assert counts["p"] >= 25
    words = place.query("SELECT col_description('datacite.dois'::regclass, 1) AS d")
    assert "lower-case" in words["d"][0]
    assert place.query("SELECT count(*) AS n FROM datacite.dois_flat")["n"][0] == 150


def test_a_role_with_the_documented_rights_is_enough(
    exported: tuple[Path, Path], database: Callable[[], Postgres]
) -> None:
    """CONNECT and TEMPORARY on the database, CREATE and USAGE on one schema: nothing else is needed."""
    place = database()
    name = place.url.partition("?")[0].rpartition("/")[2]
    place.do(
        "CREATE ROLE loader LOGIN",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO loader",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "CREATE SCHEMA warehouse",
        "GRANT CREATE, USAGE ON SCHEMA warehouse TO loader",
    )
    loader = Postgres(place.url.replace("://postgres:", "://loader:"))
    for folder in exported:
        load(folder, loader, schema="warehouse")
    assert place.query("SELECT count(*) AS n FROM warehouse.dois")["n"][0] == 148


def test_a_password_is_in_no_text(exported: tuple[Path, Path], command: Command) -> None:
    """Neither output nor errors have the password, however it is spelled and wherever it stands."""
    for url in (
        "postgresql://ann:s3cr%65t@127.0.0.1:1/db",
        "postgresql://ann@127.0.0.1:1/db?password=s3cret",
        "postgresql://ann:s3cret%zz@127.0.0.1:1/db",
        "postgresql://ann:s3cret@[bad/db",
    ):
        ran = command("load", exported[0], "--into", url, "--json")
        assert ran.code in (1, 2)
        assert "s3cr" not in ran.out + ran.err


def test_a_lake_says_which_versions_belong_together(exported: tuple[Path, Path], tmp_path: Path) -> None:
    """The pointer file names a version of every table, and each commit carries the run."""
    import json

    place = Lake(tmp_path)
    for folder in exported:
        load(folder, place)
    entry = json.loads((place.folder / "_datacite_etl.json").read_text())["dois"]
    assert entry["tables"]["dois"]["version"] == place.table("dois").version() == 1
    assert place.table("dois").history(1)[0]["run_id"] == entry["run_id"]
    fields = {field.name: field for field in place.table("dois").schema().fields}
    assert "lower-case" in fields["doi"].metadata["comment"]


def test_a_missing_library_names_the_extra_that_brings_it() -> None:
    """Without the database library, the error says how to install it."""
    with pytest.raises(UsageError, match=r"datacite-etl\[duckdb\]"):
        warehouses.library("a_library_that_nobody_has", "duckdb")
