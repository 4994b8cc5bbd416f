"""Compare the records of a data file with its own lists of DOIs, month by month: the proof of an ingest.

Pure. A record belongs to the month of its last change; a record that changed while the file was made may be in two
months, and the newer one counts (api-notes 8.3).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.completeness.verdict import Tally

_MONTH = "updated_%Y-%m"
_LABEL = re.compile(r"updated_\d{4}-\d{2}")
LISTED = {"doi": pl.String(), "state": pl.String()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One month: its counts, the missing records, the unlisted (`strange`) ones, and the registered ones.

    `elsewhere` counts the listed records that arrived under another month; `registered` has `doi` and `state`.
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

    All records of the month are in `near`; `every` is called only if some are missing there. Under a name that is not
    that of a month, all records are compared.
    """
    in_month = pl.col("updated").dt.strftime(_MONTH) == name if _LABEL.fullmatch(name) else pl.lit(value=True)
    own = (frame.filter(in_month)["key"] for frame in near)
    keys = pl.concat([pl.Series("key", [], pl.String), *own]).unique()
    listed = pl.concat([pl.DataFrame(schema=LISTED), *lists])
    findable = listed.filter(pl.col("state") == "findable")["doi"].unique()
    unmatched = findable.filter(~findable.is_in(keys.implode()))
    missing = unmatched
    for frame in every() if len(unmatched) else ():
        missing = missing.filter(~missing.is_in(frame["key"].implode()))
    strange = keys.filter(~keys.is_in(findable.implode())).sort() if lists else keys.clear()
    elsewhere = len(unmatched) - len(missing)
    expected = len(findable) if lists else None
    # A surplus record does not make up for a missing one.
    unique = len(keys) + elsewhere - (len(strange) if len(missing) else 0)
    return Compared(
        tally=Tally(key=name, expected_before=expected, expected_after=expected, received=received, unique=unique),
        missing=tuple(missing.sort()),
        strange=tuple(strange),
        elsewhere=elsewhere,
        registered=listed.filter(pl.col("state") == "registered"),
    )


def in_other_months(contested: pl.DataFrame) -> int:
    """Count the additional months of records that arrived more than once (`key`, `updated`; one row per arrival)."""
    months = contested.select("key", pl.col("updated").dt.strftime(_MONTH).alias("month")).drop_nulls().unique()
    return months.height - months["key"].n_unique()
