"""Options that do not stand on the command line: the environment's, and those of a TOML file, a table a command."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from etl.errors import UsageError
from etl.schema.declarations import Json

PREFIX = "DATACITE_ETL_"
_YES = frozenset(("yes", "y", "1", "true", "t"))


def read(path: Path) -> dict[str, Json]:
    """Read the file that `--config` names; UsageError, naming it, if there is none or it is no TOML."""
    try:
        return tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path} cannot be read: {error.strerror}", fix="name a TOML file") from error
    except ValueError as error:
        fix = 'write a table a command, such as [export], and below it options such as mailto = "you@example.org"'
        raise UsageError(f"--config {path} is no TOML: {error}", fix=fix) from error


def wants_json(arguments: Sequence[str], environment: Mapping[str, str], tables: Mapping[str, Json]) -> bool:
    """Return whether `--json` was asked for: by its flag, by its variable, or in the command's table of the file.

    Works for arguments that cannot be understood, too: it is asked when they were not.
    """
    flags = [one for one in arguments if one.partition("=")[0] == "--json"]
    if flags:
        return flags[-1] == "--json" or _yes(flags[-1].partition("=")[2])
    if told := environment.get(f"{PREFIX}JSON"):
        return _yes(told)
    own = next((tables[one] for one in arguments if one in tables), None)
    return isinstance(own, Mapping) and _yes(own.get("json"))


def _yes(value: Json) -> bool:
    return str(value).lower() in _YES
