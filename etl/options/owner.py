"""Who this process is, for the lock of a destination."""

import os
import socket
import time
from getpass import getuser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.storage.lock import Owner


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a number without a name, as containers are run under
        return f"uid {os.getuid()}"


def owner() -> "Owner":
    """Return the owner that this process is."""
    from etl.storage.lock import Owner, born

    pid = os.getpid()
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Owner(user=_user(), host=socket.gethostname(), pid=pid, born=born(pid) or "unknown", started=started)
