"""The log of a Delta table that somebody else wrote is read, or is damaged in one line."""

import pytest

from etl.dataset import delta_log

ADD = b'{"add": {"path": "a%20b.parquet", "size": 3, "stats": "{}"}}\n'


def test_files_are_those_added_and_not_removed() -> None:
    """Paths are decoded, and actions of other kinds passed over."""
    commits = [b'{"protocol": {}}\n' + ADD, b'{"remove": {"path": "b.parquet"}}\n{"add": {"path": "c", "size": 4}}\n']
    assert delta_log.active_files("t", commits) == {"t/a b.parquet": 3, "t/c": 4}
    assert delta_log.active_files("t", [*commits, b'{"remove": {"path": "c"}}']) == {"t/a b.parquet": 3}


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"5", b'{"add": 5}', b'{"add": {"path": 7}}', b'{"remove": {}}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_log_is_a_value_error(line: bytes) -> None:
    """Whatever a line is."""
    for read in (lambda commits: delta_log.active_files("t", commits), delta_log.table_id):
        with pytest.raises(ValueError, match=r"."):
            read([ADD, line])
