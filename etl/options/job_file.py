"""The file of `datacite-etl run`: tables of options, called as on the command line, read into checked entries.

This decides which entries a file describes, except for templates; it requests nothing and runs nothing.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from etl.errors import ProtocolError, UsageError
from etl.options.arguments import path_of
from etl.options.delivery import DeliveryOptions
from etl.options.folders import expand
from etl.options.query import QueryOptions
from etl.options.server import FetchOptions
from etl.options.sync import SyncOptions
from etl.schema.declarations import Json
from etl.storage import text_files

T = TypeVar("T")
CLIENT = "{client}"
"""The placeholder in `to` for the id of a client."""
_CLIENT = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_OF = ("provider-id", "consortium-id")
_KINDS = ("export", "sync")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEntry:
    """An `[[export]]`, or a `[[sync]]` with `sync_options`; `where` names it in errors; a template has `clients_of`.

    A client of a template may have no record yet: the API names it, so that its id has no typing error.
    """

    where: str
    to: str
    clients_of: Mapping[str, str]
    resource: str = ""
    query_options: QueryOptions = field(default_factory=QueryOptions)
    delivery_options: DeliveryOptions = field(default_factory=DeliveryOptions)
    sync_options: SyncOptions | None = None

    def of_client(self, client: str) -> "JobEntry":
        """Fill the template in for one client; ProtocolError for an id that would change the folder."""
        if not _CLIENT.fullmatch(client):
            raise ProtocolError(f"{self.where}: the API names a client {client!r}", fix=f"write 'to' without {CLIENT}")
        query_options = replace(self.query_options, filter=(*self.query_options.filter, f"client-id={client}"))
        own = self.delivery_options
        return replace(
            self,
            to=self.to.replace(CLIENT, client),
            clients_of={},
            query_options=query_options,
            delivery_options=own if own.min_records > 1 else replace(own, allow_empty=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A job file: options of the API, the number of concurrent entries (None by default), and the entries."""

    server: FetchOptions
    side_by_side: int | None
    entries: tuple[JobEntry, ...]


def read_job_file(path: Path) -> JobFile:
    """Read a file; UsageError, naming file, table and key, for anything invalid."""
    text = text_files.read(expand(path))
    content = text_files.from_toml(text, f"{path}", fix="see `datacite-etl run --help` for an example")
    _known(content, ("defaults", *_KINDS), f"{path}", "table")
    defaults = _table(content.get("defaults", {}), f"{path}: [defaults]")
    server, above = _names(FetchOptions), {"side_by_side"}
    _known(defaults, server | above | _own("export") | _own("sync"), f"{path}: [defaults]", "key")
    common = {name: value for name, value in defaults.items() if name not in server | above}
    entries = tuple(_entry(path, kind, number, table, common) for kind, number, table in _entries(path, content))
    check_unique(entries)
    return JobFile(
        server=_made(FetchOptions, defaults, f"{path}: [defaults]"),
        side_by_side=_count(defaults.get("side_by_side"), f"{path}: [defaults]"),
        entries=entries,
    )


def check_unique(entries: Sequence[JobEntry]) -> None:
    """Raise UsageError if two entries have the same destination."""
    taken: dict[str, JobEntry] = {}
    for entry in entries:
        other = taken.setdefault(_place(entry.to), entry)
        if other is not entry:
            raise UsageError(
                f"{entry.where}: key 'to': {entry.to} is also that of {other.where}", fix="give each its own"
            )


def _place(to: str) -> str:
    """Return a destination in one spelling, so that equal ones are recognised."""
    return to.rstrip("/") if "://" in to else str(Path(path_of(to)).absolute())


def _entry(path: Path, kind: str, number: int, table: Json, common: Mapping[str, Json]) -> JobEntry:
    where = f"{path}: [[{kind}]] number {number}"
    own = _table(table, where)
    if shared := sorted(own.keys() & (_names(FetchOptions) | {"side_by_side"})):
        raise UsageError(f"{where}: key {shared[0]!r} is common to all entries", fix="move it to [defaults]")
    _known(own, _own(kind), where, "key")
    values = {**common, **own}
    to, of = _text(values, "to", where), _pairs(values.get("clients_of", {}), where)
    if bool(of) != (CLIENT in to):
        raise UsageError(f"{where}: keys 'to' and 'clients-of' belong together", fix=f"write {CLIENT} in 'to' for it")
    if kind == "sync":
        return JobEntry(where=where, to=to, clients_of=of, sync_options=_made(SyncOptions, values, where))
    query_options, delivery_options = _made(QueryOptions, values, where), _made(DeliveryOptions, values, where)
    resource = _text(values, "resource", where)
    return JobEntry(
        where=where,
        to=to,
        clients_of=of,
        resource=resource,
        query_options=query_options,
        delivery_options=delivery_options,
    )


def _entries(path: Path, content: Mapping[str, Json]) -> list[tuple[str, int, Json]]:
    """Return kind, number and table of each entry, the exports first."""
    for kind in _KINDS:
        if not isinstance(content.get(kind, []), list):
            raise UsageError(f"{path}: [{kind}] is not a list of entries", fix=f"write it as [[{kind}]]")
    entries = [(kind, *entry) for kind in _KINDS for entry in enumerate(content.get(kind, []), 1)]
    if not entries:
        raise UsageError(f"{path} has no [[export]] and no [[sync]]", fix="give at least one")
    return entries


def _table(value: Json, where: str) -> dict[str, Json]:
    """Return a table with the keys in Python's spelling and dates as text."""
    if not isinstance(value, dict):
        raise UsageError(f"{where} is not a table", fix="write it as a table: [defaults], [[export]]")
    return {name.replace("-", "_"): _plain(name, entry) for name, entry in value.items()}


def _plain(name: str, value: Json) -> Json:
    if isinstance(value, date):
        return value.isoformat()
    if name in ("lag", "overlap", "max_withdrawn") and type(value) in (int, float):
        return str(value)
    if name == "filter" and isinstance(value, dict):
        return [f"{key}={text}" for key, text in value.items()]
    return [value] if name in ("filter", "format") and isinstance(value, str) else value


def _known(keys: Mapping[str, Json], names: "frozenset[str] | set[str] | Sequence[str]", where: str, kind: str) -> None:
    for name in keys:
        if name not in names:
            spelled = sorted(key.replace("_", "-") for key in names)
            near = difflib.get_close_matches(name.replace("_", "-"), spelled, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(spelled)}"
            raise UsageError(f"{where}: there is no {kind} '{name.replace('_', '-')}'", fix=hint)


def _made(group: type[T], values: Mapping[str, Json], where: str) -> T:
    """Make an option group from the values with the names of its fields."""
    names = _names(group)
    for name, value in values.items():
        if name in names:
            try:
                msgspec.convert({name: value}, group)
            except msgspec.ValidationError as error:
                reason = str(error).partition(" - at")[0].replace("`", "")
                raise UsageError(
                    f"{where}: key '{name.replace('_', '-')}': {reason}", fix="correct its value"
                ) from error
    return msgspec.convert({name: value for name, value in values.items() if name in names}, group)


def _text(values: Mapping[str, Json], name: str, where: str) -> str:
    value = values.get(name)
    if not (isinstance(value, str) and value):
        raise UsageError(f"{where}: key '{name}' is missing or not text", fix=f'write {name} = "..."')
    return value


def _pairs(value: Json, where: str) -> dict[str, str]:
    if isinstance(value, dict) and all(name in _OF and isinstance(text, str) for name, text in value.items()):
        return dict(value)
    raise UsageError(f"{where}: key 'clients-of' is not understood", fix='write clients-of = {provider-id = "cern"}')


def _count(value: Json, where: str) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value
    raise UsageError(f"{where}: key 'side-by-side' must be at least 1", fix="write side-by-side = 4")


def _names(group: type) -> set[str]:
    return {option.name for option in fields(group)}


def _own(kind: str) -> set[str]:
    """Return the keys that an entry of a kind may have."""
    if kind == "sync":
        return _names(SyncOptions) | {"to", "clients_of"}
    return _names(QueryOptions) | _names(DeliveryOptions) | {"resource", "to", "clients_of"}
