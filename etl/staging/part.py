"""Write one part: the pages of neighbouring slices become staged files and receipts, and are then removed.

A part is written in groups of a fixed number of records, each with a receipt. The receipt of the last group comes last,
so a part that has it is whole; a part without it is made again from its pages. Whatever concerns several parts (keys,
links, included records) is kept in Arrow files for the end of the run.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from etl import memory
from etl.dataset.layout import Layout
from etl.dataset.manifest import DataFile
from etl.records.parser import Issue
from etl.schema.declarations import Json, Resource
from etl.staging import included, pages
from etl.staging.pages import Page
from etl.staging.table_writer import Written, write
from etl.storage import paths
from etl.storage.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReceipt:
    """The outcome of a part; `duplicates` counts surplus arrivals within it, `rejects` counts values and records."""

    key: str
    received: int
    unique: int
    duplicates: int
    rejects: int
    tables: Mapping[str, tuple[DataFile, ...]]
    drift: Mapping[str, tuple[int, str]]


GROUP = 20_000
"""Number of records that are flattened, sorted and written together: the records in memory at once. The last group of a
part may be up to a quarter larger."""


def write_part(
    files: Files,
    layout: Layout,
    key: str,
    slices: Sequence[str],
    *,
    related: Mapping[str, Resource] | None = None,
) -> list[PartReceipt]:
    """Stage the tables, rejects and raw records of a part whose slices are done, and remove the pages.

    `related` maps names of `include=` to the resources of included records. A part that has a receipt is left alone.
    """
    if receipts := read_receipts(files, key):
        _clear(files, slices)
        return receipts
    staged = _staged(files, slices)
    rows = pages.count_records(files, [page.key for page in staged])
    full = full_groups(rows)
    for number in range(full):
        _group(files, layout, key, number, staged)
    written = write(files, layout, key, [page.key for page in staged], range(full * GROUP, rows))
    issues = [*written.orphans, *(issue for page in staged for issue in page.facts.issues)]
    rejects = _rejects(files, layout.resource, key, issues)
    _raw(files, key, staged)
    for resource in {resource.name: resource for resource in (related or {}).values()}.values():
        names = [name for name, other in (related or {}).items() if other.name == resource.name]
        included.fold(files, layout.resource, resource, names, part=key, staged=staged)
    _commit(files, key, written, rejects, merge_drift(page.facts.drift for page in staged))
    _clear(files, slices)
    return read_receipts(files, key)


def write_full_groups(files: Files, layout: Layout, key: str, slices: Sequence[str]) -> None:
    """Stage the groups of a part whose records have all arrived, before the rest of its pages."""
    staged = _staged(files, slices)
    for number in range(full_groups(pages.count_records(files, [page.key for page in staged]))):
        _group(files, layout, key, number, staged)


def read_receipts(files: Files, key: str) -> list[PartReceipt]:
    """Return the receipts of a part's groups; none unless the part is done."""
    if not files.exists(paths.part_receipt(key)):
        return []
    return [*(_read(files, group) for group in _groups(files, key)), _read(files, key)]


def discard(files: Files, key: str) -> None:
    """Remove a part, so that it can be made again from slices that are fetched again."""
    for group in [key, *_groups(files, key)]:
        if files.exists(paths.part_receipt(group)):
            receipt = _read(files, group)
            files.remove(paths.part_receipt(group))
            for written in receipt.tables.values():
                for file in written:
                    files.remove(paths.staged(file.path))


def _groups(files: Files, key: str) -> list[str]:
    """Name the groups before the last that have receipts."""
    names: list[str] = []
    while files.exists(paths.part_receipt(name := _group_key(key, len(names)))):
        names.append(name)
    return names


def _group_key(key: str, number: int) -> str:
    return f"{key}.{number:03d}"


def _group(files: Files, layout: Layout, key: str, number: int, staged: Sequence[Page]) -> None:
    name = _group_key(key, number)
    if files.exists(paths.part_receipt(name)):
        return
    rows = range(number * GROUP, (number + 1) * GROUP)
    written = write(files, layout, name, [page.key for page in staged], rows)
    _commit(files, name, written, _rejects(files, layout.resource, name, written.orphans), {})


def _commit(files: Files, key: str, written: Written, rejects: int, drift: Mapping[str, tuple[int, str]]) -> None:
    _note(files, "keys", key, written.keys)
    receipt = PartReceipt(
        key=key,
        received=written.received,
        unique=written.unique,
        duplicates=written.received - written.unique - len(written.orphans),
        rejects=rejects,
        tables=written.tables,
        drift=drift,
    )
    files.write(paths.part_receipt(key), json.dumps(asdict(receipt)).encode())
    memory.give_back()


def _read(files: Files, key: str) -> PartReceipt:
    plain: dict[str, Json] = json.loads(files.read(paths.part_receipt(key)))
    tables = {name: tuple(DataFile(**file) for file in written) for name, written in plain.pop("tables").items()}
    drift = {path: (count, example) for path, (count, example) in plain.pop("drift").items()}
    return PartReceipt(**plain, tables=tables, drift=drift)


def _staged(files: Files, slices: Sequence[str]) -> list[Page]:
    return [page for name in slices for page in pages.staged_pages(files, paths.slice_folder(name))]


def full_groups(rows: int) -> int:
    """Return the number of groups that will certainly be followed by another one."""
    return max(0, (rows - GROUP // 4) // GROUP)


def merge_drift(drifts: Iterable[Mapping[str, tuple[int, str]]]) -> dict[str, tuple[int, str]]:
    """Add up the counts of attributes without a column; the smallest example stays, whatever the order."""
    merged: dict[str, tuple[int, str]] = {}
    for drift in drifts:
        for path, (count, example) in drift.items():
            before, other = merged.get(path, (0, example))
            merged[path] = (before + count, min(example, other))
    return dict(sorted(merged.items()))


def _rejects(files: Files, resource: Resource, key: str, issues: Iterable[Issue]) -> int:
    """Write the distinct rejects, sorted, as one JSON object per line; return their number."""
    plain = [{"resource": resource.name, **asdict(issue)} for issue in set(issues)]
    lines = sorted(json.dumps(issue, ensure_ascii=False) for issue in plain)
    if lines:
        text = "\n".join(lines) + "\n"
        files.write(paths.staged(paths.rejects(key)), text.encode("utf-8", "backslashreplace"))
    return len(lines)


def _raw(files: Files, key: str, staged: Sequence[Page]) -> None:
    if not any(pages.read_raw(files, page) for page in staged):
        return
    with files.create(paths.staged(paths.raw(key))) as target:
        for page in staged:
            target.write(pages.read_raw(files, page))


def _note(files: Files, kind: str, key: str, frame: pl.DataFrame) -> None:
    with files.create(paths.note_file(kind, key)) as target:
        frame.write_ipc(target, compression="zstd")


def _clear(files: Files, slices: Sequence[str]) -> None:
    for name in slices:
        folder = paths.slice_folder(name)
        for key in files.listing(folder):
            if key != paths.slice_receipt(name):
                files.remove(key)
