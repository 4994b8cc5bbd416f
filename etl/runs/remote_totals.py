"""What the API counts today against what a manifest says: slice by slice and as a whole.

A difference is news and no damage: records were created or withdrawn since. What the files hold is `verify`'s matter.
"""

from dataclasses import dataclass

from etl.api.client import Client
from etl.api.query import Query
from etl.api.window import EVERYTHING
from etl.dataset.manifest import Manifest
from etl.steps import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A slice that counts otherwise today: records that the dataset has, and that the API has now."""

    key: str
    held: int
    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The API's totals now; `elsewhere` are records in none of the dataset's slices."""

    held: int
    today: int
    elsewhere: int
    slices: int
    moved: tuple[Moved, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every count is the dataset's; records may have been updated nevertheless."""
        return self.held == self.today and not self.moved


async def compare(client: Client, query: Query, manifest: Manifest) -> Today:
    """Ask for today's totals of a dataset's slices and of its query."""
    slices = manifest.slices
    windows = [EVERYTHING, *(one.window for one in slices)]
    whole, *counts = await together(client.count(query, window) for window in windows)
    return Today(
        held=manifest.totals.unique,
        today=whole,
        elsewhere=whole - sum(counts),
        slices=len(counts),
        moved=tuple(
            Moved(key=one.key, held=one.unique, today=count)
            for one, count in zip(slices, counts, strict=True)
            if one.unique != count
        ),
    )
