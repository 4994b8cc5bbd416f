"""What can still be known of a dataset whose manifest is lost or cannot be read: its files, by their names.

Only for an export that replaces it (`--fresh`): they are taken out of the way like those of any dataset before, and
whatever else lies in the folders of tables is still somebody else's. Nobody reads data by this.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from etl import resources
from etl.dataset import delta_log
from etl.dataset.manifest import DataFile, DeltaLog, TableFacts
from etl.errors import StoreError
from etl.schema import withdrawn
from etl.storage import paths
from etl.storage.files import Files

_INCLUDED = "included_"


def listed(files: Files) -> dict[str, TableFacts]:
    """Return the tables of a dataset with their files, and nothing else about them."""
    tables, found = _tables(), defaultdict(list)
    for key in files.listing(""):
        name = key.partition("/")[0]
        if name in tables and paths.ours(key):
            found[name].append(key)
    return {name: _facts(files, name, keys) for name, keys in found.items()}


def _tables() -> set[str]:
    """Name all tables that a dataset may have."""
    declared = [table.name for name in resources.names() for table in resources.load(name).tables]
    return {withdrawn.NAME, *declared, *(_INCLUDED + name for name in declared)}


def _facts(files: Files, name: str, keys: Sequence[str]) -> TableFacts:
    """Describe a table; a log that there is goes on, for its readers follow it."""
    log = {key: files.read(key) for key in keys if delta_log.is_commit(key)}
    try:
        active = delta_log.active(name, log.values())
        of = delta_log.table_id(log.values()) if log else ""
    except ValueError as error:
        fix = f"remove {files.name}/{name}, or choose another destination"
        raise StoreError(f"the log of the table {name} is damaged: {error}", fix=fix) from error
    data = [DataFile(path=key, rows=0, bytes=0, sha256="") for key in sorted({*keys, *active} - log.keys())]
    facts = TableFacts.of_files((), data, key="", of="")
    if not log:
        return facts
    commits = tuple(delta_log.described(key, content) for key, content in log.items())
    return replace(facts, delta=DeltaLog(id=of, log=commits))
