"""The user's folders on this machine, even for users without a home, as in containers."""

import os
import tempfile
from pathlib import Path

from etl.errors import UsageError

_NAME = "datacite-etl"


def state_folder() -> Path:
    """Return the folder in which the runs of this user keep their state: XDG_STATE_HOME, or below the home."""
    return _below(os.environ.get("XDG_STATE_HOME"), ".local/state") / _NAME


def work_folder() -> Path:
    """Return the folder for unfinished work of datasets on object stores: DATACITE_ETL_WORK, or in the cache."""
    chosen = os.environ.get("DATACITE_ETL_WORK")
    return Path(chosen) if chosen else _below(os.environ.get("XDG_CACHE_HOME"), ".cache") / _NAME


def expand(path: Path) -> Path:
    """Return a path with `~` expanded; UsageError if there is no such home."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: the home of that user is unknown", fix="write the path out") from error


def home_folder() -> Path | None:
    """Return the user's home; None if there is none, or nothing can be written there."""
    try:
        folder = Path.home()
    except RuntimeError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def temporary_folder() -> Path:
    """Return a folder of this user's own below that of temporary files; UsageError if it belongs to another user."""
    folder = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise UsageError(f"{folder} can be written by others", fix="set XDG_STATE_HOME and XDG_CACHE_HOME")
    return folder


def _below(chosen: str | None, usual: str) -> Path:
    if chosen:
        return Path(chosen)
    own = home_folder()
    return (own or temporary_folder()) / usual
