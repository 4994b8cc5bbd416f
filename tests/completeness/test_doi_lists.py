"""A month of a data file compared with its list: counts of listed, present, displaced, missing and unlisted records."""

from datetime import UTC, datetime

import polars as pl

from etl.completeness.doi_lists import LISTED, Compared, compare, in_other_months

MAY, JUNE = "updated_2024-05", "updated_2024-06"


def records(**months: str) -> pl.DataFrame:
    """Return records by key, each last changed in a month."""
    times = [datetime.strptime(month, "updated_%Y-%m").replace(tzinfo=UTC) for month in months.values()]
    stamps = pl.Series("updated", times, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame([pl.Series("key", list(months), dtype=pl.String), stamps])


def a_list(**states: str) -> pl.DataFrame:
    return pl.DataFrame({"doi": list(states), "state": list(states.values())}, schema=LISTED)


def may(near: pl.DataFrame, listed: list[pl.DataFrame], *others: pl.DataFrame) -> Compared:
    return compare(MAY, listed, [near], lambda: iter([near, *others]), received=near.height)


def test_a_month_that_agrees_with_its_list_is_whole() -> None:
    """Records of other months and registered ones do not count."""
    found = may(records(a=MAY, b=MAY, c=JUNE), [a_list(a="findable", b="findable", d="registered")])
    assert (found.tally.expected_after, found.tally.unique) == (2, 2)
    assert (found.missing, found.strange, found.elsewhere) == ((), (), 0)
    assert found.registered["doi"].to_list() == ["d"]


def test_a_record_that_is_there_as_of_another_month_is_not_missing() -> None:
    """A record that changed while the file was made is counted where it is listed, and reported."""
    found = may(records(a=MAY), [a_list(a="findable", b="findable", c="findable")], records(b=JUNE))
    assert (found.tally.unique, found.elsewhere, found.missing) == (2, 1, ("c",))


def test_one_too_many_does_not_make_up_for_one_too_few() -> None:
    """An unlisted record is reported, and does not make up for a missing one."""
    found = may(records(a=MAY, x=MAY), [a_list(a="findable", b="findable")])
    assert (found.tally.expected_after, found.tally.unique) == (2, 1)
    assert (found.missing, found.strange) == (("b",), ("x",))


def test_a_month_without_a_list_proves_nothing() -> None:
    """Its records are counted, and none is unlisted."""
    found = may(records(a=MAY), [])
    assert (found.tally.expected_after, found.tally.unique, found.strange) == (None, 1, ())


def test_what_came_again_counts_once_more_only_in_another_month() -> None:
    """Twice in May is one record of May; in May and June it is in both lists."""
    contested = pl.concat([records(a=MAY), records(a=MAY), records(b=MAY), records(b=JUNE)])
    assert in_other_months(contested) == 1
