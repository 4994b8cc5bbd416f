"""Schema drift: attributes that records have and no declaration knows, kept as JSON and counted.

They are noticed by comparing the Arrow types found with those promised, which costs nothing on a page without any.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter

import msgspec
import pyarrow as pa

from etl.records.coerce import compact
from etl.schema.arrow_types import Path, Sieve, dotted, undeclared

Found = Iterable[tuple[str, msgspec.Raw]]

_INDEX = re.compile(r"\[\d+\]")
_BEYOND_MSGSPEC = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Drift:
    """The unknown attributes of one page.

    Mutable state: `extra`, JSON text by row; `counts`, records with a path and the id of the first, nulls included.
    """

    def __init__(self, unmapped: Mapping[str, str]) -> None:
        self.extra: dict[int, str] = {}
        self.counts: dict[str, tuple[int, str]] = {}
        self._unmapped = unmapped

    def strange(self, found: pa.DataType, promised: pa.DataType) -> tuple[Path, ...]:
        """List the paths of fields that nobody declared, neither as columns nor as unmapped."""
        return tuple(path for path in undeclared(found, promised) if not self._is_unmapped(dotted(path)))

    def add(self, row: int, record_id: str, found: Found) -> None:
        """Take the unknown values of one record, by path with indexes."""
        # Sorted, for the order of what is found depends on the lane that the record took.
        strange = {path: raw for path, raw in sorted(found, key=itemgetter(0)) if not self._is_unmapped(_general(path))}
        kept = {path: raw for path, raw in strange.items() if bytes(raw) != b"null"}
        for general in dict.fromkeys(map(_general, strange)):
            count, first = self.counts.get(general, (0, record_id))
            self.counts[general] = (count + 1, first)
        if kept:
            self.extra[row] = msgspec.json.encode(kept).decode()

    def column(self, rows: int) -> pa.Array:
        """Return the unknown attributes of each row as JSON text, null where it has none."""
        if not self.extra:
            return pa.nulls(rows, pa.string())
        return pa.array(map(self.extra.get, range(rows)), pa.string())

    def _is_unmapped(self, path: str) -> bool:
        return any(path.startswith(known) and path[len(known) :][:1] in ("", ".", "[") for known in self._unmapped)


def _general(path: str) -> str:
    return _INDEX.sub("[]", path)


def finder(paths: tuple[Path, ...], slow: Callable[[bytes], Found]) -> Callable[[bytes], Found]:
    """Return what finds the values at these paths in a record; `slow` is asked where names or values are too odd."""
    try:
        sieve = _sieve(paths)
    except ValueError:
        return slow

    def find(record: bytes) -> Found:
        try:
            return [(path, compact(bytes(raw))) for path, raw in sieve.values(record)]
        except _BEYOND_MSGSPEC:
            return slow(record)

    return find


_sieve = lru_cache(maxsize=64)(Sieve)
