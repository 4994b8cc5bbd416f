"""A Delta lake: a Delta table a table, one commit each that carries the run; readers keep the old version until then.

Only partitions in which a file differs are written again. Commits of several tables cannot be one: `_datacite_etl.json`
in the lake names the versions that belong together and is written last; who wants a consistent set reads those. Every
commit also carries the number of its load (`transaction_version`), by which a load that died is resumed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl
import pyarrow as pa

from etl.dataset.inventory import Contents, Inventory
from etl.dataset.relations import Relation
from etl.errors import EtlError, StoreError, UsageError
from etl.schema.declarations import Json, Type
from etl.storage import paths
from etl.storage.files import Files, LocalFiles
from etl.storage.object_store import ObjectFiles
from etl.warehouses import Loaded, guards, library
from etl.warehouses.guards import Permission

if TYPE_CHECKING:
    from deltalake import DeltaTable

POINTER = "_datacite_etl.json"
APPLICATION = "datacite-etl"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One load: its number, the dataset, and the previous state of each table."""

    number: int
    inventory: Inventory
    now: Contents
    before: Contents | None
    numbers: Mapping[str, int]


class DeltaWarehouse:
    """A folder of Delta tables."""

    def __init__(self, files: Files) -> None:
        self._root = self.name = files.name
        self._options = dict(files.options) or None
        self._pointers = files

    def load(self, inventory: Inventory, *, stamp: str, permission: Permission) -> Loaded:
        """Bring every table to the dataset's state; after a failure, the next load resumes."""
        pointer = self._pointer()
        entry, now = pointer.get(inventory.resource, {}), inventory.contents()
        before = Contents(**entry["contents"]) if entry.get("contents") else None
        guards.check_dataset(before, now, permission, resource=inventory.resource)
        _check_tables(inventory, pointer)
        rows = {relation.name: inventory.rows(relation.name) for relation in inventory.relations}
        if before == now and not permission.replace:
            return Loaded(state="unchanged", tables=rows)
        task = _Task(
            number=_number(entry, now),
            inventory=inventory,
            now=now,
            before=before if not permission.replace else None,
            numbers={name: table["number"] for name, table in entry.get("tables", {}).items()},
        )
        if task.before:
            guards.check_withdrawn(*self._withdrawn(task), permission)
        entry["loading"] = {"number": task.number, "digest": now.digest}
        self._point({**pointer, inventory.resource: entry})
        tables = {relation.name: self._table(task, relation) for relation in inventory.relations}
        done = {
            "run_id": now.run_id,
            "loaded_at": stamp,
            "number": task.number,
            "tables": tables,
            "contents": asdict(now),
        }
        self._point({**pointer, inventory.resource: done})
        return Loaded(state="updated" if task.before else "created", tables=rows)

    def _pointer(self) -> dict[str, Json]:
        pointer: dict[str, Json] = json.loads(self._pointers.read(POINTER)) if self._pointers.exists(POINTER) else {}
        return pointer

    def _point(self, pointer: Mapping[str, Json]) -> None:
        self._pointers.write(POINTER, json.dumps(pointer, indent=1).encode())

    def _table(self, task: _Task, relation: Relation) -> dict[str, int]:
        """Bring one table to the dataset's state in at most one commit; return its version and its number."""
        table = self._open(relation.name)
        number = table.transaction_version(APPLICATION) if table else None
        if number != task.number:
            known = task.before is not None and number is not None and number == task.numbers.get(relation.name)
            folders = _changed(task, relation) if known else None
            if folders is None or folders:
                self._write(task, relation, folders)
        table = self._open(relation.name)
        assert table is not None
        return {"version": table.version(), "number": table.transaction_version(APPLICATION) or 0}

    def _open(self, name: str) -> "DeltaTable | None":
        from deltalake import DeltaTable

        uri = f"{self._root}/{name}"
        there = DeltaTable.is_deltatable(uri, storage_options=self._options)
        return DeltaTable(uri, storage_options=self._options) if there else None

    def _withdrawn(self, task: _Task) -> tuple[int, int]:
        """Count the records of the lake that the dataset lacks, and all that it has; hashes of keys need little memory.

        A record whose file is the same in both cannot be withdrawn, so only changed partitions are read.
        """
        main = next(relation for relation in task.inventory.relations if relation.name == task.inventory.main)
        folders = _changed(task, main)
        if self._open(main.name) is None or (folders is not None and not folders):
            return 0, 0
        lake = pl.scan_delta(f"{self._root}/{main.name}", storage_options=self._options)
        files = task.inventory.data_files(main.name)
        held = lake
        if folders and all(paths.partition(f"{folder}/file") for folder in folders):
            files = [file for file in files if _folder(file.path) in folders]
            held = lake.sql(f"SELECT * FROM self WHERE {_predicate(main, folders)}")
        key = pl.col(main.record).hash()
        pieces = [frame.select(key) for frame in task.inventory.keys(main, files)]
        known = pl.concat(pieces)[main.record] if pieces else pl.Series(main.record, [], dtype=pl.UInt64)
        hashes = held.select(key).collect(engine="streaming")[main.record]
        total = lake.select(pl.len()).collect(engine="streaming").item()
        return int((~hashes.is_in(known.implode())).sum()), int(total)

    def _write(self, task: _Task, relation: Relation, folders: set[str] | None) -> None:
        """Write a table, or some of its partitions, in one commit."""
        from deltalake import CommitProperties, Transaction, write_deltalake

        files = task.inventory.data_files(relation.name)
        own = [name for file in files[:1] for name in paths.partition(file.path)]
        whole = folders is None or not own
        changed = files if whole else [file for file in files if _folder(file.path) in (folders or ())]
        schema = _schema(relation)
        batches = _batches(task.inventory.frames(relation, changed), schema)
        with _unwrapped(batches) as source:
            write_deltalake(
                f"{self._root}/{relation.name}",
                pa.RecordBatchReader.from_batches(schema, source),
                mode="overwrite",
                partition_by=own or None,
                predicate=None if whole else _predicate(relation, folders or set()),
                schema_mode="overwrite" if whole else None,
                name=relation.name,
                description=relation.description,
                storage_options=self._options,
                commit_properties=CommitProperties(
                    custom_metadata={"run_id": task.now.run_id, "manifest": task.now.digest},
                    app_transactions=[Transaction(APPLICATION, task.number)],
                ),
            )


@contextmanager
def _unwrapped(batches: Iterator[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """Yield the batches for a library that hides their errors in its own, as the text of a traceback."""
    errors: list[EtlError] = []

    def guarded() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except EtlError as error:
            errors.append(error)
            raise

    try:
        yield guarded()
    except Exception:
        if errors:
            raise errors[0] from None
        raise


@contextmanager
def opened(url: str, *, schema: str) -> Iterator[DeltaWarehouse]:
    """Open the lake at `delta:///folder` (a fourth slash for an absolute path), or on an object store."""
    library("deltalake", "delta")
    from deltalake.exceptions import DeltaError

    if schema:
        raise UsageError("a Delta lake has no schemas", fix="choose another folder instead of --schema")
    files = _folder_of(url) if url.lower().startswith("delta:") else ObjectFiles(url)
    try:
        yield DeltaWarehouse(files)
    except (DeltaError, OSError) as error:
        fix = "fix this and load again; the load continues with the remaining tables"
        raise StoreError(f"{files.name}: {error}", fix=fix) from error


def _folder_of(url: str) -> LocalFiles:
    text = url.partition("://")[2].removeprefix("/")
    if not text:
        raise UsageError("a Delta URL names a folder", fix="write delta:///folder")
    return LocalFiles(Path(unquote(text)).absolute())


def _number(entry: Mapping[str, Json], now: Contents) -> int:
    """Return the number of a load: a load of the same dataset that died is resumed, any other is new."""
    begun = entry.get("loading") or {"number": entry.get("number", 0), "digest": ""}
    number = int(begun["number"])
    return number if begun["digest"] == now.digest else number + 1


def _check_tables(inventory: Inventory, pointer: Mapping[str, Json]) -> None:
    """Refuse to replace tables of another dataset."""
    for dataset, entry in pointer.items():
        shared = set(entry.get("tables", ())) & {relation.name for relation in inventory.relations}
        if dataset != inventory.resource and shared:
            raise UsageError(f"table {min(shared)} belongs to a dataset of {dataset}", fix="choose another folder")


def _changed(task: _Task, relation: Relation) -> set[str] | None:
    """Return the partition folders in which a table's files differ; None if its columns do."""
    assert task.before is not None
    name = relation.name
    if task.before.columns.get(name) != task.now.columns[name]:
        return None
    before, now = task.before.files[name], task.now.files[name]
    return {_folder(path) for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _predicate(relation: Relation, folders: Iterable[str]) -> str:
    """Say in SQL which partitions are replaced."""
    kinds = {field.name: field.type for field in relation.columns}
    clauses = []
    for folder in sorted(folders):
        values = paths.partition(f"{folder}/file")
        tests = [_test(name, value, kinds[name]) for name, value in values.items()]
        clauses.append(f"({' AND '.join(tests)})")
    return " OR ".join(clauses)


def _test(name: str, value: str | None, kind: Type) -> str:
    if value is None:
        return f'"{name}" IS NULL'
    escaped = value.replace("'", "''")
    return f'"{name}" = {value}' if kind in (Type.INT, Type.BOOL) else f"\"{name}\" = '{escaped}'"


_ARROW = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", "UTC"),
    Type.DATE: pa.date32(),
    Type.JSON: pa.string(),
}


def _schema(relation: Relation) -> pa.Schema:
    fields = [
        pa.field(field.name, _ARROW[field.type], metadata={"comment": field.description} if field.description else None)
        for field in relation.columns
    ]
    return pa.schema(fields)


def _batches(frames: Iterable[pl.DataFrame], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for frame in frames:
        yield from frame.to_arrow().cast(schema).to_batches(max_chunksize=50_000)
