"""Options from the environment, and from a TOML file with one table per command."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from etl.errors import UsageError
from etl.options.folders import expand
from etl.schema.declarations import Json

PREFIX = "DATACITE_ETL_"
_YES = frozenset(("yes", "y", "1", "true", "t"))


def read_configuration(path: Path) -> dict[str, Json]:
    """Read the file of `--config`; UsageError, naming it, if it does not exist or is not TOML."""
    try:
        return tomllib.loads(expand(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path} cannot be read: {error.strerror}", fix="name a TOML file") from error
    except ValueError as error:
        fix = 'write one table per command, such as [export], with options such as mailto = "you@example.org"'
        raise UsageError(f"--config {path} is not TOML: {error}", fix=fix) from error


def wants_json(arguments: Sequence[str], environment: Mapping[str, str], tables: Mapping[str, Json]) -> bool:
    """Return whether JSON is requested: by the flag, the variable, or the command's table in the file.

    Also works for invalid arguments, whose error it formats.
    """
    flags = [argument for argument in arguments if argument.partition("=")[0] == "--json"]
    if flags:
        return flags[-1] == "--json" or _yes(flags[-1].partition("=")[2])
    if variable := environment.get(f"{PREFIX}JSON"):
        return _yes(variable)
    own = next((tables[argument] for argument in arguments if argument in tables), None)
    return isinstance(own, Mapping) and _yes(own.get("json"))


def _yes(value: Json) -> bool:
    return str(value).lower() in _YES
