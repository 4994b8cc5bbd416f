"""One part: the pages of some neighbouring slices become staged files and a receipt, then make room.

The receipt is written last, so a part that has one is whole; a part without is made again from its pages. What
parts have to say to each other (keys, links, included records) is left as Arrow files for the end of the run.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from etl import included, pages, places
from etl.dataset import Layout, write
from etl.declare import Json, Resource
from etl.files import Files
from etl.manifest import DataFile
from etl.pages import Page
from etl.parse import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReceipt:
    """What a part has become; `duplicates` came more than once within it, `rejects` counts values and records."""

    key: str
    received: int
    unique: int
    duplicates: int
    rejects: int
    tables: Mapping[str, tuple[DataFile, ...]]
    drift: Mapping[str, tuple[int, str]]


def write_part(
    files: Files,
    layout: Layout,
    key: str,
    slices: Sequence[str],
    *,
    along: Mapping[str, Resource] | None = None,
) -> PartReceipt:
    """Stage the tables, rejects and raw records of a part whose slices are done; pages are gone afterwards.

    `along` are the resources of included records by the name in `include=`. A part that has a receipt is left alone.
    """
    if (receipt := read_receipt(files, key)) is not None:
        _clear(files, slices)
        return receipt
    staged = [page for name in slices for page in pages.done(files, places.slice_folder(name))]
    keys = [page.key for page in staged]
    written = write(files, layout, key, keys)
    issues = [*written.orphans, *(issue for page in staged for issue in page.facts.issues)]
    rejects = _rejects(files, layout.resource, key, issues)
    _raw(files, key, staged)
    _note(files, "keys", key, written.keys)
    for resource in {found.name: found for found in (along or {}).values()}.values():
        names = [name for name, found in (along or {}).items() if found.name == resource.name]
        included.fold(files, layout.resource, resource, names, part=key, staged=staged)
    receipt = PartReceipt(
        key=key,
        received=written.received,
        unique=written.unique,
        duplicates=written.received - written.unique - len(written.orphans),
        rejects=rejects,
        tables=written.tables,
        drift=merge_drift(page.facts.drift for page in staged),
    )
    files.write(places.part_receipt(key), json.dumps(asdict(receipt)).encode())
    _clear(files, slices)
    return receipt


def read_receipt(files: Files, key: str) -> PartReceipt | None:
    """Return a part's receipt, if it is done."""
    if not files.exists(places.part_receipt(key)):
        return None
    plain: dict[str, Json] = json.loads(files.read(places.part_receipt(key)))
    tables = {name: tuple(DataFile(**file) for file in found) for name, found in plain.pop("tables").items()}
    drift = {path: (count, example) for path, (count, example) in plain.pop("drift").items()}
    return PartReceipt(**plain, tables=tables, drift=drift)


def discard(files: Files, key: str) -> None:
    """Forget a part, so that it can be made again from slices that were fetched anew."""
    receipt = read_receipt(files, key)
    files.remove(places.part_receipt(key))
    for file in (file for found in receipt.tables.values() for file in found) if receipt else ():
        files.remove(places.staged(file.path))


def merge_drift(every: Iterable[Mapping[str, tuple[int, str]]]) -> dict[str, tuple[int, str]]:
    """Add up what was seen of attributes that no column maps; the smallest example stays, whoever saw it first."""
    found: dict[str, tuple[int, str]] = {}
    for drift in every:
        for path, (count, example) in drift.items():
            before, other = found.get(path, (0, example))
            found[path] = (before + count, min(example, other))
    return dict(sorted(found.items()))


def _rejects(files: Files, resource: Resource, key: str, issues: Iterable[Issue]) -> int:
    """Write down what did not fit, a JSON object a line, sorted, each once; return how many."""
    plain = [{"resource": resource.name, **asdict(issue)} for issue in set(issues)]
    lines = sorted(json.dumps(issue, ensure_ascii=False) for issue in plain)
    if lines:
        text = "\n".join(lines) + "\n"
        files.write(places.staged(places.rejects(key)), text.encode("utf-8", "backslashreplace"))
    return len(lines)


def _raw(files: Files, key: str, staged: Sequence[Page]) -> None:
    if not any(pages.raw(files, page) for page in staged):
        return
    with files.create(places.staged(places.raw(key))) as target:
        for page in staged:
            target.write(pages.raw(files, page))


def _note(files: Files, kind: str, key: str, frame: pl.DataFrame) -> None:
    with files.create(places.noted(kind, key)) as target:
        frame.write_ipc(target, compression="zstd")


def _clear(files: Files, slices: Sequence[str]) -> None:
    for name in slices:
        folder = places.slice_folder(name)
        for key in files.listing(folder):
            if key != places.slice_receipt(name):
                files.remove(key)
