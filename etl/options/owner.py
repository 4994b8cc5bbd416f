"""The owner of a destination's lock: this process."""

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
    except (KeyError, OSError):  # a number without a name, as in containers
        return f"uid {os.getuid()}"


def owner() -> "Owner":
    """Return this process as an owner."""
    from etl.storage.lock import Owner, process_start

    pid = os.getpid()
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Owner(
        user=_user(), host=socket.gethostname(), pid=pid, born=process_start(pid) or "unknown", started=started
    )
