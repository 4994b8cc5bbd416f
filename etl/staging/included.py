"""Records that came along (`include=`): one of each, newest first, as tables of their own; and who was missing.

A part folds what its pages brought into one Arrow file a resource and notes which ids its records link to; at the
end of the run the parts' files are folded again into the dimension tables.
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
    """Keep one of each record that came along in a part, and the ids that its main records link to.

    `names` are those in `include=` that bring records of the resource.
    """
    keys = [key for page in staged for key in pages.siblings(files, page, resource.name)]
    if keys:
        pages.keep(files, places.noted(f"included/{resource.name}", part), _unique(files, resource, keys))
    linked = linked_ids(files, main, names, [page.key for page in staged])
    with files.create(places.noted(f"linked/{resource.name}", part)) as target:
        pl.DataFrame({"id": linked}, schema={"id": pl.String}).write_ipc(target)


def close(files: Files, layout: Layout) -> tuple[Written, IncludedTally]:
    """Stage the dimension tables of one included resource from what the parts kept, and count who is missing."""
    name = layout.resource.name
    written = write(files, layout, "included", files.listing(f"{places.WORK}/included/{name}"))
    linked = {entry for key in files.listing(f"{places.WORK}/linked/{name}") for entry in _ids(files, key)}
    return written, tally_included(linked, written.keys["key"].to_list())


def linked_ids(files: Files, main: Resource, names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return the ids that some staged records link to under names of `include=`, sorted, lower-cased, once each."""
    paths = [path for include in main.includes if include.name in names for path in include.paths]
    found: set[str] = set()
    for key in keys:
        for path in paths:
            found.update(entry.lower() for entry in _follow(files, key, path) if entry)
    return sorted(found)


def _unique(files: Files, resource: Resource, keys: Sequence[str]) -> pa.Table:
    staged = Staged(files, keys, nested_schema(resource))
    [(_, main)] = frames(resource, [resource.main], staged)
    return staged.records(order(resource, main, staged).rank.is_not_null().arg_true().to_list())


def _ids(files: Files, key: str) -> Iterable[str]:
    with files.open(key) as source:
        return [str(entry) for entry in pa.ipc.open_file(source).read_all().column("id").to_pylist()]


def _follow(files: Files, key: str, path: str) -> list[str]:
    """Walk a dotted path through one staged file, lists through all their entries, to an id or what has one."""
    plain, columns = path.replace("[]", ""), pages.names(files, key)
    column = max((name for name in columns if f"{plain}.".startswith(f"{name}.")), key=len, default=None)
    if column is None:
        return []
    values = pages.read(files, key, [column]).column(0).combine_chunks()
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
