"""Queries of a resource: filters, text, window and includes, checked against its declaration, spelled as parameters.

A Query knows nothing of pages. Its fingerprint identifies the query and not the server, so the same query at a mirror
has the same fingerprint.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from etl.api.window import EVERYTHING, Window
from etl.errors import UsageError
from etl.schema.declarations import Filter, Form, Json, Resource

_DETAIL_SIZE = 100
_SINGLE = Filter(name="ids", description="The record of an id.", ids=True, aliases=("id",))
"""What narrows a list without a filter for ids: the one record is fetched by its own path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of one list endpoint; `window` bounds the field named by `by` (created, updated, registered).

    `changed` bounds the last change of each record, for the proof; it is not part of a user's request.
    """

    resource: Resource
    filters: tuple[tuple[str, str], ...] = ()
    text: str = ""
    include: tuple[str, ...] = ()
    window: Window = EVERYTHING
    by: str = "created"
    of: str = ""
    detail: bool = False
    tables: tuple[str, ...] = ()
    changed: Window = EVERYTHING

    @property
    def changed_by(self) -> str | None:
        """The window on a record's last change; None where the list has none.

        The server ignores everything beside a list of ids (api-notes 4.3).
        """
        if self.of or self.single or any(name == _SINGLE.name for name, _ in self.filters):
            return None
        return next((name for name in ("updated", "created") if name in self.resource.windows), None)

    @property
    def path(self) -> str:
        """The path below the base URL: of the list, with the parent's if it is of one, or of a single record."""
        if self.single:
            return f"{self.resource.path}/{self.single}"
        return f"/{self.of}{self.resource.path}" if self.of else self.resource.path

    @property
    def single(self) -> str:
        """The id of the one record wanted, where the list has no filter for ids; otherwise empty."""
        if any(entry.name == _SINGLE.name for entry in self.resource.filters):
            return ""
        return dict(self.filters).get(_SINGLE.name, "")

    @property
    def page_size(self) -> int:
        """The number of records per page; pages of the detail view are small (api-notes 1.8)."""
        return min(self.resource.page_size, _DETAIL_SIZE) if self.detail else self.resource.page_size

    def params(self, slice_window: Window | None = None) -> dict[str, str]:
        """Spell the query, narrowed to a slice's window, as the parameters of its list without those of paging."""
        params = dict(self.resource.params)
        if self.detail:
            params.update(self.resource.detail)
        params.update((name, value) for name, value in self.filters if not self.single or name != _SINGLE.name)
        if text := self._text(slice_window):
            params["query"] = text
        if self.include:
            params["include"] = ",".join(self.include)
        if fields := self._fields():
            params[f"fields[{self.resource.type}]"] = fields
        return params

    def _text(self, slice_window: Window | None) -> str:
        clauses = [f"({self.text})"] if self.text else []
        if self.window != EVERYTHING:
            clauses.append(self.window.clause(self.resource.windows[self.by]))
        if self.changed != EVERYTHING:
            assert self.changed_by is not None
            clauses.append(self.changed.clause(self.resource.windows[self.changed_by]))
        if slice_window is not None and slice_window != EVERYTHING:
            assert self.resource.slice_on is not None
            clauses.append(slice_window.clause(self.resource.windows[self.resource.slice_on]))
        return self.text if clauses == [f"({self.text})"] else " AND ".join(clauses)

    def _fields(self) -> str:
        """List the attributes and relationships that the wanted tables need; nothing if all are wanted.

        Nothing for v1 either, which always answers with all of them.
        """
        if not self.tables or self.resource.dialect == "v1":
            return ""
        return ",".join(wanted_fields(self.resource, self.tables))

    def request(self) -> dict[str, Json]:
        """Return the question as plain values, as it stands in manifests and in the metadata of files."""
        return {
            "resource": self.resource.name,
            "of": self.of,
            "filters": dict(self.filters),
            "query": self.text,
            "include": list(self.include),
            "window": {"by": self.by, "start": self.window.start, "end": self.window.end},
            "detail": self.detail,
            "tables": list(self.tables),
        }

    @property
    def fingerprint(self) -> str:
        """A short hash of the question and of the schema its answer is read by."""
        plain = [self.request(), self.resource.dialect, self.resource.schema_version]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def wanted_fields(resource: Resource, tables: Iterable[str]) -> list[str]:
    """List the names for `fields[type]` that the tables, what they are built from and the proof itself need."""
    names = {"created", "updated"} | {resource.key.name}
    pending = [resource.main.name, *tables]
    for name in pending:
        table = resource.table(name)
        pending.extend(table.inputs)
        roots = list((table.relations or {}).values())
        if not table.relations and not table.build:
            roots += [f"{table.path}.{path}" for column in table.columns for path in column.paths]
        names |= {root.strip(".").replace("[]", "").split(".")[1] for root in roots if root.strip(".").count(".")}
    return sorted(names)


def check(query: Query) -> Query:
    """Return the query with its names in canonical form; UsageError for a name that the resource does not have.

    The API silently ignores unknown parameters and answers with everything (api-notes 1.3).
    """
    resource = query.resource
    known = {name: entry for entry in _filters(resource) for name in (entry.name, *entry.aliases)}
    filters: dict[str, str] = {}
    for given, value in query.filters:
        name = known[_known("filter", given.replace("_", "-"), known, resource.name)].name
        _written(name, value, known[name].form)
        if name in filters and not known[name].any_of:
            raise UsageError(f"filter {name} is given twice", fix="it takes one value")
        filters[name] = f"{filters[name]},{value}" if name in filters else value
    for name in query.include:
        _known("include", name, {entry.name: entry for entry in resource.includes}, resource.name)
    for name in query.tables:
        _known("table", name, {table.name: table for table in resource.tables}, resource.name)
    if query.text and not resource.searched:
        fix = "leave --query out, or query the table once it is exported"
        raise UsageError(f"the API ignores a search in {resource.name}", fix=fix)
    _bounds(query)
    return replace(query, filters=tuple(sorted(filters.items())), of=_parent(query))


def _filters(resource: Resource) -> tuple[Filter, ...]:
    """Return the filters of a list, with one for a single record where it has none for ids and ids last."""
    by_id = any({"id", "ids"} & {entry.name, *entry.aliases} for entry in resource.filters)
    return resource.filters if by_id or resource.identity or not resource.listed else (*resource.filters, _SINGLE)


def _bounds(query: Query) -> None:
    """Raise UsageError for a window that the resource does not have, or that no moment lies in."""
    window, windows = query.window, query.resource.windows
    if window != EVERYTHING and query.by not in windows:
        have = ", ".join(windows) or "none"
        raise UsageError(f"{query.resource.name} has no window {query.by!r}", fix=f"it has: {have}")
    if window.start is not None and window.end is not None and window.start >= window.end:
        raise UsageError(f"the window {window} is empty", fix="give --since a moment before --until")


def _parent(query: Query) -> str:
    """Return the path of the record that the list is of: `doi/10.5438/0012` is `dois/10.5438/0012`."""
    parents = query.resource.parents
    if not query.of:
        if not query.resource.listed:
            fix = f"name one with --of {next(iter(parents))}/ID" if parents else "take it along with --include"
            raise UsageError(f"the API has no list of all {query.resource.name}", fix=fix)
        return ""
    kind, _, name = query.of.partition("/")
    if not name or kind not in {*parents, *parents.values()}:
        have = ", ".join(f"{word}/ID" for word in parents) or "nothing"
        raise UsageError(f"{query.resource.name} has no list of {query.of!r}", fix=f"--of takes: {have}")
    return f"{parents.get(kind, kind)}/{name}"


def requested_ids(query: Query) -> tuple[str, ...]:
    """Return the ids of the requested records in lower case; none if the query names none."""
    keys = {entry.name for entry in _filters(query.resource) if entry.ids}
    values = [value for name, value in query.filters if name in keys]
    ids = (name.strip().lower() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(filter(None, ids)))


def joined_by_or(query: Query) -> list[str]:
    """Name the filters of the query that the server joins by OR where a user would expect AND (api-notes 4.2)."""
    either = {entry.name for entry in query.resource.filters if entry.joined_by_or}
    names = sorted({name for name, _ in query.filters if name in either})
    return names if len(names) > 1 else []


def encode(params: Mapping[str, str]) -> str:
    """Write parameters as a query string; brackets and commas stay readable, as in DataCite's own links."""
    return "&".join(f"{quote(name, safe='[]')}={quote(value, safe=',:*')}" for name, value in params.items())


def _known(kind: str, name: str, known: Mapping[str, object], resource: str) -> str:
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"{resource} has no {kind} {name!r}", fix=f"{hint}valid are: {', '.join(sorted(known)) or 'none'}")


def _written(name: str, value: str, form: Form | None) -> None:
    """Raise UsageError for a value that the API would not understand; it takes an empty one for no filter at all."""
    if not value.strip(" ,"):
        fix = "give it one, or leave the filter out; is a variable of the shell not set?"
        raise UsageError(f"filter {name} has no value", fix=fix)
    if form and not re.fullmatch(form.pattern, value):
        raise UsageError(f"filter {name} does not take {value!r}", fix=f"it takes {form.description}")
