"""Windows that differ are narrowed down by counting; both sides are moments here."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.api.window import EVERYTHING, Window
from etl.completeness.bisect import narrow
from etl.completeness.slices import Slice, key

MOMENTS = st.lists(st.integers(1_500_000_000, 1_500_002_000), max_size=60)


def within(window: Window, moments: Sequence[int]) -> int:
    return sum((window.start or 0) <= one < (window.end or 1 << 40) for one in moments)


class Server:
    """Counts moments in windows, and its own requests."""

    def __init__(self, there: Sequence[int]) -> None:
        self.there = there
        self.asked = 0

    async def count(self, window: Window) -> int:
        self.asked += 1
        return within(window, self.there)


def run(
    server: Server, held: Sequence[int], windows: Sequence[Window], page_size: int
) -> tuple[tuple[Slice, ...], list[int]]:
    tiles = [Slice(key=key(one), window=one, expected=within(one, server.there)) for one in windows]
    times = {
        at: pl.Series(sorted(one for one in held if within(tile.window, [one])), dtype=pl.Int64)
        for at, tile in enumerate(tiles)
        if within(tile.window, held) != tile.expected
    }
    return asyncio.run(narrow(tiles, times, server.count, page_size=page_size))


@given(
    there=MOMENTS,
    held=MOMENTS,
    cuts=st.lists(st.integers(1_500_000_000, 1_500_002_000), max_size=3),
    size=st.integers(1, 9),
)
def test_the_windows_still_tile_all_time_and_those_named_are_those_that_differ(there, held, cuts, size) -> None:
    """Nothing falls between two windows, each has the server's own count, and a window that agrees is not named."""
    found, differing = run(Server(there), held, EVERYTHING.cut(cuts), size)
    edges = [(one.window.start, one.window.end) for one in found]
    assert [edges[0][0], edges[-1][1]] == [None, None]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert [one.expected for one in found] == [within(one.window, there) for one in found]
    assert differing == [at for at, one in enumerate(found) if within(one.window, held) != one.expected]


def test_one_withdrawn_record_of_many_is_found_in_few_counts() -> None:
    """If one of 60,000 records in 60 pages is missing, a handful of counts leaves a window of a few pages."""
    held = list(range(1_500_000_000, 1_500_060_000))
    server = Server([one for one in held if one != 1_500_041_234])
    found, [at] = run(server, held, [EVERYTHING], 1000)
    assert found[at].expected <= 4000
    assert within(found[at].window, [1_500_041_234])
    assert server.asked <= 6


def test_windows_with_differences_in_every_page_are_not_halved() -> None:
    """If a record is missing from each page, all pages have to be read, and counting would be useless."""
    held = list(range(1_500_000_000, 1_500_060_000))
    server = Server([one for one in held if one % 1000])
    found, differing = run(server, held, [EVERYTHING], 1000)
    assert (server.asked, len(found), differing) == (0, 1, [0])


def test_a_second_that_holds_everything_is_left_whole() -> None:
    """The halving ends at a window that no moment divides."""
    held = [1_500_000_000] * 50_000
    found, differing = run(Server(held[1:]), held, [EVERYTHING], 1000)
    assert found[differing[0]].expected == 49_999


def test_a_window_that_cannot_be_cut_is_named_as_it_is() -> None:
    """It stays whole and in place, next to windows that are halved."""
    held = list(range(1_500_000_000, 1_500_060_000))
    tiles = [Slice(key=key(one), window=one, expected=0) for one in EVERYTHING.cut([held[0]])]
    tiles[1] = replace(tiles[1], expected=len(held) - 1)
    server = Server([one for one in held if one != 1_500_041_234])
    cut = narrow(tiles, {1: pl.Series(held)}, server.count, whole={0}, page_size=1000)
    found, differing = asyncio.run(cut)
    assert found[0] == tiles[0]
    assert len(found) > 2
    assert differing[0] == 0
    assert within(found[differing[1]].window, [1_500_041_234])
