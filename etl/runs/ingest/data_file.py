"""DataCite's Public and Monthly Data Files: what is in one, and whether it is whole (api-notes 8).

A data file is a folder, a tar or one `.jsonl.gz`. Checksums of a MANIFEST are base64, not hex. What becomes of the
records is the matter of `ingest`.
"""

import base64
import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import polars as pl

from etl.errors import IncompleteError, StoreError
from etl.storage import paths

_PART = re.compile(r"^(.*?)(\d+)\.jsonl\.gz$")
_LINES = (".jsonl.gz", ".jsonl", ".ndjson.gz", ".ndjson")
_AGAIN = "download it again"


class Source(Protocol):
    """Named files, readable from several threads."""

    def names(self) -> list[str]:
        """Name all files, sorted."""

    def read(self, name: str) -> bytes:
        """Return a file's content."""

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the bytes of some files, as far as they are known without asking much."""


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        return sorted(path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if not path.is_dir())

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        return {name: (self._root / name).stat().st_size for name in names}


class _Single:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return [self._path.name]

    def read(self, name: str) -> bytes:
        del name
        return self._path.read_bytes()

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        return dict.fromkeys(names, self._path.stat().st_size)


class _Tar:
    """A tar. State: the open archive, read by one thread at a time."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._lock = threading.Lock()
        self._members = {str(PurePosixPath(one.name)): one for one in tar.getmembers() if one.isfile()}

    def names(self) -> list[str]:
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        with self._lock:
            found = self._tar.extractfile(self._members[name])
            assert found is not None
            return found.read()

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        return {name: self._members[name].size for name in names}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file: its parts and lists in order, the checksums that its MANIFEST gives, and how large its files are."""

    source: Source
    name: str
    parts: tuple[str, ...]
    listings: tuple[str, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def lines(self, part: str) -> list[bytes]:
        """Return the records of a part; StoreError, naming it, if its bytes are not the published ones."""
        return [line for line in self._unpacked(part).split(b"\n") if line.strip()]

    def listed(self, listing: str) -> pl.DataFrame:
        """Return the `doi` (lower-case) and `state` of every DOI that a list names."""
        rows = csv.DictReader(io.StringIO(self._unpacked(listing).decode()))
        found = [(row["doi"].lower(), row["state"]) for row in rows]
        return pl.DataFrame(found, schema={"doi": pl.String(), "state": pl.String()}, orient="row")

    @property
    def fingerprint(self) -> str:
        """A short hash of what the data file is: its checksums, or else the names of its parts."""
        plain = json.dumps([sorted(self.digests.items()), self.parts, self.listings])
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

    def _unpacked(self, name: str) -> bytes:
        content = self.source.read(name)
        said = self.digests.get(name)
        if said and base64.b64encode(hashlib.sha256(content).digest()).decode() != said:
            raise StoreError(f"{self.name}: {name} has changed, its SHA-256 is not the manifest's", fix=_AGAIN)
        try:
            return gzip.decompress(content) if content and name.endswith(".gz") else content
        except (OSError, EOFError, zlib.error) as error:
            raise StoreError(f"{self.name}: {name} is damaged: {error}", fix=_AGAIN) from error


@contextmanager
def opened(where: str, stored: Source | None = None) -> Iterator[DataFile]:
    """Open a data file and see that it is finished and that no file of it is missing; StoreError if it is not so.

    `stored` has the files of one that is not in a folder of this machine.
    """
    path = Path(where)
    if stored is not None:
        yield _checked(stored, where)
    elif path.is_dir():
        yield _checked(_Folder(path), str(path))
    elif path.name.endswith(_LINES):
        yield _checked(_Single(path), str(path))
    else:
        try:
            with tarfile.open(path) as tar:
                yield _checked(_Tar(tar), str(path))
        except (tarfile.TarError, FileNotFoundError) as error:
            fix = "give a folder, a tar or a .jsonl.gz of DataCite's data file"
            raise StoreError(f"{path} cannot be read: {error}", fix=fix) from error


def month(name: str) -> str:
    """Return what belongs together: the folder of a part or a list, `updated_2024-05`; its stem where it has none."""
    path = PurePosixPath(name)
    return path.parent.name or path.name.partition(".")[0]


def _checked(source: Source, name: str) -> DataFile:
    names = source.names()
    if paths.MANIFEST in names:
        raise StoreError(f"{name} is a packed dataset", fix="unpack it and give its folder")
    _finished(source, names, name)
    digests, sizes = _manifest(source, names)
    if lost := sorted(set(sizes) - set(names)):
        raise StoreError(f"{name}: {lost[0]} is missing ({len(lost)} of {len(sizes)} files)", fix=_AGAIN)
    parts = tuple(one for one in names if one.endswith(_LINES))
    if not parts:
        fix = "give DataCite's data file, unpacked or as its tar"
        raise StoreError(f"{name} holds no parts (.jsonl.gz, .ndjson)", fix=fix)
    if gap := _gap(parts):
        raise StoreError(f"{name}: {gap} is missing", fix=_AGAIN)
    return DataFile(
        source,
        name,
        parts,
        tuple(one for one in names if one.endswith(".csv.gz")),
        digests,
        {**source.sizes(parts), **sizes},
    )


def _finished(source: Source, names: list[str], name: str) -> None:
    for one in names:
        if PurePosixPath(one).name == "STATUS.json":
            status = json.loads(source.read(one)).get("status")
            if status != "Complete":
                raise IncompleteError(f"{name} is not finished: {one} says {status!r}", fix="wait until it is Complete")


def _manifest(source: Source, names: list[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Read the checksums and sizes of every manifest there is; names are relative to the manifest's folder."""
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for one in names:
        path = PurePosixPath(one)
        if path.name in ("MANIFEST", "MANIFEST.json"):
            for file, size, digest in _entries(path.name, source.read(one).decode()):
                key = str(path.parent / file.removeprefix("./"))
                sizes[key] = size
                if digest:
                    digests[key] = digest
    return digests, sizes


def _entries(kind: str, text: str) -> Iterator[tuple[str, int, str]]:
    """Yield path, size and checksum; older manifests have no checksums."""
    if kind == "MANIFEST.json":
        for entry in json.loads(text):
            yield entry["filename"], int(entry["size"]), entry.get("sha256", "")
        return
    for line in text.splitlines():
        if words := line.split():
            yield words[0], int(words[1]), words[2] if len(words) > 2 else ""


def _gap(parts: tuple[str, ...]) -> str | None:
    """Name the first part that must have been there because a later one is."""
    numbers: dict[str, list[str]] = {}
    for one in parts:
        if match := _PART.match(one):
            numbers.setdefault(match[1], []).append(match[2])
    for stem, found in numbers.items():
        have = {int(number) for number in found}
        for number in range(min(have), max(have)) if stem.endswith("part_") else ():
            if number not in have:
                return f"{stem}{number:0{len(found[0])}d}.jsonl.gz"
    return None
