"""The frame of all pages: everything from outside is text, numbers sort as numbers."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.html.page import Badge, Doi, Safe, Share, percent, section, table, text


@given(st.text())
def test_text_comes_out_as_it_went_in(said: str) -> None:
    """Escaped text has no tag and no open quote, and reads as it was."""
    for value in (said, Badge(said)):
        shown = text(value)
        plain = shown.partition(">")[2].rpartition("<")[0] if isinstance(value, Badge) else shown
        assert "<" not in plain
        assert unescape(plain).replace("\r\n", "\n") == unescape(plain).replace("\r\n", "\n")
        assert unescape(plain) == said or "\r" in said or "\x00" in said or "&" in said


@given(st.text())
def test_a_doi_is_a_link_to_its_record_and_to_nothing_else(name: str) -> None:
    """Whatever a DOI holds, the address begins with doi.org and the attribute ends where it should."""
    shown = text(Doi(name.replace("\ud800", "")))
    assert shown.startswith('<a href="https://doi.org/')
    address = shown[len('<a href="') :].partition('"')[0]
    assert not set(address) & set("<> '\"\\")
    assert shown[len('<a href="') + len(address) :].startswith('" rel="noreferrer">')


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (1, "100 %"), (0.99999, "99.9 %"), (0.00001, "0.1 %"), (0.5, "50.0 %"), (0.1234, "12.3 %")],
)
def test_nearly_all_is_not_all(share: float, said: str) -> None:
    """What is not complete never reads 100 %, and what is there never reads 0 %."""
    assert percent(share) == said


def test_numbers_sort_by_value_and_unknown_shares_come_last() -> None:
    """Cells carry the number that they show in words."""
    shown = table("T", ["name", "n", "share"], [("a", 1234, Share(None)), ("b", 7, Share(0.25))])
    assert 'data-n="1234">1,234<' in shown
    assert 'data-n="-1.0">–<' in shown
    assert 'data-n="0.25">25.0 %<' in shown


def test_nothing_is_shown_of_nothing() -> None:
    """An empty table and an empty section leave no trace."""
    assert table("T", ["a"], []) == ""
    assert section("s", "S", table("T", ["a"], [])) == ""
    assert text(Safe("<b>")) == "<b>"
