"""Find duplicates among more keys than fit in memory, by 64-bit hashes, one share of them at a time."""

from collections.abc import Callable, Iterable

import polars as pl

AT_ONCE = 8_000_000
"""Hashes compared at once: 64 MB, and some more during the comparison."""


def repeated(read: Callable[[], Iterable[pl.Series]], total: int, at_once: int = AT_ONCE) -> pl.Series:
    """Return the hashes that occur more than once in the series of `read`, which is called once per share."""
    shares = total // at_once + 1
    duplicates = [pl.Series("hash", dtype=pl.UInt64)]
    for share in range(shares):
        parts = [hashed.filter(hashed % shares == share) for hashed in map(hashes, read())]
        hashed = pl.concat(parts) if parts else duplicates[0]
        duplicates.append(hashed.filter(hashed.is_duplicated()).unique())
    return pl.concat(duplicates)


def hashes(keys: pl.Series) -> pl.Series:
    """Hash keys; nulls are left out."""
    return keys.drop_nulls().hash().alias("hash")
