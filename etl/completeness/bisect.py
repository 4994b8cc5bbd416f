"""Narrow down the windows that differ: halve them by counting until each difference lies in a page or two.

The dataset itself says how many of its records lie on either side of a moment, so each halving costs one count.
Callers count; every decision here is pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2

import polars as pl

from etl.api.window import Window
from etl.completeness.slices import Count, Slice, key
from etl.steps import together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A window, the creation times of its records in the dataset (sorted, epoch seconds), and how many are `there`."""

    window: Window
    held: pl.Series
    there: int

    @property
    def differs(self) -> bool:
        return len(self.held) != self.there

    def halves(self, page_size: int) -> list[Window]:
        """Return two windows, each with half of the held records; none if that is impossible or not worth a count."""
        if not len(self.held) or not self._is_worth_it(page_size):
            return []
        middle = int(self.held[len(self.held) // 2])
        cuts = (self.window.cut([moment]) for moment in (middle, middle + 1))
        return next((windows for windows in cuts if len(windows) == 2), [])

    def _is_worth_it(self, page_size: int) -> bool:
        """Compare the cost of halving down to pages, if each difference is in a page of its own, with reading all."""
        pages = ceil(max(len(self.held), self.there) / page_size)
        differing = abs(len(self.held) - self.there)
        return 0 < differing < pages and differing * (log2(pages / differing) + 2) < pages

    def cut(self, windows: Sequence[Window], first: int) -> list["_Piece"]:
        """Return both halves, given the API's count for the first."""
        early, late = windows
        at = self.held.search_sorted(late.start, side="left")
        rest = max(0, self.there - first)  # the index may have moved since the whole was counted
        return [
            _Piece(window=early, held=self.held.slice(0, at), there=first),
            _Piece(window=late, held=self.held.slice(at), there=rest),
        ]

    @property
    def slice(self) -> Slice:
        return Slice(key=key(self.window), window=self.window, expected=self.there)


async def narrow(
    tiles: Sequence[Slice],
    held: Mapping[int, pl.Series],
    count: Count,
    *,
    whole: Collection[int] = (),
    page_size: int,
) -> tuple[tuple[Slice, ...], list[int]]:
    """Return a finer tiling of the same time, and the indexes of its windows that differ.

    `held` has, by index, the creation times (sorted epoch seconds) of the records of each window to cut; the windows in
    `whole` differ too, but stay uncut.
    """
    done: list[_Piece] = []
    pending = [_Piece(window=tiles[at].window, held=times, there=tiles[at].expected) for at, times in held.items()]
    while pending:
        halves = [piece.halves(page_size) for piece in pending]
        done += [piece for piece, windows in zip(pending, halves, strict=True) if not windows]
        cut = [(piece, windows) for piece, windows in zip(pending, halves, strict=True) if windows]
        counts = await together(count(windows[0]) for _, windows in cut)
        pending = [
            half for (piece, windows), first in zip(cut, counts, strict=True) for half in piece.cut(windows, first)
        ]
    uncut = [(tile, at in whole) for at, tile in enumerate(tiles) if at not in held]
    tiling = sorted([*uncut, *((piece.slice, piece.differs) for piece in done)], key=_begin)
    return tuple(tile for tile, _ in tiling), [at for at, (_, differs) in enumerate(tiling) if differs]


def _begin(entry: tuple[Slice, bool]) -> float:
    start = entry[0].window.start
    return float("-inf") if start is None else start
