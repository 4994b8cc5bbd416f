"""Options from the environment, and from a TOML file with one table per command."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from etl.options.folders import expand
from etl.schema.declarations import Json
from etl.storage import text_files

PREFIX = "DATACITE_ETL_"
_FIX = 'write one table per command, such as [export], with options such as mailto = "you@example.org"'
_YES = frozenset(("yes", "y", "1", "true", "t"))


def read_configuration(path: Path) -> dict[str, Json]:
    """Read the file of `--config`; UsageError, naming it, if it does not exist or is not TOML."""
    return text_files.from_toml(text_files.read(expand(path)), f"--config {path}", fix=_FIX)


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
