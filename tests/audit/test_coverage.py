"""Coverage counted from records, and compared with counting in plain Python."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.audit import coverage
from etl.audit.properties import DETAILS, MAIN, PROPERTIES
from etl.audit.words import Level
from tests.audit.records import doi, tables

pytestmark = pytest.mark.slow


def counted(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return `audit_coverage` of records."""
    scan, known = tables(records)
    properties = coverage.countable_properties(scan)
    return coverage.shares(coverage.add([coverage.count(known, properties)]), properties)


def share(frame: pl.DataFrame, name: str, cut: str = "all", value: str | None = None) -> tuple[int, int]:
    """Return how many of how many."""
    own = frame.filter((pl.col("property") == name) & (pl.col("slice") == cut) & pl.col("value").eq_missing(value))
    return own.select("filled", "entries").row(0)


def test_schema_46_has_six_mandatory_six_recommended_and_eight_optional_properties() -> None:
    """The twenty properties of the schema, numbered 1 to 20, each once, with the schema's obligations."""
    assert sorted(int(each.number) for each in MAIN) == list(range(1, 21))
    levels = {level: {each.number for each in MAIN if each.level is level} for level in Level}
    assert levels[Level.MANDATORY] == {"1", "2", "3", "4", "5", "10"}
    assert levels[Level.RECOMMENDED] == {"6", "7", "8", "12", "17", "18"}
    assert len(levels[Level.OPTIONAL]) == 8
    assert len({each.id for each in PROPERTIES}) == len(PROPERTIES)
    assert all(each.level is Level.DETAIL for each in DETAILS)


def test_a_property_is_there_if_one_entry_says_something() -> None:
    """Null, empty and blank entries do not count; a second entry that says something does."""
    frame = counted(
        [
            doi("10.1/a", titles=[{"title": ""}, {"title": "T"}], subjects=[{"subject": " "}]),
            doi("10.1/b", titles=[{"title": None}], subjects=[{"subject": "Physics"}]),
            doi("10.1/c", titles=[], subjects=None),
        ]
    )
    assert share(frame, "title") == (1, 3)
    assert share(frame, "subject") == (1, 3)
    assert share(frame, "identifier") == (3, 3)


def test_orcids_are_counted_per_person_and_rors_per_affiliation() -> None:
    """Organisations are left out, wrong check digits do not count, two iDs of one person count once."""
    good = {"nameIdentifier": "0000-0002-1825-0097", "nameIdentifierScheme": "ORCID"}
    bad = {"nameIdentifier": "0000-0002-1825-0098", "nameIdentifierScheme": "ORCID"}
    at = {"affiliationIdentifier": "https://ror.org/04wxnsj81", "affiliationIdentifierScheme": "ROR"}
    people = [
        {"name": "A", "nameIdentifiers": [good, good], "affiliation": [{"name": "X", **at}, {"name": "Y"}]},
        {"name": "B", "nameIdentifiers": [bad]},
        {"name": "C", "nameType": "Organizational", "nameIdentifiers": [good]},
    ]
    frame = counted([doi("10.1/a", creators=people), doi("10.1/b", creators=[{"name": "D"}])])
    assert share(frame, "orcid") == (1, 3)
    assert share(frame, "ror") == (1, 2)
    assert share(frame, "affiliation") == (1, 2)


def test_relations_and_dates_are_counted_by_type() -> None:
    """Every type of the schema has its share of records, also those that nobody uses."""
    link = {"relatedIdentifier": "10.1/x", "relatedIdentifierType": "DOI", "relationType": "Cites"}
    frame = counted([doi("10.1/a", relatedIdentifiers=[link, link]), doi("10.1/b", dates=[{"date": "2020"}])])
    assert share(frame, "relation-Cites") == (1, 2)
    assert share(frame, "relation-IsTranslationOf") == (0, 2)
    assert share(frame, "date-Issued") == (0, 2)


def test_records_are_cut_by_client_year_and_type_and_the_cuts_add_up() -> None:
    """The records of all clients, those without included, are all records; a slice without any value is left out."""
    frame = counted(
        [
            doi("10.1/a", client="a.b", language="en", publicationYear=2020),
            doi("10.1/b", client="a.b", publicationYear=2021),
            doi("10.1/c", language="de", publicationYear=2021),
        ]
    )
    assert share(frame, "language", "client", "a.b") == (1, 2)
    assert share(frame, "language", "client", None) == (1, 1)
    assert share(frame, "language", "publication_year", "2021") == (1, 2)
    assert "provider" not in frame["slice"].to_list()
    sums = frame.filter(pl.col("property") == "language").group_by("slice").agg(pl.col("filled", "entries").sum())
    assert set(sums.select("filled", "entries").rows()) == {(2, 3)}


def test_an_empty_dataset_has_coverage_too() -> None:
    """No record, no share, no failure."""
    scan, known = tables([doi("10.1/a")])
    none = {name: frame.filter(pl.lit(value=False)) for name, frame in known.items()}
    properties = coverage.countable_properties(scan)
    frame = coverage.shares(coverage.add([coverage.count(none, properties)]), properties)
    assert frame["share"].drop_nulls().to_list() == []


@pytest.fixture(scope="module")
def recorded(real: Path) -> list[dict[str, Any]]:
    """Recorded list pages, their records once each."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((real / "current/dois_list").glob("*.json"))[:150]:
        for record in json.loads(path.read_text()).get("data") or []:
            if isinstance(record, dict) and record.get("type") == "dois" and record.get("id"):
                found[record["id"].lower()] = record
    return list(found.values())


def test_coverage_of_recorded_bodies_is_what_plain_python_counts(recorded: list[dict[str, Any]]) -> None:
    """Over real records, type variations and all, the shares are those of a loop over the JSON."""
    frame = counted(recorded)

    def says(record: dict[str, Any], where: str, what: str) -> bool:
        entries = record["attributes"].get(where) or []
        entries = [entries] if isinstance(entries, dict) else entries
        return any(isinstance(e, dict) and str(e.get(what) or "").strip() for e in entries)

    for name, where, what in (
        ("title", "titles", "title"),
        ("subject", "subjects", "subject"),
        ("description", "descriptions", "description"),
        ("related-identifier", "relatedIdentifiers", "relatedIdentifier"),
        ("date", "dates", "date"),
    ):
        assert share(frame, name) == (sum(says(record, where, what) for record in recorded), len(recorded)), name
