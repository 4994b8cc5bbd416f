"""The resources: each file in `v2/` declares one of the current API, each file in `v1/` one of API v1.

A module whose name begins with an underscore, or that has no RESOURCE, is part of another's declaration. Modules are
imported only on demand.
"""

import difflib
import importlib
import pkgutil
from pathlib import Path

from etl.errors import UsageError
from etl.schema.declarations import Resource

_PREFIXES = {"v2": "", "v1": "v1/"}


def names() -> list[str]:
    """List the names of resources, those of the current API first: `client-prefixes`, `v1/works`."""
    return [name for name, module in _modules().items() if hasattr(importlib.import_module(module), "RESOURCE")]


def load(name: str) -> Resource:
    """Return the resource with this name; UsageError with the nearest and all valid names if there is none."""
    module = _modules().get(name)
    resource = getattr(importlib.import_module(module), "RESOURCE", None) if module else None
    if not isinstance(resource, Resource):
        valid = names()
        near = difflib.get_close_matches(name, valid, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no resource {name!r}", fix=f"{hint}valid are: {', '.join(valid)}")
    return resource


def _modules() -> dict[str, str]:
    """Map each name to its module, whether or not it declares a resource."""
    return {
        prefix + module.name.replace("_", "-"): f"{__name__}.{folder}.{module.name}"
        for folder, prefix in _PREFIXES.items()
        for module in pkgutil.iter_modules([str(Path(__file__).parent / folder)])
        if not module.name.startswith("_")
    }
