"""Read and write the bytes of a manifest: always encoded the same way, and always checked whole.

An invalid one is a ManifestError that names the file, the member and a fix, so that code can rely on a `Manifest`.
"""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import NoReturn

import msgspec

from etl.api.window import Window, moment
from etl.dataset.manifest import FORMAT_VERSION, DataFile, Manifest, RequestWindow, TableFacts
from etl.errors import ManifestError
from etl.schema.declarations import Json
from etl.storage import formats, paths

_FIX = "restore the file from a backup, or export again with --fresh"
_LONGEST = 300
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""First and last second of valid dates: the years 1 to 9999."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Valid names of tables and columns, which appear in SQL and in paths."""
_ENTRY = frozenset(DataFile.__dataclass_fields__)
# Created on import, in one thread: two threads at msgspec's first use of a dataclass crash the process.
msgspec.json.Decoder(Manifest)


def plain(manifest: Manifest) -> dict[str, Json]:
    """Return a manifest as JSON values."""
    values: dict[str, Json] = msgspec.to_builtins(manifest)
    return values


def without_files(manifest: Manifest) -> dict[str, Json]:
    """Return a manifest as JSON values, with the number of each table's files instead of their list."""
    tables = {name: {"rows": facts.rows, "files": len(facts.files)} for name, facts in manifest.tables.items()}
    return plain(manifest) | {"tables": tables}


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest file."""
    text = json.dumps(plain(manifest), indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def decode(content: bytes, name: str) -> Manifest:
    """Read the bytes of a manifest file called `name`; ManifestError if it is invalid."""
    values = _loaded(content, name)
    try:
        manifest = msgspec.convert(values, Manifest)
    except ValueError as error:
        raise _wrong(name, _located(values, error)) from error
    for problem in itertools.chain(_unknown(values), _problems(manifest)):
        raise _wrong(name, problem)
    return manifest


def is_proof(content: bytes) -> bool:
    """Return whether the bytes of a manifest file are valid, for this program or for a newer one."""
    try:
        decode(content, paths.MANIFEST)
    except NewerManifestError:
        return True
    except ManifestError:
        return False
    return True


class NewerManifestError(ManifestError):
    """A manifest in a format that only a newer program can read."""


def _loaded(content: bytes, name: str) -> dict[str, Json]:
    """Read the JSON object of a manifest file in this program's format."""
    try:
        values: Json = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{name} is damaged: {error or 'nested too deeply'}", fix=_FIX) from error
    if not isinstance(values, dict) or "format_version" not in values:
        raise ManifestError(f"{name} is not a manifest of datacite-etl", fix=f"{_FIX}, or choose another destination")
    version = values["format_version"]
    if type(version) is int and version > FORMAT_VERSION:
        fix = "update datacite-etl"
        raise NewerManifestError(f"{name} has format {version}, this program reads {FORMAT_VERSION}", fix=fix)
    return values


def _wrong(name: str, problem: str) -> ManifestError:
    """Describe in one line what is wrong with a manifest, whatever characters and lengths it holds."""
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in problem)
    return ManifestError(f"{name}: {line[:_LONGEST]}", fix=_FIX)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _located(values: Mapping[str, Json], error: ValueError) -> str:
    """Describe what is wrong, and where; in a mapping, msgspec does not say under which key."""
    if not isinstance(error, msgspec.ValidationError):
        return f"it has names that cannot be read: {error}"
    problem, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`").removeprefix(".")
    member = where.partition("[...]")[0]
    held = values.get(member)
    if "[...]" in where and isinstance(held, dict):
        culprit = next((key for key, value in held.items() if not _fits({**values, member: {key: value}})), "...")
        where = where.replace("[...]", f".{culprit}", 1)
    return f"{where}: {problem[:1].lower()}{problem[1:]}".removeprefix(": ")


def _fits(values: Mapping[str, Json]) -> bool:
    try:
        msgspec.convert(values, Manifest)
    except ValueError:
        return False
    return True


def _unknown(values: Mapping[str, Json]) -> Iterator[str]:
    """Find unknown members in the entries of files: they might mean that a file is to be read in another way.

    Elsewhere later versions may add members, which this one ignores.
    """
    for name, facts in values["tables"].items():
        for number, entry in enumerate(facts["files"]):
            for member in sorted(entry.keys() - _ENTRY):
                yield f"tables.{name}.files[{number}]: unknown member {member!r}"


def _problems(manifest: Manifest) -> Iterator[str]:
    """Find what types cannot express: names, paths, times, and members that must agree with each other."""
    yield from _times(manifest)
    yield from _windows(manifest)
    yield from _formats(manifest)
    if manifest.request.resource != manifest.resource:
        yield f"request.resource: {manifest.request.resource!r} is not the manifest's resource, {manifest.resource!r}"
    if manifest.main not in manifest.tables:
        yield f"tables: the main table, {manifest.main}, is missing"
    for name, facts in manifest.tables.items():
        yield from (f"tables.{name}.{problem}" for problem in _table(manifest, name, facts))
    counted = Counter(file.path for file in manifest.files)
    yield from (f"tables: the file {path!r} is listed more than once" for path, count in counted.items() if count > 1)
    for number, change in enumerate(manifest.history):
        if not _lies_below(change.path, paths.CHANGES):
            yield f"changes[{number}].path: {change.path!r} is not in {paths.CHANGES}"


def _times(manifest: Manifest) -> Iterator[str]:
    times = {"started": manifest.started, "finished": manifest.finished}
    times |= {"watermark": manifest.watermark} if manifest.watermark is not None else {}
    times |= {"metrics": manifest.metrics} if isinstance(manifest.metrics, str) else {}
    for member, text in times.items():
        try:
            datetime.fromisoformat(text)
            moment(text)
        except (ValueError, OverflowError):
            yield f"{member}: {text!r} is not a time"


def _windows(manifest: Manifest) -> Iterator[str]:
    windows: dict[str, Window | RequestWindow] = {"request.window": manifest.request.window}
    windows |= {f"slices[{number}].window": piece.window for number, piece in enumerate(manifest.slices)}
    for where, window in windows.items():
        sides = [side for side in (window.start, window.end) if side is not None]
        if not all(_FIRST <= side <= _LAST for side in sides):
            yield f"{where}: it has a bound outside the years 1 to 9999"
        elif sides != sorted(sides):
            yield f"{where}: it ends before it begins"


def _formats(manifest: Manifest) -> Iterator[str]:
    known = {*formats.names(), formats.DELTA}
    for name in manifest.formats:
        if name not in known:
            yield f"formats: unknown format {name!r}"


def _table(manifest: Manifest, name: str, facts: TableFacts) -> Iterator[str]:
    names = [column.name for column in facts.columns]
    for label in (name, *names):
        if not _NAME.fullmatch(label):
            yield f"{label!r} is not a valid name of a table or column"
    if repeated := [column for column, count in Counter(names).items() if count > 1]:
        yield f"columns: {repeated[0]!r} is listed more than once"
    if facts.key not in names:
        yield f"key: {facts.key!r} is not among the columns"
    if facts.of not in manifest.tables:
        yield f"of: there is no table {facts.of!r}"
    yield from _files(manifest, name, facts)
    for number, file in enumerate(facts.commits):
        if not _lies_below(file.path, f"{name}/_delta_log"):
            yield f"delta.log[{number}].path: {file.path!r} does not lie in the log's folder"


def _files(manifest: Manifest, name: str, facts: TableFacts) -> Iterator[str]:
    folders = [(), manifest.partition_by]
    suffixes = {f".{known}" for known in formats.names()}
    for number, file in enumerate(facts.files):
        if not _lies_below(file.path, name):
            yield f"files[{number}].path: {file.path!r} does not lie in the table's folder"
        elif tuple(paths.partition(file.path)) not in folders:
            yield f"files[{number}].path: {file.path!r} does not lie in a folder of partition_by"
        elif PurePosixPath(file.path).suffix not in suffixes:
            yield f"files[{number}].path: {file.path!r} has a format that this program does not know"
    lost = {*manifest.partition_by} - {column.name for column in facts.columns}
    if lost and any(paths.partition(file.path) for file in facts.files):
        yield f"columns: the column of a folder is missing: {min(lost)}"


def _lies_below(path: str, folder: str) -> bool:
    steps = path.split("/")
    return path.startswith(f"{folder}/") and not {"", ".", ".."} & set(steps) and path.isprintable()
