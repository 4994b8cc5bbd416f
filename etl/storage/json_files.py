"""Small JSON files that this program keeps for itself, read back as the type that was written."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any, Generic, TypeVar

import msgspec

from etl.errors import StoreError
from etl.storage.files import Files

T = TypeVar("T")
FRESH = "run again with --fresh"


class JsonFile(Generic[T]):
    """Files of one type, a dataclass; each is checked where it is read. Made while one thread imports its module."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        msgspec.json.Decoder(kind)  # two threads that meet at msgspec's first use of a dataclass end the process

    def read(self, files: Files, key: str) -> T | None:
        """Return what a file holds, None if there is no file; StoreError if it is damaged or of another type."""
        return self.decode(files.read(key), f"{files.name}/{key}") if files.exists(key) else None

    def decode(self, content: bytes, name: str) -> T:
        """Return what the bytes of a file called `name` mean."""
        try:
            return msgspec.convert(json.loads(content), self._kind)
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{name} is damaged: {error}", fix=FRESH) from error

    def write(self, files: Files, key: str, value: T) -> None:
        """Write a file durably."""
        files.write(key, self.encode(value))

    def encode(self, value: T) -> bytes:
        """Return the bytes of a file."""
        assert is_dataclass(value)
        plain: dict[str, Any] = asdict(value)  # type: ignore[arg-type]
        return (json.dumps(plain, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
