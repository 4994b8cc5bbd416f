"""A step of a conductor: what it is called with, the plain way to do one, and doing some side by side.

A shell may do steps in another way, so that a flow does not repeat a conductor's order: Prefect gets each as a task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Step(Protocol):
    """Does one step: a function of a conductor with its arguments."""

    async def __call__(self, name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the step and return what it returns."""


async def directly(name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a step here and now."""
    del name
    return await function(*args, **kwargs)


async def together(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do steps side by side and return what they return; the first error cancels the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
