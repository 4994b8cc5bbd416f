"""Slices and parts: they tile the query, are small enough, and cost few counts."""

import asyncio
import bisect
import itertools
import random
import subprocess
import sys
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.api.query import Query
from etl.api.window import EVERYTHING, Window, year_start
from etl.completeness.slices import Part, Plan, Slice, decode_plan, key, plan
from etl.errors import TransientError
from etl.schema.declarations import Column, Paging, Resource, Table, Type

YEAR = 2026
MAIN = Table(
    name="dois",
    description="DOIs.",
    columns=(Column(name="doi", type=Type.STRING, description="DOI.", path="id", key=True),),
)
RESOURCE = Resource(
    name="dois",
    dialect="v2",
    type="dois",
    path="/dois",
    description="",
    tables=(MAIN,),
    parent="doi",
    paging=Paging.CURSOR,
    windows={"created": "created", "updated": "updated"},
    slice_on="created",
)
QUERY = Query(resource=RESOURCE)


class Index:
    """Counts like a server. State: the requests; the sorted creation times of its records are given.

    `off` is the error of the moments it returns; with None it returns none.
    """

    def __init__(self, times: list[int], *, off: int | None = 0) -> None:
        # Mutable state: what was asked.
        self.times = sorted(times)
        self.off = off
        self.asked: list[Window] = []

    async def count(self, window: Window) -> int:
        self.asked.append(window)
        return self.holds(window)

    async def moment(self, window: Window, rank: int) -> int | None:
        if self.off is None:
            return None
        self.asked.append(window)
        start = 0 if window.start is None else bisect.bisect_left(self.times, window.start)
        return self.times[start + rank] + self.off

    def holds(self, window: Window) -> int:
        start = 0 if window.start is None else bisect.bisect_left(self.times, window.start)
        end = len(self.times) if window.end is None else bisect.bisect_left(self.times, window.end)
        return max(0, end - start)


def cut(index: Index, query: Query = QUERY, **options: int) -> Plan:
    return asyncio.run(plan(query, index.count, index.moment, year=YEAR, **options))


def lasts(window: Window) -> int | None:
    """Return the seconds of a window, None if a side is open."""
    return None if window.start is None or window.end is None else window.end - window.start


def tiles(found: Plan) -> list[Window]:
    """Return fetched and empty windows in chronological order."""
    windows = [*found.empty, *(one.window for one in found.slices)]
    return sorted(windows, key=lambda window: float("-inf") if window.start is None else window.start)


def assert_tiled(found: Plan, root: Window) -> None:
    windows = tiles(found)
    assert (windows[0].start, windows[-1].end) == (root.start, root.end)
    assert all(before.end == after.start for before, after in itertools.pairwise(windows))


moments = st.one_of(
    st.integers(year_start(2004), year_start(YEAR + 1)),
    st.sampled_from([year_start(2019), year_start(2019) - 1, year_start(2016) + 12_345]),
    st.integers(year_start(1800), year_start(2300)),
)
skewed = st.tuples(st.lists(moments, max_size=40), moments, st.integers(0, 60)).map(lambda t: t[0] + [t[1]] * t[2])


class TestLaws:
    @settings(deadline=None)
    @given(skewed, st.integers(1, 30), st.integers(1, 80), st.sampled_from([0, None, 1, -100_000, 10**9]))
    def test_slices_tile_and_add_up(self, times: list[int], target: int, part_records: int, off: int | None) -> None:
        """Slices and empty windows tile all of time, and counts add up, even if the server's moments are wrong."""
        index = Index(times, off=off)
        found = cut(index, target=target, part_records=part_records)
        assert_tiled(found, EVERYTHING)
        assert found.total == len(times) == sum(one.expected for one in found.slices)
        assert all(one.expected == index.holds(one.window) for one in found.slices)
        assert all(index.holds(window) == 0 for window in found.empty)

    @settings(deadline=None)
    @given(skewed, st.integers(1, 30))
    def test_only_a_single_second_is_above_the_target(self, times: list[int], target: int) -> None:
        """No slice holds more than the target, unless time cannot be cut any finer or is too far away."""
        for one in cut(Index(times), target=target).slices:
            near = one.window.start is not None and one.window.end is not None
            assert one.expected <= target or lasts(one.window) == 1 or not near

    @settings(deadline=None)
    @given(skewed, st.integers(1, 30), st.integers(1, 80))
    def test_parts_are_of_one_year_and_of_a_size(self, times: list[int], target: int, part_records: int) -> None:
        """A part of several slices stays within its records, and in one year if years must not be mixed."""
        found = cut(Index(times), target=target, part_records=part_records)
        for part in found.parts:
            assert part.expected <= part_records or len(part.slices) == 1
            windows = [one.window for one in part.slices]
            if found.total > max(2 * part_records, target):
                years = [year_start(year) for year in range(2005, YEAR + 2)]
                assert len(Window(windows[0].start, windows[-1].end).cut(years)) == 1

    @settings(deadline=None)
    @given(skewed, st.integers(1, 30), st.sampled_from([0, None]))
    def test_counts_are_bounded_and_counted(self, times: list[int], target: int, off: int | None) -> None:
        """Every count except the first has cut a large window; the plan has the number of counts."""
        index = Index(times, off=off)
        found = cut(index, target=target)
        crowded = sum(1 for time in set(times) if times.count(time) > target)
        quarterings = 3 * 18 * (len(times) // target + crowded)  # of all of time down to a second
        assert found.counts == len(index.asked) <= 1 + 24 + quarterings

    @settings(deadline=None)
    @given(skewed, st.integers(1, 30))
    def test_the_same_counts_give_the_same_plan(self, times: list[int], target: int) -> None:
        """Nothing but the counts decides."""
        assert cut(Index(times), target=target) == cut(Index(times), target=target)

    @settings(deadline=None)
    @given(skewed, st.integers(1, 30))
    def test_keys_are_unique_and_sort_by_time(self, times: list[int], target: int) -> None:
        """Names of slices sort as their windows do."""
        recent = [time for time in times if time >= year_start(1900)]
        keys = [one.key for one in cut(Index(recent), target=target).slices]
        assert keys == sorted(set(keys))


def spread(count: int, seed: int = 1) -> list[int]:
    """Scatter records over sixteen years."""
    chance = random.Random(seed)
    return [chance.randrange(year_start(2011), year_start(YEAR) + 300 * 86400) for _ in range(count)]


class TestEconomy:
    @pytest.mark.slow
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_a_million_records_with_a_third_in_one_second(self, seed: int) -> None:
        """Counting costs at most a twentieth of the requests for pages, whatever the skew."""
        heavy = spread(1, seed + 100) * 333_333
        found = cut(Index(spread(666_667, seed) + heavy))
        assert found.counts <= 35
        assert [lasts(one.window) for one in found.slices if one.expected > 60_000] == [1]
        assert all(part.year for part in found.parts)

    @pytest.mark.slow
    def test_a_full_second_costs_little_more_where_nobody_tells_the_moment(self) -> None:
        """Cutting time again and again finds it too."""
        found = cut(Index(spread(666_667) + spread(1, 101) * 333_333, off=None))
        assert found.counts <= 65
        assert [lasts(one.window) for one in found.slices if one.expected > 60_000] == [1]

    def test_small_queries_are_one_slice_for_one_count(self) -> None:
        """What is small is not cut at all."""
        index = Index(spread(5000))
        assert cut(index).slices == (Slice(key="0min-max", window=EVERYTHING, expected=5000),)
        assert index.asked == [EVERYTHING]

    def test_there_are_no_tiny_slices(self) -> None:
        """Two neighbouring slices of a part would not fit into one."""
        found = cut(Index(spread(60_000) + [year_start(2017) + 99] * 9000), target=5000)
        for part in found.parts:
            sizes = [one.expected for one in part.slices]
            assert all(before + after > 5000 for before, after in itertools.pairwise(sizes))

    def test_middling_queries_mix_years_in_their_parts(self) -> None:
        """What fits into few parts need not be cut at new years."""
        found = cut(Index(spread(60_000)))
        assert len(found.parts) == 2
        assert found.parts[0].year is None


class TestRoots:
    def test_nothing_is_one_empty_slice(self) -> None:
        """An empty list is fetched like any other, so that its emptiness is proved."""
        assert cut(Index([])).slices == (Slice(key="0min-max", window=EVERYTHING, expected=0),)

    @pytest.mark.parametrize("change", [{"slice_on": None}, {"paging": Paging.NUMBER}])
    def test_lists_that_cannot_be_cut_are_one_slice(self, change: dict) -> None:
        """Without cursors or a time that never changes there is nothing to cut by."""
        found = cut(Index(spread(9000)), Query(resource=replace(RESOURCE, **change)), target=10)
        assert [one.window for one in found.slices] == [EVERYTHING]

    def test_a_window_on_the_creation_time_is_what_is_tiled(self) -> None:
        """A query of one year is cut within that year only."""
        window = Window(year_start(2019), year_start(2020))
        index = Index([time for time in spread(20_000) if window.start <= time < window.end])
        found = cut(index, Query(resource=RESOURCE, window=window, by="created"), target=100)
        assert_tiled(found, window)

    def test_a_window_on_another_time_leaves_creation_open(self) -> None:
        """Records updated in a month may have been created at any time."""
        query = Query(resource=RESOURCE, window=Window(year_start(2019), year_start(2020)), by="updated")
        assert_tiled(cut(Index(spread(500)), query, target=100), EVERYTHING)


class TestTrouble:
    def test_an_index_that_shrinks_meanwhile_gives_no_negative_counts(self) -> None:
        """If the halves hold more than the whole did, the rest is counted instead of computed."""
        index = Index(spread(1000))

        async def count(window: Window) -> int:
            held = await index.count(window)
            return held if window == EVERYTHING else held * 3

        found = asyncio.run(plan(QUERY, count, year=YEAR, target=100))
        assert all(one.expected >= 0 for one in found.slices)
        assert_tiled(found, EVERYTHING)

    def test_an_error_of_counting_comes_out_as_it_is(self) -> None:
        """The caller gets the error itself, not a group."""
        index = Index(spread(1000))

        async def count(window: Window) -> int:
            if window != EVERYTHING:
                raise TransientError("down")
            return await index.count(window)

        with pytest.raises(TransientError, match="down"):
            asyncio.run(plan(QUERY, count, year=YEAR, target=100))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (EVERYTHING, "0min-max"),
        (Window(year_start(2019), year_start(2020)), "20190101T000000-20200101T000000"),
        (Window(None, year_start(2020) + 61), "0min-20200101T000101"),
        (Window(year_start(2019), None), "20190101T000000-max"),
    ],
)
def test_keys_name_windows(window: Window, expected: str) -> None:
    """A key shows both ends to the second and is a valid file name."""
    assert key(window) == expected


def test_a_kept_plan_comes_back_as_it_was() -> None:
    """The next run resumes with the plan that a run has stored."""
    one = Slice(key="a", window=Window(1, 2), expected=3, as_of=5)
    parts = (Part(key="p", slices=(one,), year=2020),)
    made = Plan(total=3, parts=parts, empty=(Window(None, 1),), counts=4, as_of=5, until=6, uncut="no")
    assert decode_plan(msgspec.to_builtins(made)) == made


@pytest.mark.slow
def test_many_threads_may_restore_their_first_plan_at_once() -> None:
    """Workers of Dask do this; msgspec alone crashes the process if two threads first use the same dataclass."""
    script = """
import sys, threading
from etl.completeness.slices import decode_plan
sys.setswitchinterval(1e-6)
start = threading.Barrier(16)
def restore():
    start.wait()
    decode_plan({"total": 0, "parts": []})
threads = [threading.Thread(target=restore) for _ in range(16)]
for one in threads: one.start()
for one in threads: one.join()
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", script], check=True)


async def test_a_server_that_does_not_heed_windows_is_counted_a_few_times() -> None:
    """The counts of its windows add up to more than the whole: the list is one slice, and the plan says why."""
    asked: list[Window] = []

    async def count(window: Window) -> int:
        asked.append(window)
        return 100_000

    planned = await plan(QUERY, count, year=YEAR)
    assert [one.window for one in planned.slices] == [EVERYTHING]
    assert planned.uncut == "the counts of its windows add up to more than the whole"
    assert len(asked) < 10


async def test_counts_that_lead_nowhere_end() -> None:
    """If all records are in the last window, wherever it is cut, planning gives up after a bounded number of counts."""
    asked: list[Window] = []

    async def count(window: Window) -> int:
        asked.append(window)
        return 100_000 if window.end is None else len(asked) % 3

    planned = await plan(QUERY, count, year=YEAR)
    assert sum(one.expected for one in planned.slices) >= 100_000 - 10
    assert len(asked) < 1000


async def test_records_created_after_the_end_of_a_plan_are_left_out() -> None:
    """The last window ends at the bound, whether the query is cut or not."""

    async def count(window: Window) -> int:
        return 10 if window.end == 500 else 999

    planned = await plan(QUERY, count, year=YEAR, until=500)
    assert (planned.total, planned.slices[0].window) == (10, Window(None, 500))
