"""Steps of a run: their interface, the direct way to take one, and taking several at once.

A shell may take steps in its own way, so that a flow need not repeat their order: Prefect makes each a task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Step(Protocol):
    """Takes one step: calls a function with its arguments."""

    async def __call__(self, name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Take the step and return its result."""


async def directly(name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in this process."""
    del name
    return await function(*args, **kwargs)


async def together(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Take steps concurrently and return their results; the first error cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
