"""Slots: never more requests at once than there are, fewer after complaints, all again after good answers."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from etl.api.limits.concurrency_limit import ConcurrencyLimit
from tests.support.virtual import now, run


async def most_at_once(slots: ConcurrencyLimit, requests: int) -> int:
    """Send requests that take a second; return the largest number at once."""
    under_way = most = 0

    async def one() -> None:
        nonlocal under_way, most
        async with slots:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(1)
            under_way -= 1

    await asyncio.gather(*(one() for _ in range(requests)))
    return most


def test_all_slots_are_used_and_no_more() -> None:
    """Ten requests on four slots are four at a time."""
    assert run(most_at_once(ConcurrencyLimit(4, clock=now), 10)) == 4


def test_a_complaint_halves_them_and_those_that_come_together_count_once() -> None:
    """Four refusals for one reason leave two slots, later ones one, and never none."""

    async def scenario() -> list[int]:
        slots, seen = ConcurrencyLimit(4, clock=now), []
        for _ in range(4):
            for _ in range(4):
                slots.narrow()
            seen.append(await most_at_once(slots, 8))
        return seen

    assert run(scenario()) == [2, 1, 1, 1]


def test_good_answers_bring_them_back() -> None:
    """One more slot after as many good answers as there are slots, until all are there, and not one beyond."""

    async def scenario() -> list[int]:
        slots, seen = ConcurrencyLimit(4, clock=now), []
        slots.narrow()
        await asyncio.sleep(2)
        slots.narrow()
        for _ in range(20):
            slots.widen()
            seen.append(slots.open)
        assert await most_at_once(slots, 9) == 4
        return seen

    assert run(scenario()) == [2, 2, 3, 3, 3] + [4] * 15


def test_those_who_wait_are_admitted_as_slots_come_back() -> None:
    """A slot that comes back is for the request that has waited longest, and nobody waits beside a free one."""

    async def scenario() -> list[float]:
        slots, begun = ConcurrencyLimit(2, clock=now), []
        slots.narrow()

        async def one() -> None:
            async with slots:
                begun.append(now())
                await asyncio.sleep(10)

        tasks = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(1)
        slots.widen()
        await asyncio.gather(*tasks)
        return begun

    assert run(scenario()) == [0, 1, 10]


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 5), st.sampled_from(["good", "bad", "gone"])), max_size=40))
def test_slots_are_neither_lost_nor_doubled(requests: list[tuple[float, float, str]]) -> None:
    """Requests end, fail or are cancelled at any moment: afterwards every slot is free."""

    async def scenario() -> int:
        slots = ConcurrencyLimit(3, clock=now)

        async def one(delay: float, length: float, ending: str) -> None:
            await asyncio.sleep(delay)
            async with slots:
                await asyncio.sleep(length)
            {"good": slots.widen, "bad": slots.narrow, "gone": lambda: None}[ending]()

        tasks = [asyncio.create_task(one(*request)) for request in requests]
        await asyncio.sleep(7)
        for task, (_, _, ending) in zip(tasks, requests, strict=True):
            if ending == "gone":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(9):
            slots.widen()
        return await most_at_once(slots, 9)

    assert run(scenario()) == 3
