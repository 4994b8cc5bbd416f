"""Compare the API's current counts with a manifest: slice by slice and as a whole.

A difference is not damage: records have been created or withdrawn since. `verify` checks the files.
"""

from dataclasses import dataclass

from etl.api.client import Client
from etl.api.query import Query
from etl.api.window import EVERYTHING
from etl.dataset.manifest import Manifest
from etl.steps import together


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSlice:
    """A slice with another count today: its records in the dataset, and in the API."""

    key: str
    held: int
    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTotals:
    """The API's current totals; `elsewhere` counts records in none of the dataset's slices."""

    held: int
    today: int
    elsewhere: int
    slices: int
    moved: tuple[ChangedSlice, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all counts equal those of the dataset; records may still have been updated."""
        return self.held == self.today and not self.moved


async def compare(client: Client, query: Query, manifest: Manifest) -> RemoteTotals:
    """Request the current totals of a dataset's slices and of its query."""
    slices = manifest.slices
    windows = [EVERYTHING, *(facts.window for facts in slices)]
    whole, *counts = await together(client.count(query, window) for window in windows)
    return RemoteTotals(
        held=manifest.totals.unique,
        today=whole,
        elsewhere=whole - sum(counts),
        slices=len(counts),
        moved=tuple(
            ChangedSlice(key=facts.key, held=facts.unique, today=count)
            for facts, count in zip(slices, counts, strict=True)
            if facts.unique != count
        ),
    )
