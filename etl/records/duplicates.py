"""Keys that come twice among more keys than memory should hold: compared as 64-bit hashes, a share at a time."""

from collections.abc import Callable, Iterable

import polars as pl

AT_ONCE = 8_000_000
"""Hashes looked at together: 64 MB, and some more while they are compared."""


def repeated(read: Callable[[], Iterable[pl.Series]], total: int, at_once: int = AT_ONCE) -> pl.Series:
    """Return the hashes that come more than once in what `read` gives; it is asked again for every share."""
    shares = total // at_once + 1
    found = [pl.Series("hash", dtype=pl.UInt64)]
    for share in range(shares):
        parts = [hashed.filter(hashed % shares == share) for hashed in map(hashes, read())]
        every = pl.concat(parts) if parts else found[0]
        found.append(every.filter(every.is_duplicated()).unique())
    return pl.concat(found)


def hashes(keys: pl.Series) -> pl.Series:
    """Hash keys; nulls are left out."""
    return keys.drop_nulls().hash().alias("hash")
