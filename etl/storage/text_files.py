"""Text files that users hand over, decoded in one place: byte-order marks, UTF-16, line ends of any system.

What cannot be read ends in a UsageError that names the file, the line and the fix.
"""

import codecs
import json
import os
import tomllib
from pathlib import Path
from typing import TextIO

from etl.errors import UsageError
from etl.schema.declarations import Json

LARGEST = 64 << 20
"""Bytes of a text file; longer ones are not what users write or publish beside data."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its first half
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF_8 = "save it as UTF-8, for example with: iconv -f LATIN1 -t UTF-8"


def read(path: Path) -> str:
    """Return the text of a file or a pipe."""
    try:
        # A pipe without a writer would block for ever; opened like this, it is empty.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as source:
            os.set_blocking(handle, True)
            content = source.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read: {reason}", fix="check the path and its permissions") from error
    return decode(content, str(path))


def read_stream(stream: TextIO, name: str) -> str:
    """Return the text that comes through a stream such as stdin, whatever the locale."""
    source = getattr(stream, "buffer", None)
    return decode(source.read(LARGEST + 1) if source else stream.read().encode(), name)


def decode(content: bytes, name: str) -> str:
    """Return the text of the file called `name`, its lines ending in a line feed."""
    if len(content) > LARGEST:
        raise UsageError(f"{name} is larger than {LARGEST >> 20} MB", fix="check that it is the right file")
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        kind = encoding.removesuffix("-sig").upper()
        raise UsageError(f"{name}, line {line}: the text is not valid {kind}", fix=_UTF_8) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"{name}, line {line}: a NUL character, which text files do not have", fix=_UTF_8)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def from_json(text: str, name: str) -> Json:
    """Return the value of a JSON document."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{name}, line {error.lineno}: not valid JSON ({error.msg})", fix=_COMPLETE) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not valid JSON ({error})", fix=_COMPLETE) from error


def from_toml(text: str, name: str, *, fix: str = "correct the file") -> dict[str, Json]:
    """Return the values of a TOML document; `fix` says how it is written."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid TOML: {error}", fix=fix) from error


_COMPLETE = "check that the file is complete"
