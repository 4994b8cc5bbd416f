"""An object store as a place with keys: S3, and by the same library Google's and Microsoft's.

Needs the extra `objectstore`. Credentials, region and endpoint come from where the store's own tools have them
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, a machine's role …), read by the library. Nothing can be renamed here; what
follows from that for publication is the matter of `beside`, where unfinished work lies that of `destination`.
"""

import io
import mmap
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa

from etl.errors import StoreError, UsageError
from etl.storage.files import Writing

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")
_PLAIN_HTTP = {
    "aws_allow_http": "true"
}  # an endpoint is https unless somebody says otherwise, as for a store of one's own
_ALONE = {"aws_disable_bulk_delete": "true"}  # not every store that speaks S3 has it
_RETRIES = {"max_retries": 6, "retry_timeout": timedelta(seconds=90)}
_AHEAD = 4 << 20
"""Bytes asked for at once when a file is read here and there."""


class ObjectFiles:
    """The objects below a URL such as `s3://bucket/folder`."""

    renames = False

    def __init__(self, url: str) -> None:
        self._name = url.rstrip("/")
        self._store = _opened(self._name)

    @property
    def name(self) -> str:
        """The URL."""
        return self._name

    @property
    def options(self) -> Mapping[str, str]:
        """Options with which other libraries can read there themselves."""
        return _PLAIN_HTTP if urlsplit(self._name).scheme == "s3" else {}

    def exists(self, key: str) -> bool:
        """Return whether there is an object with this key or below it."""
        with self._explained(key):
            return self._is_object(key) or bool(self._below(key, most=1))

    def empty(self) -> bool:
        """Return whether the location is empty."""
        with self._explained(""):
            return not self._below("", most=1)

    def listing(self, key: str) -> list[str]:
        """Return the keys of all objects at or below a key, sorted; none if there is nothing."""
        with self._explained(key):
            return [key] if key and self._is_object(key) else sorted(self._below(key))

    def read(self, key: str) -> bytes:
        """Return an object's content."""
        import obstore

        with self._explained(key):
            return bytes(obstore.get(self._store, key).bytes())

    def open(self, key: str) -> pa.NativeFile:
        """Open an object for reading here and there."""
        import obstore

        with self._explained(key):
            return pa.PythonFile(_Reading(obstore.open_reader(self._store, key, buffer_size=_AHEAD)), mode="r")

    def map(self, key: str) -> mmap.mmap:
        """Put an object into the address space, by way of a file without a name."""
        with tempfile.TemporaryFile() as file:
            file.write(self.read(key))
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Put a whole object over whatever was there."""
        self._put(key, bytes(data))

    @contextmanager
    def create(self, key: str) -> Iterator[Writing]:
        """Put an object piece by piece; it appears, whole, when the context ends without an error."""
        with tempfile.TemporaryFile() as file:
            writing = Writing(file)
            yield writing
            writing.flush()
            file.seek(0)
            self._put(key, file)

    def upload(self, content: BinaryIO, key: str) -> None:
        """Put a file of this machine, in pieces if it is large."""
        self._put(key, content)

    def age(self, key: str) -> float:
        """Return how many seconds ago an object was written, by the clock of the store."""
        import obstore

        probe = f"{key}.{secrets.token_hex(8)}"
        with self._explained(key):
            obstore.put(self._store, probe, b"")
            now = obstore.head(self._store, probe)["last_modified"]
            obstore.delete(self._store, probe)
            return (now - obstore.head(self._store, key)["last_modified"]).total_seconds()

    def below(self, key: str) -> "ObjectFiles":
        """Return the destination that a folder of this one is."""
        return ObjectFiles(f"{self._name}/{key}")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Create a private local folder, and remove it in the end."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Put a small object only if its content is `instead_of` (None: it does not exist); return whether it was."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._explained(key):
            try:
                if instead_of is None:
                    obstore.put(self._store, key, data, mode="create")
                    return True
                held = obstore.get(self._store, key)
                if bytes(held.bytes()) != instead_of:
                    return False
                obstore.put(self._store, key, data, mode={"e_tag": held.meta["e_tag"] or ""})
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                return False
            return True

    def move(self, source: str, target: str) -> None:
        """Give an object, or all below a key, another key; not in one step."""
        for key in self.listing(source):
            self.link(key, target + key.removeprefix(source))
            self.remove(key)

    def link(self, source: str, target: str) -> None:
        """Put the same bytes under a second key, without bringing them here."""
        import obstore

        with self._explained(target):
            obstore.copy(self._store, source, target)

    def remove(self, key: str) -> None:
        """Remove an object, or all below its key; nothing to remove is fine."""
        import obstore

        with self._explained(key):
            for path in [key] if self._is_object(key) else self._below(key):
                obstore.delete(self._store, path)

    def _is_object(self, key: str) -> bool:
        import obstore

        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def _below(self, key: str, most: int | None = None) -> list[str]:
        import obstore

        prefix = f"{key}/" if key else None
        keys: list[str] = []
        for batch in obstore.list(self._store, prefix, chunk_size=most or 1000):
            keys += [entry["path"] for entry in batch]
            if most is not None and len(keys) >= most:
                break
        return keys

    def _put(self, key: str, data: "bytes | BinaryIO") -> None:
        import obstore

        with self._explained(key):
            obstore.put(self._store, key, data)

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Translate errors of the library into StoreError with a fix."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            reason = str(error).partition("\n")[0]
            fix = "check the URL and the credentials (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, …), then run again"
            raise StoreError(f"{self._name}/{key}: {reason}", fix=fix) from error


class _Reading(io.RawIOBase):
    """An object as a file. State: where it is read, which the library keeps."""

    def __init__(self, reader: Any) -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._reader.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def readinto(self, target: Any) -> int:
        piece = bytes(self._reader.read(len(target)))
        target[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1) -> bytes:
        return bytes(self._reader.read(None if size < 0 else size))


def is_url(where: str) -> bool:
    """Return whether a location is a URL rather than a path."""
    return "://" in where


def _opened(url: str) -> "ObjectStore":
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        known = ", ".join(f"{known_scheme}://" for known_scheme in SCHEMES)
        raise UsageError(f"{scheme}:// is not supported", fix=f"give a folder or one of {known}")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise UsageError(
            "obstore is not installed", fix='install it with pip install "datacite-etl[objectstore]"'
        ) from None
    try:
        config: Any = _ALONE if scheme == "s3" else {}
        return from_url(url, config=config, client_options={"allow_http": True}, retry_config=_RETRIES)  # type: ignore[call-overload, no-any-return]
    except (BaseError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{url} cannot be opened: {reason}", fix="write it as s3://bucket/folder") from error
