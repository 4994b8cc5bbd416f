"""Split out of etl.cli.export."""

import os
import socket
import time
from getpass import getuser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.storage.lock import Owner


def owner() -> "Owner":
    """Say who this process is, for the lock of a destination."""
    from etl.storage.lock import Owner, born

    pid = os.getpid()
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Owner(user=getuser(), host=socket.gethostname(), pid=pid, born=born(pid) or "unknown", started=started)
