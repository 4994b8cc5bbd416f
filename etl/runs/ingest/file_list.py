"""The description of a data file: MANIFEST lists its files, and STATUS.json says whether it is finished.

Pure. MANIFEST has lines of path, size and SHA-256, MANIFEST.json a list of objects (api-notes 8.4). Some generators
write no checksums, others write them in hexadecimal.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from etl.errors import IncompleteError, StoreError
from etl.schema.declarations import Json
from etl.storage import text_files

NAMES = ("MANIFEST", "MANIFEST.json")
STATUS = "STATUS.json"
_LINE = re.compile(r"(\S.*?)[ \t]+(\d{1,15})(?:[ \t]+(\S+))?")
_FIX = "download it again"


@dataclass(frozen=True, slots=True)
class Entry:
    """A listed file: its bytes, and its SHA-256 in hexadecimal, empty if it is not given."""

    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FileList:
    """All listed files by path, and the sets of paths in each list."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    lists: tuple[frozenset[str], ...] = ()

    def is_whole(self, names: Iterable[str]) -> bool:
        """Return whether a single list has all these files, so that it says what there should be."""
        wanted = set(names)
        return any(wanted <= listed for listed in self.lists)

    def unlisted(self, names: Iterable[str]) -> list[str]:
        """Return the files in no list."""
        return sorted(set(names) - self.entries.keys())


def parse(contents: Mapping[str, bytes]) -> FileList:
    """Read the lists called NAMES by path; their entries are relative to the list's folder."""
    entries: dict[str, Entry] = {}
    lists: dict[str, set[str]] = {}
    for name, content in contents.items():
        folder = PurePosixPath(name).parent
        for path, entry in _entries(name, text_files.decode(content, name)):
            key = str(folder / path)
            known = entries.setdefault(key, entry)
            if known.size != entry.size or (known.sha256 and entry.sha256 and known.sha256 != entry.sha256):
                raise StoreError(f"{name} contradicts another entry for {key}", fix=_FIX)
            entries[key] = known if known.sha256 else entry
            lists.setdefault(str(folder), set()).add(key)
    return FileList(entries, tuple(frozenset(listed) for listed in lists.values()))


def check_finished(name: str, content: bytes) -> None:
    """Raise IncompleteError if a STATUS.json says that the data file is still being written."""
    document = text_files.from_json(text_files.decode(content, name), name)
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str):
        raise StoreError(f"{name} has no status", fix=_FIX)
    if status.strip().lower() != "complete":
        raise IncompleteError(f"{name} says {status!r}: the data file is not finished", fix="wait until it is Complete")


def _entries(name: str, text: str) -> Iterator[tuple[str, Entry]]:
    lines = _objects(name, text) if name.endswith(".json") else _lines(name, text)
    empty = True
    for where, path, size, checksum in lines:
        empty = False
        yield path, Entry(size, _hexadecimal(checksum, f"{name}, {where}"))
    if empty:
        raise StoreError(f"{name} lists no files", fix=_FIX)


def _lines(name: str, text: str) -> Iterator[tuple[str, str, int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise StoreError(f"{name}, line {number}: expected path, size and SHA-256, not {line[:60]!r}", fix=_FIX)
        yield f"line {number}", match[1], int(match[2]), match[3] or ""


def _objects(name: str, text: str) -> Iterator[tuple[str, str, int, str]]:
    document = text_files.from_json(text, name)
    for number, entry in enumerate(document if isinstance(document, list) else [document], 1):
        fields = entry if isinstance(entry, dict) else {}
        path, size, checksum = fields.get("filename"), _size(fields.get("size")), fields.get("sha256")
        if not isinstance(path, str) or not path or size is None or not isinstance(checksum, str | None):
            raise StoreError(f"{name}, entry {number}: expected filename, size and sha256", fix=_FIX)
        yield f"entry {number}", path, size, checksum or ""


def _size(value: Json) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _hexadecimal(checksum: str, where: str) -> str:
    """Return a SHA-256 in lower-case hexadecimal, whichever way it is written."""
    if not checksum or re.fullmatch("[0-9A-Fa-f]{64}", checksum):
        return checksum.lower()
    try:
        padded = checksum.replace("-", "+").replace("_", "/").rstrip("=")
        digest = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise StoreError(f"{where}: {checksum[:80]!r} is not a SHA-256", fix=_FIX)
    return digest.hex()
