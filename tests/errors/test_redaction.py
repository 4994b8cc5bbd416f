"""What may be shown: no character that a terminal obeys, and no secret in any spelling."""

import base64
import json
import urllib.parse
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import RefusedError, UsageError, redaction
from etl.errors.redaction import dumped, register, safe_json, shortened, shown

SECRET = 'pa"ss/wörd&<1>'


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    """One secret, and none afterwards."""
    before = list(redaction._FORMS)
    register(SECRET, f"ann:{SECRET}")
    yield
    redaction._FORMS[:] = before


@given(st.text())
def test_what_is_shown_is_one_line_without_control_characters(text: str) -> None:
    """Whatever a server says: no ESC, no C1, no line break, no half of a surrogate pair."""
    line = shown(text)
    assert len(line.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in line)
    line.encode()


def test_control_characters_can_still_be_read() -> None:
    """What a terminal would obey is spelled out; other letters stay."""
    text = "Größe \x1b]0;title\x07 \x9b2J \u202egnp.exe"
    assert shown(text) == r"Größe \x1b]0;title\x07 \x9b2J \u202egnp.exe"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"ann:{SECRET}".encode()).decode(),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        "pa&quot;ss/wörd&amp;&lt;1&gt;",
    ],
)
def test_a_secret_is_masked_in_every_form_that_a_server_may_echo(form: str) -> None:
    """Plain, encoded for a header, for a URL, for JSON, for HTML; in errors, URLs and JSON alike."""
    assert shown(f"you sent Authorization: {form}!") == "you sent Authorization: ***!"
    error = RefusedError(f"no: {form}", fix=f"try {form}", url=f"http://a/?x={form}")
    assert form not in f"{error}{error!r}{error.__dict__}"
    assert form not in dumped({"error": form})


def test_half_a_secret_is_not_left_where_a_message_is_cut() -> None:
    """It is masked before the cut."""
    for length in range(30):
        assert SECRET[:4] not in shortened(f"you sent {SECRET} to us", length)


def test_a_secret_that_is_in_every_other_word_is_not_looked_for() -> None:
    """A password of two letters would leave nothing of a message; its encoded form is masked."""
    register("ab")
    assert shown("about") == "about"
    assert shown(base64.b64encode(b"ab").decode().rstrip("=") + "=") == "***"


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_the_same_value(value: dict[str, str]) -> None:
    """Control characters are written as JSON does it; no reader sees a difference."""
    line = safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(line) == value
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in line)


def test_an_error_is_one_line() -> None:
    """Logs and states of others show it as it is."""
    assert str(UsageError("a\nb\x1b[2J", fix="c\td")) == r"a b\x1b[2J; c d"
