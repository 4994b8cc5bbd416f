"""Text that users hand over is read whatever their editor, or refused with file, line and fix."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import UsageError
from etl.storage import text_files
from tests.support.refusals import assert_read_or_refused


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_with_a_mark_and_every_line_end_is_read(encoding: str, end: str) -> None:
    """The text is the same."""
    assert text_files.decode(f"ä{end}b".encode(encoding), "x") == "ä\nb"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nä".encode("latin-1"), "x, line 2: the text is not valid UTF-8; save it as UTF-8"),
        ("a\nb".encode("utf-16-le"), "x, line 1: a NUL character"),
        (b"\xff\xfea", "x, line 1: the text is not valid UTF-16"),
    ],
)
def test_other_encodings_are_refused_with_the_line(content: bytes, message: str) -> None:
    """And with the command that changes them."""
    with pytest.raises(UsageError, match="^" + message):
        text_files.decode(content, "x")


def test_what_is_not_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A folder, a missing file, and a pipe that nobody writes to, which is empty."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="Is a directory"):
        text_files.read(tmp_path)
    with pytest.raises(UsageError, match="No such file"):
        text_files.read(tmp_path / "none")
    assert text_files.read(tmp_path / "pipe") == ""


def test_a_file_of_any_size_is_read_only_up_to_a_limit() -> None:
    """/dev/zero has no end."""
    with pytest.raises(UsageError, match="larger than 64 MB"):
        text_files.read(Path("/dev/zero"))


@given(st.binary(max_size=60))
def test_no_bytes_end_in_another_error(content: bytes) -> None:
    """JSON and TOML of whatever bytes are read or refused in one line."""
    assert_read_or_refused("x", lambda: text_files.from_json(text_files.decode(content, "x"), "x"))
    assert_read_or_refused("x", lambda: text_files.from_toml(text_files.decode(content, "x"), "x"))
