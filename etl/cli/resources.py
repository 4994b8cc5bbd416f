"""`datacite-etl resources`: show the declarations of resources."""

from pathlib import Path

from etl.cli.show import as_json, columns, line
from etl.options.arguments import path_of
from etl.options.display import DisplayOptions
from etl.options.folders import expand
from etl.schema.declarations import Json, Resource, Table


def resources(name: str = "", /, *, html: Path | None = None, display: DisplayOptions = DisplayOptions()) -> int:
    """List all resources, or one with its filters, includes, facets, tables and columns.

    **Examples**

    - `datacite-etl resources`
    - `datacite-etl resources dois`
    - `datacite-etl resources v1/works --json`
    - `datacite-etl resources dois --html dictionary.html`
    - `datacite-etl resources ./out --html dictionary.html`

    Parameters
    ----------
    name
        Resource; without it, all are listed, one per line. With --html also the folder of a dataset.
    html
        File for a data dictionary as a page: every table and column with type and description.
    """
    from etl import resources as registry

    if html is not None:
        return _dictionary(name, html, display)
    if name:
        described = describe(registry.load(name))
        as_json(described) if display.json else _page(described)
        return 0
    declared = [describe(registry.load(known)) for known in registry.names()]
    if display.json:
        as_json({"resources": declared})
    else:
        heading = ("resource", "dialect", "path", "tables", "filters", "description")
        rows = [
            (e["name"], e["dialect"], e["path"], str(len(e["tables"])), str(len(e["filters"])), e["description"])
            for e in declared
        ]
        columns([heading, *rows])
    return 0


def _dictionary(name: str, html: Path, display: DisplayOptions) -> int:
    """Write the page of a resource or a dataset."""
    from etl import resources as registry
    from etl.dataset import relations
    from etl.dataset.inventory import open_dataset
    from etl.errors import UsageError
    from etl.storage.files import LocalFiles
    from etl.warehouses import dictionary

    if not name:
        raise UsageError("--html takes one resource or dataset", fix="name it: datacite-etl resources dois --html FILE")
    if name not in registry.names() and Path(path_of(name)).is_dir():
        held = open_dataset(LocalFiles(Path(path_of(name))))
        rows = {relation.name: held.rows(relation.name) for relation in held.relations}
        page = dictionary.of_dataset(Path(name).resolve().name, held.relations, rows)
    else:
        resource = registry.load(name)
        page = dictionary.of_resource(resource, relations.of_resource(resource))
    expand(html).write_bytes(page)
    as_json({"page": str(html)}) if display.json else line(f"page      {html}")
    return 0


def describe(resource: Resource) -> dict[str, Json]:
    """Return a resource's declaration as plain values."""
    return {
        "name": resource.name,
        "dialect": resource.dialect,
        "type": resource.type,
        "path": resource.path,
        "description": resource.description,
        "paging": resource.paging.value,
        "query": resource.searched,
        "windows": list(resource.windows),
        "filters": [{"name": e.name, "description": e.description} for e in resource.filters],
        "sorts": list(resource.sorts),
        "includes": [e.name for e in resource.includes],
        "facets": [e.name for e in resource.facets],
        "tables": [_table(resource, table) for table in resource.tables],
    }


def _table(resource: Resource, table: Table) -> dict[str, Json]:
    from etl.records.flatten import frame_schema

    descriptions = {column.name: column.description for column in table.columns}
    own = {resource.parent: f"Key of the record in {resource.main.name}."}
    own |= dict.fromkeys(table.positions, table.positions_description)
    described = {name: descriptions.get(name) or own.get(name, "") for name in frame_schema(resource, table)}
    types = {name: str(kind) for name, kind in frame_schema(resource, table).items()}
    return {
        "name": table.name,
        "description": table.description,
        "columns": [{"name": name, "type": types[name], "description": text} for name, text in described.items()],
    }


def _page(described: dict[str, Json]) -> None:
    line(f"{described['name']}: {described['description']}")
    line(f"{described['dialect']}, GET {described['path']}, paged by {described['paging']}")
    line(f"query: {'yes' if described['query'] else 'none'}")
    for kind in ("windows", "sorts", "includes", "facets"):
        line(f"{kind}: {', '.join(described[kind]) or 'none'}")
    line("\nfilters")
    for entry in described["filters"]:
        line(f"  {entry['name']}: {entry['description']}")
    for table in described["tables"]:
        line(f"\ntable {table['name']}: {table['description']}")
        for column in table["columns"]:
            line(f"  {column['name']} ({column['type']}): {column['description']}")
