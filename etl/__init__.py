"""Export DataCite's metadata completely, as typed tables, with proof.

In a notebook: `tables = await etl.fetch("dois", filters={"client-id": "nihnci.tcia"})` or, without `await`,
`etl.fetch_sync(...)`; `etl.scan("out")["dois"]` for an exported dataset.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl.notebook import fetch, fetch_sync, scan

__version__ = "0.1.0"
__all__ = ["fetch", "fetch_sync", "scan"]


def __getattr__(name: str) -> Any:
    """Import the notebook functions on first use: the command line starts without data frames."""
    if name in __all__:
        return getattr(importlib.import_module("etl.notebook"), name)
    raise AttributeError(f"module 'etl' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return [*__all__, "__version__"]
