"""The log that makes a table's Parquet files a Delta table: one commit a publication, with the run's id in it.

Pure. The protocol is Delta's own, reader version 1 and writer version 2: JSON lines of actions, files that are never
changed (`beside` gives them names of their own). Written here and not by a library, because a publication that keeps
most files as they are is one commit with some of them added and some removed; readers are whichever one likes.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, unquote

from etl import resources
from etl.dataset.manifest import DataFile, DeltaLog, Manifest, TableFacts
from etl.errors import UsageError
from etl.schema import withdrawn
from etl.schema.declarations import Json, Resource
from etl.storage import paths

FORMAT = "delta"
PARQUET = ".parquet"
_TYPES = {"int": "long", "float": "double", "bool": "boolean", "timestamp": "timestamp", "date": "date"}
Words = tuple[str, Mapping[str, str]]
"""What a table is, and its columns."""
_SILENT: Words = ("", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table as it was (empty: there was no log) and as it is, the id that its log goes by, and words about it."""

    name: str
    held: TableFacts | None
    facts: TableFacts
    id: str
    words: Words


def commits(before: Mapping[str, TableFacts], manifest: Manifest) -> tuple[Manifest, dict[str, str]]:
    """Return the manifest with the log of every table in it, and the text of each new commit by its path.

    A table whose files are those of `before` gets no commit.
    """
    words = _words(manifest.resource)
    tables: dict[str, TableFacts] = {}
    texts: dict[str, str] = {}
    for name, facts in manifest.tables.items():
        held = before.get(name)
        delta = (held.delta if held else None) or DeltaLog(id=_made_up(manifest, name), log=())
        table = _Table(
            name=name, held=held if delta.log else None, facts=facts, id=delta.id, words=words.get(name, _SILENT)
        )
        if actions := list(_actions(table, _moment(manifest))):
            path = f"{name}/_delta_log/{len(delta.log):020d}.json"
            texts[path] = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in [_info(manifest), *actions])
            delta = replace(delta, log=(*delta.log, described(path, texts[path].encode())))
        tables[name] = replace(facts, delta=delta)
    return replace(manifest, tables=tables), texts


def described(path: str, content: bytes) -> DataFile:
    """Describe a commit as the manifest does."""
    return DataFile(path=path, rows=0, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _made_up(manifest: Manifest, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"datacite-etl:{manifest.run_id}/{name}"))


def _info(manifest: Manifest) -> dict[str, Json]:
    return {
        "commitInfo": {
            "timestamp": _moment(manifest),
            "operation": "WRITE",
            "operationParameters": {"mode": "Overwrite"},
            "engineInfo": "datacite-etl",
            "run_id": manifest.run_id,
        }
    }


def _actions(table: _Table, moment: int) -> Iterator[dict[str, Json]]:
    """Yield the actions on a table: its columns where they are new, files that go, files that come."""
    if table.held is None:
        yield {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
    if table.held is None or table.held.columns != table.facts.columns:
        yield {"metaData": _metadata(table, moment)}
    old, new = _parquet(table.held), _parquet(table.facts)
    for path in sorted(old.keys() - new.keys()):
        yield {"remove": {"path": _spelled(table.name, path), "deletionTimestamp": moment, "dataChange": True}}
    for path in sorted(new.keys() - old.keys()):
        yield {"add": _added(table.name, new[path], moment)}


def _parquet(facts: TableFacts | None) -> dict[str, DataFile]:
    return {file.path: file for file in facts.files if file.path.endswith(PARQUET)} if facts else {}


def _added(name: str, file: DataFile, moment: int) -> dict[str, Json]:
    return {
        "path": _spelled(name, file.path),
        "partitionValues": paths.partition(file.path),
        "size": file.bytes,
        "modificationTime": moment,
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}),
    }


def _spelled(name: str, path: str) -> str:
    """Spell a path as the log has it: below the table's folder, and encoded as in a URL."""
    return quote(path.removeprefix(f"{name}/"), safe="/=~")


def _metadata(table: _Table, moment: int) -> dict[str, Json]:
    description, columns = table.words
    fields = [
        {
            "name": column.name,
            "type": _TYPES.get(column.type, "string"),
            "nullable": True,
            "metadata": {"comment": columns[column.name]} if columns.get(column.name) else {},
        }
        for column in table.facts.columns
    ]
    return {
        "id": table.id,
        "name": table.name,
        "description": description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": fields}, ensure_ascii=False),
        "partitionColumns": list(next((paths.partition(path) for path in _parquet(table.facts)), {})),
        "configuration": {},
        "createdTime": moment,
    }


def _moment(manifest: Manifest) -> int:
    return int(datetime.fromisoformat(manifest.finished).timestamp() * 1000)


def _words(name: str) -> dict[str, Words]:
    """Return the descriptions of the tables that a dataset of a resource may have, and of their columns."""
    try:
        resource = resources.load(name)
    except UsageError:  # of a newer program, or nobody's
        return {}
    owners: Sequence[Resource] = [
        *(resources.load(include.resource) for include in resource.includes),
        withdrawn.resource(resource),
        resource,
    ]
    return {
        table.name: (table.description, {column.name: column.description for column in table.columns})
        for owner in owners
        for table in owner.tables
    }


def is_commit(key: str) -> bool:
    """Return whether a key of a data file is that of a commit."""
    return "/_delta_log/" in key


def active(name: str, commits: Iterable[bytes]) -> dict[str, int]:
    """Return the files that a table consists of after all its commits, with their sizes."""
    found: dict[str, int] = {}
    for line in b"".join(commits).splitlines():
        action = json.loads(line)
        if gone := action.get("remove"):
            found.pop(f"{name}/{unquote(gone['path'])}", None)
        if come := action.get("add"):
            found[f"{name}/{unquote(come['path'])}"] = come["size"]
    return found


def table_id(commits: Iterable[bytes]) -> str:
    """Return the id that a table's log goes by; ValueError if it tells none."""
    for line in b"".join(commits).splitlines():
        if found := json.loads(line).get("metaData"):
            return str(found["id"])
    raise ValueError("it tells no table")
