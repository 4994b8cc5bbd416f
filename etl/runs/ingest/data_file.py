"""DataCite's Public and Monthly Data Files: their contents, and whether they are whole (api-notes 8).

A data file is a folder, a tar or one `.jsonl.gz`. It comes from outside: everything is read piece by piece,
with a bound. `ingest` makes tables of the records.
"""

import codecs
import gzip
import hashlib
import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import msgspec
import polars as pl

from etl.errors import StoreError, UsageError
from etl.events import counted, listed
from etl.records import ndjson
from etl.records.ndjson import Readable
from etl.runs.ingest import archive, doi_csv, file_list
from etl.runs.ingest.archive import DOWNLOAD_AGAIN, Archive
from etl.runs.ingest.file_list import FileList
from etl.storage import paths, text_files

EVERYTHING = "all"
"""The label of files that are not sorted into months."""
LONGEST = 16 << 20
"""Bytes of the longest line that is read: a record has kilobytes, and lists need 60 times their bytes when parsed."""
_PART = re.compile(r"^(.*?)(\d+)\.jsonl\.gz$")
_LINES = (".jsonl.gz", ".jsonl", ".ndjson.gz", ".ndjson")
_LISTS = (".csv.gz", ".csv")
_MONTH = re.compile(r"updated_\d{4}-(?:0[1-9]|1[0-2])")
_LIST_OF_MONTH = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))\.csv(?:\.gz)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A data file: its parts and lists of DOIs in order, and their entries in its MANIFEST.

    `months` has the label of each part and list, `updated_2024-05`, or EVERYTHING for all of them. `sizes` are bytes,
    as far as they are known; `litter` are files that a desktop left behind.
    """

    archive: Archive
    name: str
    parts: tuple[str, ...]
    listings: tuple[str, ...]
    months: Mapping[str, str]
    files: FileList = field(default_factory=FileList)
    sizes: Mapping[str, int] = field(default_factory=dict)
    litter: tuple[str, ...] = ()

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a part; StoreError, at the end too, if its bytes are not the published ones."""
        with closing(self._lines(part)) as lines:
            filled = (line.rstrip(b"\r") for line in lines if line.strip())
            for first in filled:
                record = first.removeprefix(codecs.BOM_UTF8)
                _check_shape(f"{self.name}: {part}", record)
                yield record
                yield from filled

    def listed(self, listing: str) -> pl.DataFrame:
        """Return the `doi` (lower-case) and `state` of every DOI that a list names."""
        with closing(self._lines(listing)) as lines:
            return doi_csv.parse(lines, f"{self.name}: {listing}")

    @property
    def fingerprint(self) -> str:
        """A short hash of the data file: of its checksums and sizes, or else of the names of its parts."""
        entries = sorted((path, entry.size, entry.sha256) for path, entry in self.files.entries.items())
        plain = json.dumps([entries, sorted(self.sizes.items()), self.parts, self.listings])
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Reasons why it is not known what there should be: sentences, none if everything can be compared."""
        labels = sorted(set(self.months.values()))
        gaps = []
        if not self.listings:
            gaps.append(f"{self.name} has no lists of DOIs (.csv.gz): the expected number of records is unknown")
        if unlisted := self.files.unlisted(self.months) if self.files.entries else []:
            gaps.append(f"{self.name}: MANIFEST does not list {listed(unlisted, 3)}")
        elif max(len(labels), len(self.listings)) > 1 and not self.files.is_whole(self.months):
            first, *_, last = labels if len(labels) > 1 else self.listings
            gaps.append(f"{self.name} has no MANIFEST, so it is not known whether {first} to {last} are all")
        return tuple(gaps)

    def _lines(self, name: str) -> Generator[bytes, None, None]:
        with self._unpacked(name) as stream:
            rest = yield from ndjson.split(stream, f"{self.name}: {name}", longest=LONGEST)
            yield rest

    @contextmanager
    def _unpacked(self, name: str) -> Iterator[Readable]:
        """Open a file, unpacked; StoreError after reading it if it is not the listed one."""
        try:
            with self.archive.open(name) as stream:
                hashed = _Hashed(stream)
                if name.endswith(".gz"):
                    with gzip.GzipFile(fileobj=cast("BinaryIO", hashed)) as unpacked:
                        yield unpacked
                else:
                    yield hashed
                while hashed.read(1 << 20):
                    pass
        except archive.UNREADABLE as error:
            raise StoreError(f"{self.name}: {name} is damaged: {error}", fix=DOWNLOAD_AGAIN) from error
        entry = self.files.entries.get(name)
        if entry and entry.size != hashed.size:
            raise _other_size(self.name, name, hashed.size, entry.size)
        if entry and entry.sha256 and entry.sha256 != hashed.hash.hexdigest():
            message = f"{self.name}: {name} has changed, its SHA-256 is not the one in MANIFEST"
            raise StoreError(message, fix=DOWNLOAD_AGAIN)


class _Hashed:
    """A stream that hashes what is read. State: the hash and number of the bytes so far."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.hash.update(content)
        self.size += len(content)
        return content


def open_data_file(where: str, stored: Archive | None = None) -> DataFile:
    """Open a data file and check that it is finished and has all its files; StoreError otherwise.

    `stored` has the files of one on an object store.
    """
    source = stored or archive.open_archive(Path(where), (*_LINES, ".json"))
    every = source.names()
    litter = tuple(name for name in every if archive.is_litter(name))
    names = sorted(set(every) - set(litter))
    if paths.MANIFEST in names:
        raise StoreError(f"{where} is a packed dataset", fix="unpack it and give its folder")
    for name in names:
        if PurePosixPath(name).name == file_list.STATUS:
            file_list.check_finished(name, archive.read_whole(source, name, text_files.LARGEST))
    files = file_list.parse(
        {
            name: archive.read_whole(source, name, text_files.LARGEST)
            for name in names
            if PurePosixPath(name).name in file_list.NAMES
        }
    )
    parts, lists = _parts(names, where), tuple(name for name in names if name.endswith(_LISTS))
    sizes = _checked_sizes(where, names, files, source.sizes((*parts, *lists)))
    if gap := _gap(parts):
        raise StoreError(f"{where}: {gap} is missing", fix=DOWNLOAD_AGAIN)
    return DataFile(
        archive=source,
        name=where,
        parts=parts,
        listings=lists,
        months=_months(Path(where).name, (*parts, *lists)),
        files=files,
        sizes=sizes,
        litter=litter,
    )


def _parts(names: Sequence[str], where: str) -> tuple[str, ...]:
    parts = tuple(name for name in names if name.endswith(_LINES))
    if not parts and len(names) == 1:  # one file that the user named
        parts = tuple(names)
    if not parts:
        fix = "give DataCite's data file, unpacked or as its tar"
        raise StoreError(f"{where} holds no parts (.jsonl.gz, .ndjson)", fix=fix)
    return parts


def _checked_sizes(where: str, names: Sequence[str], files: FileList, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the sizes of files; StoreError if a listed one is missing or has another size."""
    if lost := sorted(files.entries.keys() - set(names)):
        number = f"{len(lost):,} of {counted(len(files.entries), 'file')}"
        raise StoreError(f"{where}: {lost[0]} is missing ({number})", fix=DOWNLOAD_AGAIN)
    for name, size in sizes.items():
        if (entry := files.entries.get(name)) and entry.size != size:
            raise _other_size(where, name, size, entry.size)
    return {**{name: entry.size for name, entry in files.entries.items()}, **sizes}


def _other_size(where: str, name: str, size: int, listed_size: int) -> StoreError:
    message = f"{where}: {name} has {size:,} bytes, MANIFEST says {listed_size:,}"
    return StoreError(message, fix=DOWNLOAD_AGAIN)


def _months(root: str, names: Sequence[str]) -> dict[str, str]:
    """Return the month of each file, from its folder or the list of DOIs there; EVERYTHING if any has none."""
    folders: dict[PurePosixPath, set[str]] = {}
    for path in map(PurePosixPath, names):
        match = _LIST_OF_MONTH.fullmatch(path.name)
        folders.setdefault(path.parent, set()).update([f"updated_{match[1]}"] if match else [])
    labels = {folder: _month(folder.name or root, lists) for folder, lists in folders.items()}
    if EVERYTHING in labels.values():
        return dict.fromkeys(names, EVERYTHING)
    return {name: labels[PurePosixPath(name).parent] for name in names}


def _month(folder: str, lists: set[str]) -> str:
    if _MONTH.fullmatch(folder):
        return folder
    return next(iter(lists)) if len(lists) == 1 else EVERYTHING


def _gap(parts: tuple[str, ...]) -> str | None:
    """Return the first part that must be missing because a later one exists."""
    numbers: dict[str, list[str]] = {}
    for part in parts:
        if match := _PART.match(part):
            numbers.setdefault(match[1], []).append(match[2])
    for stem, digits in numbers.items():
        present = {int(number) for number in digits}
        for number in range(min(present), max(present)) if stem.endswith("part_") else ():
            if number not in present:
                return f"{stem}{number:0{len(digits[0])}d}.jsonl.gz"
    return None


def _check_shape(name: str, line: bytes) -> None:
    """Refuse a part whose first line shows that it is a document instead of one record per line."""
    start = line.strip()
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError(f"{name} is UTF-16", fix="save it as UTF-8")
    kind, path = "", ""
    if start.startswith(b"["):
        kind, path = "a JSON array", ".[]"
    elif start == b"{":
        kind, path = "one JSON document over several lines", "."
    elif _is_response(start):
        kind, path = "a response of the API", ".data[]"
    if kind:
        fix = f"write one record per line, for example with: jq -c '{path}' FILE > records.ndjson"
        raise UsageError(f"{name} is {kind}, not one record per line", fix=fix)


def _is_response(line: bytes) -> bool:
    try:
        document = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return "data" in document and "id" not in document
