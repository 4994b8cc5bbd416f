"""The data dictionary as a page: every table and column with type and meaning, and how tables join.

Pure. It is rendered from relations: those that are declared, or those of one dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etl.dataset.relations import Relation
from etl.events import counted
from etl.html.page import Cell, Safe, contents, document, section, table, text, tiles
from etl.schema.declarations import Resource

_TYPES = {
    "string": "text",
    "int": "64-bit integer",
    "float": "64-bit floating-point number",
    "bool": "true or false",
    "timestamp": "time in UTC, in microseconds",
    "date": "date",
    "json": "JSON as text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a dictionary: a title, a sentence, and the rows of its tables if there are any."""

    title: str
    sentence: str
    rows: Mapping[str, int] = field(default_factory=dict)


def of_resource(resource: Resource, relations: Sequence[Relation]) -> bytes:
    """Render the tables of a resource, with its filters and includes, as a page."""
    sentence = f"{resource.description} GET {resource.path}, paged by {resource.paging.value}."
    requests = table(
        "Filters", ["filter", "selects"], [(entry.name, entry.description) for entry in resource.filters]
    ) + table("Records that can be included", ["include"], [(entry.name,) for entry in resource.includes])
    return _page(Subject(title=f"Data dictionary: {resource.name}", sentence=sentence), relations, requests)


def of_dataset(name: str, relations: Sequence[Relation], rows: Mapping[str, int]) -> bytes:
    """Render the tables of a dataset as a page."""
    subject = Subject(title=f"Data dictionary of {name}", sentence="The tables of this dataset.", rows=rows)
    return _page(subject, relations, "")


def _page(subject: Subject, relations: Sequence[Relation], requests: str) -> bytes:
    sections = [("types", "Types", _types(relations)), ("requests", "Filters and includes", requests)]
    shown = [(name, title, body) for name, title, body in sections if body]
    tables = [section(relation.name, relation.name, _relation(relation, subject)) for relation in relations]
    columns = sum(len(relation.columns) for relation in relations)
    facts: list[tuple[str, Cell, str]] = [("Tables", len(relations), ""), ("Columns", columns, "in all tables")]
    if subject.rows:
        facts.append(("Rows", sum(subject.rows.values()), "in all tables"))
    head = Safe(
        f"<header><h1>{text(subject.title)}</h1><p class=lead>{text(subject.sentence)}</p>{tiles(facts)}</header>"
    )
    links = contents([("tables", "Tables"), *((name, title) for name, title, _ in shown)])
    rest = [section(name, title, body) for name, title, body in shown]
    return document(subject.title, [head, links, _overview(relations, subject), *tables, *rest])


def _overview(relations: Sequence[Relation], subject: Subject) -> str:
    """List the tables, one per row."""
    rows: list[tuple[Cell, ...]] = []
    for relation in relations:
        link = Safe(f'<a href="#{text(relation.name)}">{text(relation.name)}</a>')
        count = (subject.rows.get(relation.name),) if subject.rows else ()
        rows.append((link, relation.description, len(relation.columns), *count))
    head = ["table", "description", "columns", *(["rows"] if subject.rows else [])]
    return section("tables", "Tables", table("All tables", head, rows))


def _relation(relation: Relation, subject: Subject) -> str:
    rows_of = f" {counted(subject.rows[relation.name], 'row')}." if relation.name in subject.rows else ""
    lead = f"<p>{text(relation.description)}{rows_of}</p><p>{text(_joined(relation))}</p>"
    rows: list[tuple[Cell, ...]] = [
        (Safe(f"<code>{text(column.name)}</code>"), column.type.value, _role(relation, column.name), column.description)
        for column in relation.columns
    ]
    return lead + table(f"Columns of {relation.name}", ["column", "type", "key", "meaning"], rows)


def _joined(relation: Relation) -> str:
    """Say how a table joins with the main one."""
    if relation.main:
        return f"One row per record; {relation.record} is its key."
    unique = f" A row is identified by {', '.join(relation.key)}." if relation.key else ""
    return f"Join with {relation.of}: {relation.name}.{relation.record} = {relation.of}.{relation.of_key}.{unique}"


def _role(relation: Relation, column: str) -> str:
    if column in relation.key:
        return "key"
    return "join" if column == relation.record and not relation.main else ""


def _types(relations: Sequence[Relation]) -> str:
    used = {column.type.value for relation in relations for column in relation.columns}
    return table("Types", ["type", "meaning"], [(name, meaning) for name, meaning in _TYPES.items() if name in used])
