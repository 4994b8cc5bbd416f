"""The log that makes a table's Parquet files a Delta table: one commit per publication, with the run's id.

Pure. The protocol is Delta's own, reader version 1 and writer version 2: JSON lines of actions, and files that never
change (`copy_on_write` gives them unique names). It is written here rather than by a library, because a publication
that keeps most files is one commit that adds some files and removes others; any reader of Delta tables can read it.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, unquote

import msgspec

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
"""Description of a table, and of its columns by name."""
_SILENT: Words = ("", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table before (None without a log) and after a publication, the id of its log, and its descriptions."""

    name: str
    held: TableFacts | None
    facts: TableFacts
    id: str
    words: Words


def commits(before: Mapping[str, TableFacts], manifest: Manifest) -> tuple[Manifest, dict[str, str]]:
    """Return the manifest with the log of every table, and the text of each new commit by path.

    A table whose files are unchanged gets no commit.
    """
    words = _words(manifest.resource)
    tables: dict[str, TableFacts] = {}
    texts: dict[str, str] = {}
    for name, facts in manifest.tables.items():
        held = before.get(name)
        delta = (held.delta if held else None) or DeltaLog(id=_new_id(manifest, name), log=())
        table = _Table(
            name=name, held=held if delta.log else None, facts=facts, id=delta.id, words=words.get(name, _SILENT)
        )
        if actions := list(_actions(table, _moment(manifest))):
            path = f"{name}/_delta_log/{len(delta.log):020d}.json"
            texts[path] = "".join(
                json.dumps(action, ensure_ascii=False) + "\n" for action in [_info(manifest), *actions]
            )
            delta = replace(delta, log=(*delta.log, describe_commit(path, texts[path].encode())))
        tables[name] = replace(facts, delta=delta)
    return replace(manifest, tables=tables), texts


def describe_commit(path: str, content: bytes) -> DataFile:
    """Describe a commit as the manifest does."""
    return DataFile(path=path, rows=0, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _new_id(manifest: Manifest, name: str) -> str:
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
    """Yield the actions on a table: its columns if they are new, removed files, added files."""
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
    """Write a path as in the log: relative to the table's folder, and encoded as in a URL."""
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
    """Return the descriptions of all tables that a dataset of a resource may have, and of their columns."""
    try:
        resource = resources.load(name)
    except UsageError:  # a resource of a newer program, or an unknown one
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
    """Return whether a key is that of a commit, not of a data file."""
    return "/_delta_log/" in key


def active_files(name: str, commits: Iterable[bytes]) -> dict[str, int]:
    """Return the files of a table after all its commits, with their sizes; ValueError for a damaged log."""
    sizes: dict[str, int] = {}
    for action in _read_actions(commits):
        if action.remove:
            sizes.pop(f"{name}/{unquote(action.remove.path)}", None)
        if action.add:
            sizes[f"{name}/{unquote(action.add.path)}"] = action.add.size
    return sizes


def table_id(commits: Iterable[bytes]) -> str:
    """Return the id in a table's log; ValueError if there is none."""
    for action in _read_actions(commits):
        if action.metaData:
            return action.metaData.id
    raise ValueError("it has no table id")


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Metadata:
    id: str


@dataclass(frozen=True, slots=True)
class _Action:
    """What is read of a line of the log."""

    add: _File | None = None
    remove: _File | None = None
    metaData: _Metadata | None = None  # noqa: N815 (its name in the log)


_DECODER = msgspec.json.Decoder(_Action)  # on import, in one thread: two at its first use crash the process


def _read_actions(commits: Iterable[bytes]) -> Iterator[_Action]:
    for line in b"".join(commits).splitlines():
        try:
            yield _DECODER.decode(line)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
