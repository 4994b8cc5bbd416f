import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import UsageError
from etl.storage import paths


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=15) | st.none())
def test_a_partition_value_is_one_folder(value):
    """No value makes a second folder, a hidden file or a way up."""
    key = paths.data_file("t", [("c", value)], "p", ".csv")
    table, folder, name = key.split("/")
    assert (table, name) == ("t", "p.csv")
    assert folder.startswith("c=")


def test_partitions_stand_in_the_order_they_were_asked_for():
    """The first column is the outermost folder; a null has the name that hive readers know."""
    key = paths.data_file("t", [("a", "1"), ("b", None)], "p", ".parquet")
    assert key == "t/a=1/b=__HIVE_DEFAULT_PARTITION__/p.parquet"


def folder(value: str | None) -> str:
    return paths.data_file("t", [("c", value)], "p", ".parquet").split("/")[1]


@given(
    st.lists(
        st.none() | st.text(max_size=30) | st.sampled_from([paths.NULL, "%5F", "é", "e\u0301"]), min_size=2, max_size=2
    )
)
def test_no_two_values_share_a_folder(values: list[str | None]) -> None:
    """Nor a value and a null; what is spelled like a null is another folder."""
    one, other = values
    assert (folder(one) == folder(other)) == (one == other)


def test_a_long_name_in_another_script_is_a_folder() -> None:
    """Percent-encoded, 90 Cyrillic letters are 540 bytes, more than a file system takes."""
    value = "Институт" * 11 + "/."
    key = paths.data_file("t", [("c", value)], "p", ".parquet")
    assert paths.partition(key) == {"c": value}
    assert key.count("/") == 2


def test_a_value_that_no_file_system_takes_is_refused():
    """A name that is too long is refused before the disk refuses it."""
    with pytest.raises(UsageError, match="too long"):
        paths.data_file("t", [("c", "é" * 120)], "p", ".csv")


@pytest.mark.parametrize("key", ["2019-01-01T00:00:00Z", "a/b", "../x"])
def test_a_slice_has_one_folder_of_its_own(key):
    """Whatever a slice is called, its folder lies directly below the slices."""
    assert paths.slice_folder(key).count("/") == paths.slice_folder("x").count("/")
    assert paths.slice_receipt(key).startswith(paths.slice_folder(key))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("dois/created_year=2019/0min-20200101T000000.parquet", True),
        ("dois/created_year=2019/language=a%20b/20200101T000000-max.003-1~1c4f00aa.csv", True),
        ("dois/1795347817-0-0min-max.ndjson", True),
        ("clients/included.parquet", True),
        ("dois/parts_00003.000.parquet", True),
        (f"dois/_delta_log/{0:020d}.json", True),
        ("dois/created_year=2019/notes.parquet", False),
        ("dois/2019/0min-max.parquet", False),
        ("dois/0min-max.parquet.bak", False),
        ("0min-max.parquet", False),
    ],
)
def test_data_files_are_known_by_their_names(key: str, *, said: bool) -> None:
    """What an export, a sync or an ingest calls its files; nobody else does by chance."""
    assert paths.is_data_file(key) is said


@pytest.mark.parametrize("turn", [None, 0, 2])
def test_raw_records_tell_in_which_sync_they_were_received(turn: int | None) -> None:
    """The run and its turn are in the name of the part; an export's and an ingest's parts are of no sync."""
    for key in ("0min-max", "20190101T000000-20200101T000000.001"):
        part = paths.refetched_part(1795347817.4, key, turn)
        assert paths.received_by(paths.raw(part)) == (1795347817, -1 if turn is None else turn)
        assert paths.received_by(paths.raw(key)) == (0, 0)
    assert paths.received_by(paths.raw("parts_00000")) == (0, 0)
