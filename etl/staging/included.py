"""Included records (`include=`): each of them once, the newest version, in tables of their own; and which are missing.

Each part collects the included records of its pages in one Arrow file per resource, and the ids that its records link
to; at the end of the run the tables of included records are made from these files.
"""

from collections.abc import Iterable, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from etl.completeness.verdict import IncludedTally, tally_included
from etl.dataset.layout import Layout
from etl.records.parser import nested_schema
from etl.schema.declarations import Resource
from etl.staging import pages
from etl.staging.pages import Page, Staged
from etl.staging.table_writer import Written, frames, order, write
from etl.storage import paths as places
from etl.storage.files import Files


def fold(
    files: Files, main: Resource, resource: Resource, names: Sequence[str], *, part: str, staged: Sequence[Page]
) -> None:
    """Keep each included record of a part once, and the ids that its main records link to.

    `names` are the values of `include=` that return records of the resource.
    """
    keys = [key for page in staged for key in pages.included_keys(files, page, resource.name)]
    if keys:
        pages.write_table(files, places.note_file(f"included/{resource.name}", part), _unique(files, resource, keys))
    linked = linked_ids(files, main, names, [page.key for page in staged])
    with files.create(places.note_file(f"linked/{resource.name}", part)) as target:
        pl.DataFrame({"id": linked}, schema={"id": pl.String}).write_ipc(target)


def consolidate(files: Files, layout: Layout) -> tuple[Written, IncludedTally]:
    """Stage the tables of one included resource from the parts' files, and count the missing records."""
    name = layout.resource.name
    written = write(files, layout, "included", files.listing(f"{places.WORK}/included/{name}"))
    linked = {entry for key in files.listing(f"{places.WORK}/linked/{name}") for entry in _ids(files, key)}
    return written, tally_included(linked, written.keys["key"].to_list())


def linked_ids(files: Files, main: Resource, names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return the ids to which staged records link under names of `include=`: distinct, sorted, in lower case."""
    paths = [path for include in main.includes if include.name in names for path in include.paths]
    linked: set[str] = set()
    for key in keys:
        for path in paths:
            linked.update(entry.lower() for entry in _follow(files, key, path) if entry)
    return sorted(linked)


def _unique(files: Files, resource: Resource, keys: Sequence[str]) -> pa.Table:
    staged = Staged(files, keys, nested_schema(resource))
    [(_, main)] = frames(resource, [resource.main], staged)
    return staged.records(order(resource, main, staged).rank.is_not_null().arg_true().to_list())


def _ids(files: Files, key: str) -> Iterable[str]:
    with files.open(key) as source:
        return [str(entry) for entry in pa.ipc.open_file(source).read_all().column("id").to_pylist()]


def _follow(files: Files, key: str, path: str) -> list[str]:
    """Follow a dotted path through one staged file, into all entries of lists, to ids or objects with ids."""
    plain, columns = path.replace("[]", ""), pages.column_names(files, key)
    column = max((name for name in columns if f"{plain}.".startswith(f"{name}.")), key=len, default=None)
    if column is None:
        return []
    values = pages.read_columns(files, key, [column]).column(0).combine_chunks()
    for step in [*filter(None, plain.removeprefix(column).split(".")), "id"]:
        values = _entries(values)
        if pa.types.is_struct(values.type) and values.type.get_field_index(step) >= 0:
            values = pc.struct_field(values, step)
        elif step != "id" or pa.types.is_struct(values.type):
            return []
    return [str(entry) for entry in pc.drop_null(values).to_pylist()]


def _entries(values: pa.Array) -> pa.Array:
    while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.list_flatten(values)
    return values
