"""Staged pages: one Arrow IPC file a page, present exactly when the page is done, with the page's facts inside.

The records that came along with a page (`include=`) and the bytes as received (`--keep-raw`) lie beside it and are
written before it. What becomes of the records is the business of `dataset`.
"""

import json
import mmap
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from etl.records.parser import Issue
from etl.schema.declarations import Json
from etl.storage.files import Files

FACTS = b"datacite-etl.page"
_AT_ONCE = 48 << 20
"""Bytes of files that may be in memory at once: a look at a file may bring all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What is known of a page beside its records; pages of a slice are numbered from 0 without gaps.

    `next` is where the walk goes on (what `paging` made of it; None after the last page), `size` the page size asked
    for, `missing` the ids of records that the server counts but cannot deliver. `shifted` says that rows have moved
    since the walk began.
    """

    number: int
    next: Json = None
    total: int | None = None
    size: int = 0
    received: int = 0
    issues: tuple[Issue, ...] = ()
    drift: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    shifted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A staged page: its key in the destination and its facts."""

    key: str
    facts: PageFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """How many records a slice has staged and how many different ids they have; a record without one is not unique.

    `recent` of the ids have a record of that moment or later.
    """

    received: int
    unique: int
    recent: int = 0


def write(
    files: Files,
    folder: str,
    facts: PageFacts,
    nested: pa.Table,
    *,
    included: Mapping[str, pa.Table] | None = None,
    raw: bytes = b"",
) -> None:
    """Stage a page with the records that came along, by resource name, and its compressed raw records."""
    stem = f"{folder}/page-{facts.number:06d}"
    for name, table in (included or {}).items():
        keep(files, f"{stem}.{_flat(name)}.arrow", table)
    if raw:
        files.write(f"{stem}.ndjson.zst", raw)
    keep(files, f"{stem}.arrow", nested, {FACTS: json.dumps(asdict(facts)).encode()})


def done(files: Files, folder: str) -> list[Page]:
    """Return the pages of a slice that are staged, from the first up to the first gap."""
    numbered = {int(found[1]): key for key in files.listing(folder) if (found := _PAGE.search(key))}
    keys: list[str] = []
    while (key := numbered.get(len(keys))) is not None:
        keys.append(key)
    return [Page(key, _facts(files, key)) for key in keys]


def ids(files: Files, staged: Sequence[Page], recent: tuple[str, int] | None = None) -> Ids:
    """Count the records of some staged pages, and their lower-cased ids.

    `recent` is a column of timestamps, and the first second that is recent.
    """
    every = came(files, staged)
    lately = [] if recent is None else [_since(files, page.key, *recent) for page in staged]
    return Ids(
        received=sum(page.facts.received for page in staged),
        unique=pc.count_distinct(every).as_py(),
        recent=pc.count_distinct(pa.chunked_array(lately, pa.string())).as_py(),
    )


def _since(files: Files, key: str, column: str, second: int) -> pa.Array:
    """Return the ids of a page's records that have no time before a second."""
    found = read(files, key, ["id", column])
    start = pa.scalar(second * 1_000_000, pa.timestamp("us", tz="UTC"))
    before = pc.fill_null(pc.less(found.column(1), start), False)  # noqa: FBT003
    return pc.utf8_lower(found.column(0)).filter(pc.invert(before)).combine_chunks()


def came(files: Files, staged: Iterable[Page]) -> pa.ChunkedArray:
    """Return the lower-cased ids of the records of some staged pages, null where one has none."""
    found = [pc.utf8_lower(read(files, page.key, ["id"]).column(0)) for page in staged]
    return pa.chunked_array([chunk for ids in found for chunk in ids.chunks], pa.string())


def rows(files: Files, keys: Iterable[str]) -> int:
    """Count the records in some staged files."""
    return sum(_table(files.map(key)).num_rows for key in keys)


def siblings(files: Files, page: Page, resource: str) -> list[str]:
    """Return the keys of what came along with a page from a resource: one key, or none."""
    key = f"{page.key.removesuffix('.arrow')}.{_flat(resource)}.arrow"
    return [key] if files.exists(key) else []


def raw(files: Files, page: Page) -> bytes:
    """Return the compressed raw records of a page, empty if they were not kept."""
    key = f"{page.key.removesuffix('.arrow')}.ndjson.zst"
    return files.read(key) if files.exists(key) else b""


def compress(records: Iterable[bytes]) -> bytes:
    """Put raw records, a line each, into one zstd frame; frames behind each other are a valid file."""
    lines = b"".join(record.replace(b"\n", b" ") + b"\n" for record in records)
    packed: bytes = pa.Codec("zstd", compression_level=3).compress(lines, asbytes=True)
    return packed if lines else b""


def read(files: Files, key: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return some columns of a staged file, all by default; the bytes of the others are left on the disk."""
    table = _table(files.map(key))
    return table if columns is None else table.select(columns)


class Staged:
    """Some staged files, each opened once; `rows` are those meant, counted through all of them (None: all)."""

    def __init__(self, files: Files, keys: Sequence[str], schema: pa.Schema, rows: range | None = None) -> None:
        self._none = schema.empty_table()
        self._opened: list[tuple[mmap.mmap, pa.Table]] = []
        start = 0
        for key in keys:
            mapped = files.map(key)
            table = _table(mapped)
            meant = range(table.num_rows) if rows is None else range(rows.start - start, rows.stop - start)
            if meant.stop > 0 and meant.start < table.num_rows:  # an open file takes memory even if nothing is read
                self._opened.append((mapped, table.slice(max(meant.start, 0), meant.stop - max(meant.start, 0))))
            start += table.num_rows

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Return a copy of some columns, each in one piece; what was read for it of the files leaves the memory."""
        copied, looked, size = [self._none.select(names)], 0, 0
        tables = [table.select(names) for _, table in self._opened]
        for number, (mapped, _) in enumerate(self._opened, 1):
            size += len(mapped)
            if size > _AT_ONCE or number == len(tables):
                copied.append(pa.concat_tables(tables[looked:number]).combine_chunks())
                for seen, _ in self._opened[looked:number]:
                    seen.madvise(mmap.MADV_DONTNEED)
                looked, size = number, 0
        return pa.concat_tables(copied).combine_chunks()

    def records(self, rows: Sequence[int]) -> pa.Table:
        """Return some records whole."""
        every = pa.concat_tables([self._none, *(table for _, table in self._opened)])
        return every.take(pa.array(rows, pa.int64()))


def names(files: Files, key: str) -> list[str]:
    """Name the columns of a staged file."""
    with files.open(key) as source:
        found: list[str] = pa.ipc.open_file(source).schema.names
        return found


def keep(files: Files, key: str, table: pa.Table, metadata: Mapping[bytes, bytes] | None = None) -> None:
    """Write a table as an uncompressed Arrow IPC file, a piece at a time: no copy of it is made in memory."""
    table = table.replace_schema_metadata(dict(metadata) if metadata else None)
    with files.create(key) as target, pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)


def _table(mapped: mmap.mmap) -> pa.Table:
    # Arrow's own choice of columns (`included_fields`) copies the whole file first: measured, 26.0.
    return pa.ipc.open_file(pa.py_buffer(mapped)).read_all().replace_schema_metadata(None)


def _facts(files: Files, key: str) -> PageFacts:
    with files.open(key) as source:
        plain = json.loads(pa.ipc.open_file(source).schema.metadata[FACTS])
    plain["issues"] = tuple(Issue(**issue) for issue in plain["issues"])
    plain["drift"] = {path: (count, example) for path, (count, example) in plain["drift"].items()}
    plain["missing"] = tuple(plain["missing"])
    return PageFacts(**plain)


def _flat(resource: str) -> str:
    return resource.replace("/", "_")


_PAGE = re.compile(r"/page-(\d{6,})\.arrow$")
