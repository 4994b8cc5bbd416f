"""Where a dataset can be loaded into: one file here for each kind, registered by existing, chosen by the URL's scheme.

A module ends in an `opened`; what all of them share is `merging` for those that speak SQL.
"""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

from etl.dataset.inventory import Inventory
from etl.errors import UsageError
from etl.storage import object_store
from etl.warehouses.guards import Permission

_SCHEMES = {
    "duckdb": "duckdb",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "delta": "delta",
    **dict.fromkeys(object_store.SCHEMES, "delta"),
}
_VALID = "duckdb:///file.duckdb, postgresql://user@host/database, delta:///folder or s3://bucket/folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The result of a load: `unchanged`, `created` or `updated`; records by what happened to them, rows by table.

    Records are None where a warehouse replaces whole partitions and does not count them. `altered` values had
    characters that the warehouse cannot hold and that were replaced.
    """

    state: str
    added: int | None = None
    changed: int | None = None
    withdrawn: int | None = None
    altered: int = 0
    tables: dict[str, int] = field(default_factory=dict)


class Warehouse(Protocol):
    """An opened warehouse."""

    @property
    def name(self) -> str:
        """Its name for people, without secrets."""

    def load(self, inventory: Inventory, *, stamp: str, permission: Permission) -> Loaded:
        """Bring it to the state of the dataset, or change nothing; what is not permitted is refused."""


class Opener(Protocol):
    """The interface of the modules of this package."""

    def __call__(self, url: str, *, schema: str) -> AbstractContextManager[Warehouse]:
        """Open the warehouse at a URL; `schema` is empty for the usual one."""


@contextmanager
def open_warehouse(url: str, *, schema: str = "") -> Iterator[Warehouse]:
    """Open the warehouse of a URL; UsageError for an unknown scheme, or a library that is not installed."""
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in _SCHEMES:
        raise UsageError(f"there is no warehouse for {scheme or 'a URL without a scheme'}", fix=f"give {_VALID}")
    module = importlib.import_module(f"{__name__}.{_SCHEMES[scheme]}")
    opener: Opener = module.opened
    with opener(url, schema=schema) as warehouse:
        yield warehouse


def library(name: str, extra: str) -> ModuleType:
    """Import an optional library; UsageError, naming the extra, if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(
            f"{name.partition('.')[0]} is not installed", fix=f'install it with pip install "datacite-etl[{extra}]"'
        ) from None
