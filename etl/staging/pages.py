"""Staged pages: one Arrow IPC file per page, present exactly if the page is complete, with the page's facts inside.

The included records of a page (`include=`) and its bytes as received (`--keep-raw`) are beside it, and written first.
`table_writer` makes tables of them.
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
"""Maximum bytes of files in memory at once: reading a little of a file may load all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """The facts of a page besides its records; pages of a slice are numbered from 0 without gaps.

    `next` is the position of the next page (as `pagination` encodes it; None after the last page), `size` the requested
    page size, `missing` the ids of records that the server counts but cannot deliver. `shifted` says that rows have
    moved since the first page.
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
    """A staged page: its key at the destination and its facts."""

    key: str
    facts: PageFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCounts:
    """The staged records of a slice: how many, and their distinct ids; a record without an id is not counted as unique.

    `recent` counts the ids with a record that changed at or after the given moment.
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
    """Stage a page with its included records, by resource name, and its compressed raw records."""
    stem = f"{folder}/page-{facts.number:06d}"
    for name, table in (included or {}).items():
        write_table(files, f"{stem}.{_flat(name)}.arrow", table)
    if raw:
        files.write(f"{stem}.ndjson.zst", raw)
    write_table(files, f"{stem}.arrow", nested, {FACTS: json.dumps(asdict(facts)).encode()})


def staged_pages(files: Files, folder: str) -> list[Page]:
    """Return the staged pages of a slice, up to the first gap."""
    numbered = {int(match[1]): key for key in files.listing(folder) if (match := _PAGE.search(key))}
    keys: list[str] = []
    while (key := numbered.get(len(keys))) is not None:
        keys.append(key)
    return [Page(key, _facts(files, key)) for key in keys]


def count_ids(files: Files, staged: Sequence[Page], recent: tuple[str, int] | None = None) -> IdCounts:
    """Count the records of staged pages, and their ids in lower case.

    `recent` is a column of timestamps, and the first second that counts as recent.
    """
    every = received_ids(files, staged)
    lately = [] if recent is None else [_since(files, page.key, *recent) for page in staged]
    return IdCounts(
        received=sum(page.facts.received for page in staged),
        unique=pc.count_distinct(every).as_py(),
        recent=pc.count_distinct(pa.chunked_array(lately, pa.string())).as_py(),
    )


def _since(files: Files, key: str, column: str, second: int) -> pa.Array:
    """Return the ids of a page's records that have no time before the given second."""
    records = read_columns(files, key, ["id", column])
    start = pa.scalar(second * 1_000_000, pa.timestamp("us", tz="UTC"))
    before = pc.fill_null(pc.less(records.column(1), start), False)  # noqa: FBT003
    return pc.utf8_lower(records.column(0)).filter(pc.invert(before)).combine_chunks()


def received_ids(files: Files, staged: Iterable[Page]) -> pa.ChunkedArray:
    """Return the ids of all records of staged pages in lower case, null where a record has none."""
    columns = [pc.utf8_lower(read_columns(files, page.key, ["id"]).column(0)) for page in staged]
    return pa.chunked_array([chunk for ids in columns for chunk in ids.chunks], pa.string())


def count_records(files: Files, keys: Iterable[str]) -> int:
    """Count the records in staged files."""
    return sum(_table(files.map(key)).num_rows for key in keys)


def included_keys(files: Files, page: Page, resource: str) -> list[str]:
    """Return the keys of a page's included records from a resource: one key, or none."""
    key = f"{page.key.removesuffix('.arrow')}.{_flat(resource)}.arrow"
    return [key] if files.exists(key) else []


def read_raw(files: Files, page: Page) -> bytes:
    """Return the compressed raw records of a page, empty if they were not kept."""
    key = f"{page.key.removesuffix('.arrow')}.ndjson.zst"
    return files.read(key) if files.exists(key) else b""


def compress(records: Iterable[bytes]) -> bytes:
    """Put raw records, one per line, into one zstd frame; consecutive frames are a valid file."""
    lines = b"".join(record.replace(b"\n", b" ") + b"\n" for record in records)
    packed: bytes = pa.Codec("zstd", compression_level=3).compress(lines, asbytes=True)
    return packed if lines else b""


def read_columns(files: Files, key: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return columns of a staged file, all by default; the bytes of the others stay on the disk."""
    table = _table(files.map(key))
    return table if columns is None else table.select(columns)


class Staged:
    """Staged files, each opened once; `rows` is the range of rows to read, counted through all files (None: all)."""

    def __init__(self, files: Files, keys: Sequence[str], schema: pa.Schema, rows: range | None = None) -> None:
        self._none = schema.empty_table()
        self._opened: list[tuple[mmap.mmap, pa.Table]] = []
        start = 0
        for key in keys:
            mapped = files.map(key)
            table = _table(mapped)
            meant = range(table.num_rows) if rows is None else range(rows.start - start, rows.stop - start)
            if meant.stop > 0 and meant.start < table.num_rows:  # an open file needs memory even if nothing is read
                self._opened.append((mapped, table.slice(max(meant.start, 0), meant.stop - max(meant.start, 0))))
            start += table.num_rows

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Return a copy of columns, each in one piece, and release the memory of the files."""
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
        """Return whole records."""
        every = pa.concat_tables([self._none, *(table for _, table in self._opened)])
        return every.take(pa.array(rows, pa.int64()))


def column_names(files: Files, key: str) -> list[str]:
    """Name the columns of a staged file."""
    with files.open(key) as source:
        schema: pa.Schema = pa.ipc.open_file(source).schema
        return list(schema.names)


def write_table(files: Files, key: str, table: pa.Table, metadata: Mapping[bytes, bytes] | None = None) -> None:
    """Write a table as an uncompressed Arrow IPC file, piece by piece, without a copy in memory."""
    table = table.replace_schema_metadata(dict(metadata) if metadata else None)
    with files.create(key) as target, pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)


def _table(mapped: mmap.mmap) -> pa.Table:
    # Arrow's own selection of columns (`included_fields`) copies the whole file first (measured in 26.0).
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
