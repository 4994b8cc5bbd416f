"""The records of a data file against its own lists of DOIs, a month at a time: what proves an ingest.

Pure. A month is that of a record's last change; a record that changed while the file was made may be in two of them, of
which the newer counts (api-notes 8.3).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.completeness.verdict import Tally

_MONTH = "updated_%Y-%m"
LISTED = {"doi": pl.String(), "state": pl.String()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One month: its counts, the listed records that are nowhere, those that no list has, and the registered ones.

    `elsewhere` counts the listed records that came as of another month; `registered` has `doi` and `state`.
    """

    tally: Tally
    missing: tuple[str, ...]
    strange: tuple[str, ...]
    elsewhere: int
    registered: pl.DataFrame = field(compare=False)


def compare(
    name: str,
    lists: Sequence[pl.DataFrame],
    near: Iterable[pl.DataFrame],
    every: Callable[[], Iterable[pl.DataFrame]],
    *,
    received: int,
) -> Compared:
    """Compare a month with its lists (`doi`, `state`): `near` and `every` have `key` and `updated` of records.

    All of the month's are in `near`; `every` is asked only for what is lacking there.
    """
    own = (frame.filter(pl.col("updated").dt.strftime(_MONTH) == name)["key"] for frame in near)
    keys = pl.concat([pl.Series("key", [], pl.String), *own]).unique()
    listed = pl.concat([pl.DataFrame(schema=LISTED), *lists])
    findable = listed.filter(pl.col("state") == "findable")["doi"].unique()
    lacking = findable.filter(~findable.is_in(keys.implode()))
    missing = lacking
    for frame in every() if len(lacking) else ():
        missing = missing.filter(~missing.is_in(frame["key"].implode()))
    strange = keys.filter(~keys.is_in(findable.implode())).sort() if lists else keys.clear()
    elsewhere = len(lacking) - len(missing)
    expected = len(findable) if lists else None
    # One too many does not make up for one too few.
    unique = len(keys) + elsewhere - (len(strange) if len(missing) else 0)
    return Compared(
        tally=Tally(key=name, expected_before=expected, expected_after=expected, received=received, unique=unique),
        missing=tuple(missing.sort()),
        strange=tuple(strange),
        elsewhere=elsewhere,
        registered=listed.filter(pl.col("state") == "registered"),
    )


def in_other_months(contested: pl.DataFrame) -> int:
    """Count how often a record is in one more month, of those (`key`, `updated`, a row a reception) that came again."""
    months = contested.select("key", pl.col("updated").dt.strftime(_MONTH).alias("month")).drop_nulls().unique()
    return months.height - months["key"].n_unique()
