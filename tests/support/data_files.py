"""DataCite's data file in small: months with a part and a list of DOIs, to be damaged by tests."""

import base64
import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def record(doi: str, updated: str) -> bytes:
    """Return the line of a record."""
    attributes = {"doi": doi, "state": "findable", "created": "2026-01-01T00:00:00Z", "updated": updated}
    client = {"client": {"data": {"id": "a.b", "type": "clients"}}}
    return json.dumps({"id": doi, "type": "dois", "attributes": attributes, "relationships": client}).encode() + b"\n"


def month(folder: Path, name: str, *dois: str, listing: bool = True) -> Path:
    """Write a month such as `2026-10` below a data file's folder, and return its own folder."""
    below = folder / "dois" / f"updated_{name}"
    below.mkdir(parents=True)
    updated = f"{name}-02T00:00:00Z"
    content = b"".join(record(doi, updated) for doi in dois)
    (below / "part_0000.jsonl.gz").write_bytes(gzip.compress(content, mtime=0))
    if listing:
        rows = "".join(f"{doi},findable,a.b,{updated}\r\n" for doi in dois)
        packed = gzip.compress(f"doi,state,client_id,updated\r\n{rows}".encode(), mtime=0)
        (below / f"{name}.csv.gz").write_bytes(packed)
    return below


def months(folder: Path, *names: str) -> Path:
    """Write months with one record each, and return the data file's folder."""
    for name in names:
        month(folder, name, f"10.5072/{name}")
    return folder


def facts(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the size and SHA-256 of every file of a data file."""
    paths = sorted(path for path in (folder / "dois").rglob("*") if path.is_file())
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: (len(content), hashlib.sha256(content).digest()) for name, content in contents.items()}


def write_manifest(folder: Path, only: Sequence[str] = (), sizes: Mapping[str, int] | None = None) -> None:
    """Write the MANIFEST of a data file, of all its files or only of some."""
    lines = [
        f"{name} {(sizes or {}).get(name, size)} {base64.b64encode(digest).decode()}\n"
        for name, (size, digest) in facts(folder).items()
        if not only or name in only
    ]
    (folder / "MANIFEST").write_text("".join(lines))


def write_json_manifest(folder: Path) -> None:
    """Write the MANIFEST.json of a data file."""
    entries = [
        {"filename": name, "size": size, "sha256": base64.b64encode(digest).decode()}
        for name, (size, digest) in facts(folder).items()
    ]
    (folder / "MANIFEST.json").write_text(json.dumps(entries, indent=1))


def pack(folder: Path, target: Path, *, flat: bool = False) -> Path:
    """Pack a folder as a tar, with its months or `flat`, its files alone."""
    with tarfile.open(target, "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name if flat else f"./{path.name}")
    return target
