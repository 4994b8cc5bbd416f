"""Views over the tables of DOIs, for questions without a join, in SQL that DuckDB and PostgreSQL share.

Columns whose tables were not exported are left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from etl.dataset.relations import Relation
from etl.warehouses.ddl import Dialect

NAMES = ("dois_flat", "dois_by_client")
_SINGLE = (
    "doi", "url", "publisher", "publication_year", "types_resource_type_general", "types_resource_type", "language",
    "version", "client_id", "provider_id", "view_count", "download_count", "citation_count", "reference_count",
    "created", "registered", "updated",
)  # fmt: skip
# By column: table, expression, condition, and whether only the first value is taken.
_GATHERED = {
    "title": ("doi_titles", "title", "", True),
    "creators": ("doi_creators", "name", "", False),
    "creator_orcids": ("doi_creator_identifiers", "orcid", "orcid_valid", False),
    "creator_affiliations": ("doi_creator_affiliations", "name", "", False),
    "subjects": ("doi_subjects", "subject", "", False),
    "licences": ("doi_rights", "spdx", "", False),
    "funders": ("doi_funding_references", "funder_name", "", False),
    "abstract": ("doi_descriptions", "description", "description_type = 'Abstract'", True),
}


@dataclass(frozen=True, slots=True)
class View:
    """One view: its query names tables as `{table}`."""

    name: str
    query: str
    tables: tuple[str, ...]

    def statement(self, dialect: Dialect, schema: str) -> str:
        """Return the statement that creates the view."""
        paths = {name: f"{dialect.name_of(schema)}.{dialect.name_of(name)}" for name in self.tables}
        return f"CREATE VIEW {dialect.name_of(schema)}.{dialect.name_of(self.name)} AS {self.query.format(**paths)}"


def views_of(relations: Iterable[Relation]) -> Iterator[View]:
    """Return the views that some tables allow; none without DOIs."""
    known = {relation.name: relation for relation in relations}
    if "dois" not in known:
        return
    columns = known["dois"].names
    gathered = {name: what for name, what in _GATHERED.items() if what[0] in known}
    single = [f"d.{name}" for name in _SINGLE if name in columns]
    joined = [f"{_gather(*what, order=_order(known[what[0]]))} AS {name}" for name, what in gathered.items()]
    tables = ("dois", *(what[0] for what in gathered.values()))
    yield View("dois_flat", f"SELECT {', '.join([*single, *joined])} FROM {{dois}} d", tables)
    if {"client_id", "created_year", "types_resource_type_general"} <= set(columns):
        labels = "client_id, created_year, types_resource_type_general"
        yield View("dois_by_client", f"SELECT {labels}, count(*) AS dois FROM {{dois}} GROUP BY {labels}", ("dois",))


def _order(relation: Relation) -> str:
    return ", ".join(f"c.{name}" for name in relation.names if name.endswith("position"))


def _gather(table: str, expression: str, condition: str, first: bool, *, order: str) -> str:  # noqa: FBT001
    where = "c.doi = d.doi" + (f" AND c.{condition}" if condition else "")
    if first:
        return f"(SELECT c.{expression} FROM {{{table}}} c WHERE {where} ORDER BY {order} LIMIT 1)"
    return f"(SELECT string_agg(c.{expression}, '; ' ORDER BY {order}) FROM {{{table}}} c WHERE {where})"
