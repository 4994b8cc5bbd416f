"""Schema drift: attributes that no declaration knows, kept as JSON and counted.

They are noticed by comparing the received Arrow types with the declared ones, which is free on a page without any.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter

import msgspec
import pyarrow as pa

from etl.records.coerce import compact
from etl.schema.arrow_types import Path, Sieve, join_path, undeclared

Values = Iterable[tuple[str, msgspec.Raw]]

_INDEX = re.compile(r"\[\d+\]")
_BEYOND_MSGSPEC = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Drift:
    """The unknown attributes of one page.

    Mutable state: `extra`, JSON text by row; `counts`, the number of records per path, and the id of the first.
    """

    def __init__(self, unmapped: Mapping[str, str]) -> None:
        self.extra: dict[int, str] = {}
        self.counts: dict[str, tuple[int, str]] = {}
        self._unmapped = unmapped

    def undeclared(self, received: pa.DataType, declared: pa.DataType) -> tuple[Path, ...]:
        """List the paths of fields that are declared neither as columns nor as unmapped."""
        return tuple(path for path in undeclared(received, declared) if not self._is_unmapped(join_path(path)))

    def add(self, row: int, record_id: str, values: Values) -> None:
        """Add the unknown values of one record, by path with indexes."""
        # Sorted, because the order of the values depends on the record's lane.
        unknown = {
            path: raw for path, raw in sorted(values, key=itemgetter(0)) if not self._is_unmapped(_general(path))
        }
        kept = {path: raw for path, raw in unknown.items() if bytes(raw) != b"null"}
        for general in dict.fromkeys(map(_general, unknown)):
            count, first = self.counts.get(general, (0, record_id))
            self.counts[general] = (count + 1, first)
        if kept:
            self.extra[row] = msgspec.json.encode(kept).decode()

    def column(self, rows: int) -> pa.Array:
        """Return the unknown attributes of each row as JSON text, or null."""
        if not self.extra:
            return pa.nulls(rows, pa.string())
        return pa.array(map(self.extra.get, range(rows)), pa.string())

    def _is_unmapped(self, path: str) -> bool:
        return any(path.startswith(known) and path[len(known) :][:1] in ("", ".", "[") for known in self._unmapped)


def _general(path: str) -> str:
    return _INDEX.sub("[]", path)


def finder(paths: tuple[Path, ...], slow: Callable[[bytes], Values]) -> Callable[[bytes], Values]:
    """Return a function that finds the values at these paths in a record; `slow` reads what is too odd for it."""
    try:
        sieve = _sieve(paths)
    except ValueError:
        return slow

    def find(record: bytes) -> Values:
        try:
            return [(path, compact(bytes(raw))) for path, raw in sieve.values(record)]
        except _BEYOND_MSGSPEC:
            return slow(record)

    return find


_sieve = lru_cache(maxsize=64)(Sieve)
