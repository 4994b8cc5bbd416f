"""The location of a dataset: a folder of this machine, or an object store with unfinished work on this machine.

Pages and staged files are small, many, and read in pieces: on an object store each would cost a request, and could not
be mapped into memory. So they wait on a local disk, in a folder named after the URL; finished files are uploaded.
Another machine starts from the beginning, and work that another machine has overtaken is discarded (`store`).
"""

import hashlib
import mmap
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from etl.storage import paths
from etl.storage.files import Files, LocalFiles, Writing
from etl.storage.object_store import ObjectFiles, is_url

KEPT = f"{paths.WORK}/kept"
"""Below it a file without content stands for a published one that the staged dataset takes over."""
_OURS = (paths.WORK, paths.SPENT, paths.PARKED)


def open_files(where: str, work: Path) -> Files:
    """Open the location of a dataset; `work` is the folder for unfinished work of datasets on object stores.

    UsageError for an unknown scheme, or without the library for it.
    """
    files = open_existing(where)
    if isinstance(files, LocalFiles):
        return files
    mark = hashlib.sha256(files.name.encode()).hexdigest()[:16]
    plain = re.sub(r"[^\w.-]+", "-", files.name)[-80:]
    return SplitFiles(files, LocalFiles(work / f"{plain}-{mark}"))


def open_existing(where: str) -> LocalFiles | ObjectFiles:
    """Open a location for reading, or for files other than a run's."""
    if urlsplit(where).scheme == "file":
        return LocalFiles(Path(unquote(urlsplit(where).path)))
    return ObjectFiles(where) if is_url(where) else LocalFiles(Path(where))


class SplitFiles:
    """A dataset on an object store, with its unfinished work in a folder. State: none; it is in both places."""

    renames = False

    def __init__(self, published: ObjectFiles, work: LocalFiles) -> None:
        self._published = published
        self._work = work

    @property
    def name(self) -> str:
        """The dataset's URL."""
        return self._published.name

    @property
    def options(self) -> Mapping[str, str]:
        """Options with which other libraries can read there themselves."""
        return self._published.options

    def exists(self, key: str) -> bool:
        """Return whether there is a file or folder with this key."""
        return self._of(key).exists(key) or self._kept(key) is not None

    def empty(self) -> bool:
        """Return whether nothing is published."""
        return self._published.empty()

    def listing(self, key: str) -> list[str]:
        """Return the keys of all files at or below a key, sorted; none if there is nothing."""
        keys = set(self._of(key).listing(key))
        if key.startswith(paths.staged("")):
            below = self._work.listing(_kept_key(key))
            keys |= {paths.staged(kept.removeprefix(f"{KEPT}/")) for kept in below}
        return sorted(keys)

    def read(self, key: str) -> bytes:
        """Return a file's content."""
        return self._holder(key).read(self._real(key))

    def open(self, key: str) -> pa.NativeFile:
        """Open a file for random access."""
        return self._holder(key).open(self._real(key))

    def map(self, key: str) -> mmap.mmap:
        """Map a file that nobody else changes into memory."""
        return self._holder(key).map(self._real(key))

    def write(self, key: str, data: bytes | memoryview) -> None:
        """Write a whole file durably, replacing any other."""
        self._of(key).write(key, data)

    def create(self, key: str) -> AbstractContextManager[Writing]:
        """Write a file piece by piece; it appears, whole and durable, when the context ends without an error."""
        return self._of(key).create(key)

    def claim(self, key: str, data: bytes, *, instead_of: bytes | None) -> bool:
        """Put a small file only if its content is `instead_of` (None: it does not exist); return whether it was."""
        return self._of(key).claim(key, data, instead_of=instead_of)

    def move(self, source: str, target: str) -> None:
        """Rename a file or a folder where both keys are in one place, or bring it over."""
        if self._of(source) is self._of(target):
            self._of(source).move(source, target)
            return
        for key in self.listing(source):
            self.link(key, target + key.removeprefix(source))
        self.remove(source)

    def link(self, source: str, target: str) -> None:
        """Let a second key name the same bytes: noted only for a published file that stays, sent for a staged one."""
        holder, real = self._holder(source), self._real(source)
        if self._ours(target):
            if holder is self._work:
                self._work.link(source, target)
            else:
                self._work.remove(target)  # what a run that did not end has staged there would be read instead
                self._work.write(_kept_key(target), b"")
        elif holder is self._work:
            self._upload(real, target)
        elif real != target:
            self._published.link(real, target)

    def age(self, key: str) -> float:
        """Return how many seconds ago a file was written, by the clock of where it is."""
        return self._of(key).age(key)

    def below(self, key: str) -> ObjectFiles:
        """Return the destination that a folder of the published part is."""
        return self._published.below(key)

    def scratch(self) -> AbstractContextManager[Path]:
        """Create a private local folder, and remove it in the end."""
        return self._work.scratch()

    def _upload(self, source: str, target: str) -> None:
        with self._work.reading(source) as content:
            self._published.upload(content, target)

    def remove(self, key: str) -> None:
        """Remove a file or a folder with all that is in it; nothing to remove is fine."""
        self._of(key).remove(key)
        if key.startswith(paths.staged("")):
            self._work.remove(_kept_key(key))

    def _ours(self, key: str) -> bool:
        return any(key == own or key.startswith(f"{own}/") for own in _OURS)

    def _of(self, key: str) -> LocalFiles | ObjectFiles:
        return self._work if self._ours(key) else self._published

    def _kept(self, key: str) -> str | None:
        """Return the published key that a staged one stands for."""
        if not key.startswith(paths.staged("")) or not self._work.exists(_kept_key(key)):
            return None
        return key.removeprefix(paths.staged(""))

    def _real(self, key: str) -> str:
        return key if not self._ours(key) or self._work.exists(key) else self._kept(key) or key

    def _holder(self, key: str) -> LocalFiles | ObjectFiles:
        return self._of(key) if self._real(key) == key else self._published


def _kept_key(staged: str) -> str:
    return f"{KEPT}/{staged.removeprefix(paths.staged(''))}"
