"""Numbers, spellings and first values are read as a person would."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import normalise


def one(function, *texts: str | None):
    columns = {str(place): [text] for place, text in enumerate(texts)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return frame.select(function(*(pl.col(name) for name in columns))).item()


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" -12 ", -12.0), ("+7", 7.0), ("12,5", 12.5), ("−3", -3.0), ("1e1", 10.0), ("200", 200.0)],
)
def test_degrees_are_read_from_text(text: str, number: float) -> None:
    """Decimal points, commas and minus signs of either kind make a number, in or out of the globe's bounds."""
    assert one(normalise.coordinate, text) == number


@pytest.mark.parametrize("text", [None, "", "north", "12°30'", "1,000,000", "nan", "inf", "-Infinity", "1 2"])
def test_what_is_no_number_is_null(text: str | None) -> None:
    """Words, degrees with minutes and infinities are not coordinates."""
    assert one(normalise.coordinate, text) is None


@given(st.none() | st.text())
def test_any_coordinate_is_null_or_finite(text: str | None) -> None:
    """Whatever the text, the number is finite if there is one."""
    number = one(normalise.coordinate, text)
    assert number is None or math.isfinite(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_as_text(number: float) -> None:
    """A number that the API wrote comes back as the same number."""
    assert one(normalise.coordinate, repr(number)) == number


@pytest.mark.parametrize(
    ("general", "kind"),
    [
        ("Dataset", "dataset"),
        ("JournalArticle", "journal-article"),
        ("ConferencePaper", "conference-paper"),
        (None, None),
    ],
)
def test_type_ids_are_spelled_as_by_the_api(general: str | None, kind: str | None) -> None:
    """General types become the ids of filters and facets."""
    assert one(normalise.kebab, general) == kind


@pytest.mark.parametrize(
    ("namespace", "version"),
    [
        ("http://datacite.org/schema/kernel-4", "4"),
        ("http://datacite.org/schema/kernel-2.2", "2.2"),
        ("https://schema.org", None),
        (None, None),
    ],
)
def test_schema_versions_are_the_end_of_the_namespace(namespace: str | None, version: str | None) -> None:
    """A schema's version is the number at the end of its namespace."""
    assert one(normalise.schema_version, namespace) == version


def test_the_first_value_that_is_there_wins() -> None:
    """Of several columns the first with a value is taken."""
    assert one(normalise.first_of, None, "second", "third") == "second"
    assert one(normalise.first_of, None, None) is None
