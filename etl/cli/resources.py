"""`datacite-etl resources`: what can be asked for and what comes out, read off the declarations."""

from etl.cli.options import Showing
from etl.cli.show import as_json, columns, line
from etl.declare import Json, Resource, Table


def resources(name: str = "", /, *, showing: Showing = Showing()) -> int:
    """List the resources, or everything about one: filters, includes, facets, tables, columns.

    **Examples**

    - `datacite-etl resources`
    - `datacite-etl resources dois`
    - `datacite-etl resources v1/works --json`

    Parameters
    ----------
    name
        A resource; all of them, a line each, if left out.
    """
    from etl import resources as registry

    if name:
        described = describe(registry.load(name))
        as_json(described) if showing.json else _page(described)
        return 0
    every = [describe(registry.load(known)) for known in registry.names()]
    if showing.json:
        as_json({"resources": every})
    else:
        heading = ("resource", "dialect", "path", "tables", "filters", "description")
        rows = [
            (e["name"], e["dialect"], e["path"], str(len(e["tables"])), str(len(e["filters"])), e["description"])
            for e in every
        ]
        columns([heading, *rows])
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
        "windows": list(resource.windows),
        "filters": [{"name": e.name, "description": e.description} for e in resource.filters],
        "sorts": list(resource.sorts),
        "includes": [e.name for e in resource.includes],
        "facets": [e.name for e in resource.facets],
        "tables": [_table(resource, table) for table in resource.tables],
    }


def _table(resource: Resource, table: Table) -> dict[str, Json]:
    from etl.flatten import frame_schema

    told = {column.name: column.description for column in table.columns}
    own = {resource.parent: f"Key of the record in {resource.main.name}."}
    own |= dict.fromkeys(table.positions, "Position in its list, counted from 0.")
    described = {name: told.get(name) or own.get(name, "") for name in frame_schema(resource, table)}
    types = {name: str(kind) for name, kind in frame_schema(resource, table).items()}
    return {
        "name": table.name,
        "description": table.description,
        "columns": [{"name": name, "type": types[name], "description": text} for name, text in described.items()],
    }


def _page(described: dict[str, Json]) -> None:
    line(f"{described['name']}: {described['description']}")
    line(f"{described['dialect']}, GET {described['path']}, paged by {described['paging']}")
    for kind in ("windows", "sorts", "includes", "facets"):
        line(f"{kind}: {', '.join(described[kind]) or 'none'}")
    line("\nfilters")
    for entry in described["filters"]:
        line(f"  {entry['name']}: {entry['description']}")
    for table in described["tables"]:
        line(f"\ntable {table['name']}: {table['description']}")
        for column in table["columns"]:
            line(f"  {column['name']} ({column['type']}): {column['description']}")
