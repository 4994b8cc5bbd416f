"""The resources, registered by existing: a file in `v2/` is a resource of the current API, one in `v1/` of the old.

A module whose name begins with an underscore, or that has no RESOURCE, is part of another's declaration. Modules are
imported only when asked for.
"""

import difflib
import importlib
import pkgutil
from pathlib import Path

from etl.errors import UsageError
from etl.schema.declarations import Resource

_PREFIXES = {"v2": "", "v1": "v1/"}


def names() -> list[str]:
    """List the resources' names, the current API's first: `client-prefixes`, `v1/works`."""
    return [name for name, module in _modules().items() if hasattr(importlib.import_module(module), "RESOURCE")]


def load(name: str) -> Resource:
    """Return the resource of that name; UsageError with the nearest and all valid names if there is none."""
    module = _modules().get(name)
    found = getattr(importlib.import_module(module), "RESOURCE", None) if module else None
    if not isinstance(found, Resource):
        valid = names()
        near = difflib.get_close_matches(name, valid, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no resource {name!r}", fix=f"{hint}valid are: {', '.join(valid)}")
    return found


def _modules() -> dict[str, str]:
    """Map each name to its module, whether or not that declares a resource."""
    return {
        prefix + module.name.replace("_", "-"): f"{__name__}.{folder}.{module.name}"
        for folder, prefix in _PREFIXES.items()
        for module in pkgutil.iter_modules([str(Path(__file__).parent / folder)])
        if not module.name.startswith("_")
    }
