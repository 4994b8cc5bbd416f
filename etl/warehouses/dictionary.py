"""The data dictionary as a page: every table and column with its type, its meaning and how tables join; pure.

Rendered from relations, so it is of what is declared, or of what one dataset holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etl.dataset.relations import Relation
from etl.html.page import Cell, Safe, contents, document, section, table, text, tiles
from etl.schema.declarations import Resource

_TYPES = {
    "string": "text",
    "int": "whole number, 64 bits",
    "float": "number, 64 bits",
    "bool": "true or false",
    "timestamp": "moment in UTC, microseconds",
    "date": "day",
    "json": "JSON as text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a dictionary is of: its title and a sentence, and the rows of its tables if they are there."""

    title: str
    said: str
    rows: Mapping[str, int] = field(default_factory=dict)


def of_resource(resource: Resource, relations: Sequence[Relation]) -> bytes:
    """Render the tables of a resource, and what it can be asked for, as a page."""
    said = f"{resource.description} GET {resource.path}, paged by {resource.paging.value}."
    asking = table(
        "Filters", ["filter", "narrows to"], [(each.name, each.description) for each in resource.filters]
    ) + table("Related records that can come along", ["include"], [(each.name,) for each in resource.includes])
    return _page(Subject(title=f"Data dictionary: {resource.name}", said=said), relations, asking)


def of_dataset(name: str, relations: Sequence[Relation], rows: Mapping[str, int]) -> bytes:
    """Render the tables that a dataset holds as a page."""
    subject = Subject(title=f"Data dictionary of {name}", said="The tables of this dataset, as they are.", rows=rows)
    return _page(subject, relations, "")


def _page(subject: Subject, relations: Sequence[Relation], asking: str) -> bytes:
    sections = [("types", "Types", _types(relations)), ("asking", "What can be asked for", asking)]
    shown = [(name, title, body) for name, title, body in sections if body]
    each = [section(one.name, one.name, _relation(one, subject)) for one in relations]
    columns = sum(len(one.columns) for one in relations)
    facts: list[tuple[str, Cell, str]] = [("Tables", len(relations), ""), ("Columns", columns, "in all tables")]
    if subject.rows:
        facts.append(("Rows", sum(subject.rows.values()), "in all tables"))
    head = Safe(f"<header><h1>{text(subject.title)}</h1><p class=lead>{text(subject.said)}</p>{tiles(facts)}</header>")
    links = contents([("tables", "Tables"), *((name, title) for name, title, _ in shown)])
    rest = [section(name, title, body) for name, title, body in shown]
    return document(subject.title, [head, links, _overview(relations, subject), *each, *rest])


def _overview(relations: Sequence[Relation], subject: Subject) -> str:
    """List the tables, a line each."""
    rows: list[tuple[Cell, ...]] = []
    for one in relations:
        link = Safe(f'<a href="#{text(one.name)}">{text(one.name)}</a>')
        count = (subject.rows.get(one.name),) if subject.rows else ()
        rows.append((link, one.description, len(one.columns), *count))
    head = ["table", "a row is", "columns", *(["rows"] if subject.rows else [])]
    return section("tables", "Tables", table("All tables", head, rows))


def _relation(one: Relation, subject: Subject) -> str:
    counted = f" {subject.rows[one.name]:,} rows." if one.name in subject.rows else ""
    said = f"<p>{text(one.description)}{counted}</p><p>{text(_joined(one))}</p>"
    rows: list[tuple[Cell, ...]] = [
        (Safe(f"<code>{text(each.name)}</code>"), each.type.value, _role(one, each.name), each.description)
        for each in one.columns
    ]
    return said + table(f"Columns of {one.name}", ["column", "type", "key", "meaning"], rows)


def _joined(one: Relation) -> str:
    """Say how a table joins with the main one."""
    if one.main:
        return f"A row is a record; {one.record} is its key."
    unique = f" A row is identified by {', '.join(one.key)}." if one.key else ""
    return f"Join with {one.of}: {one.name}.{one.record} = {one.of}.{one.of_key}.{unique}"


def _role(one: Relation, column: str) -> str:
    if column in one.key:
        return "key"
    return "join" if column == one.record and not one.main else ""


def _types(relations: Sequence[Relation]) -> str:
    used = {each.type.value for one in relations for each in one.columns}
    return table("What types mean", ["type", "holds"], [(name, said) for name, said in _TYPES.items() if name in used])
