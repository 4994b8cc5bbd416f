"""The rows of an index that match a request, in the requested order, cached while they are paged through."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable

import polars as pl

from etl.sandbox.paging import WINDOW

Key = Hashable
_KEPT = 48


class Matches:
    """Row numbers by selection, over one index that never changes; rows are in (created, uid) order."""

    def __init__(self, frame: pl.DataFrame) -> None:
        # Mutable: selections and orders found so far, the least recently used forgotten first.
        self.frame = frame
        self._found: OrderedDict[Key, pl.Series] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, key: Key, expression: Callable[[], pl.Expr]) -> pl.Series:
        """Return the numbers of the findable rows that an expression selects, ascending."""
        return self._remembered(key, lambda: self._select(expression()))

    def _select(self, expression: pl.Expr) -> pl.Series:
        wanted = pl.col("findable") & expression
        return self.frame.select(wanted.arg_true().cast(pl.UInt32)).to_series()

    def ordered(self, key: Key, rows: pl.Series, by: pl.Expr, *, descending: bool, replica: int) -> pl.Series:
        """Sort rows for page mode, as far as pages reach; each replica orders equal values differently."""

        def sort() -> pl.Series:
            picked = self.frame.select("uid", sought=by)[rows].with_columns(row=rows)
            backwards = [descending, bool(replica)]
            return picked.sort("sought", "uid", descending=backwards, nulls_last=True)["row"].head(WINDOW)

        return self._remembered((key, "ordered", str(by), descending, replica), sort)

    def behind(self, rows: pl.Series, after: tuple[int, str]) -> int:
        """Return the position in ascending rows of the first one after (created ms, uid)."""
        moment, uid = after
        created = self.frame["created"]
        low = int(created.search_sorted(moment, side="left"))
        high = int(created.search_sorted(moment, side="right"))
        row = bisect_right(_Column(self.frame["uid"]), uid, low, high)
        return int(rows.search_sorted(row, side="left"))

    def _remembered(self, key: Key, find: Callable[[], pl.Series]) -> pl.Series:
        with self._lock:
            known = self._found.get(key)
            if known is None:
                known = self._found[key] = find()
            self._found.move_to_end(key)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
            return known


class _Column:
    """Lets bisect read single values of a column."""

    def __init__(self, values: pl.Series) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, position: int) -> str:
        return str(self._values[position])
