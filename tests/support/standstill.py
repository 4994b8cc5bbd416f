"""A process that is killed when it reads a certain file, or as soon as it works."""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from etl.storage import paths
from tests.support.program import PROGRAM


def kill_where_it_reads(file: Path, *arguments: object) -> None:
    """Run a command line until it reads a file, and kill it there; the file is as before when this returns."""
    aside = file.with_name(f"{file.name}.aside")
    file.rename(aside)
    os.mkfifo(file)
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL)
    reader = threading.Thread(target=_let_go, args=(process, file))
    reader.start()
    with file.open("wb"):  # waits for a reader
        process.kill()
        ended = process.wait()
    reader.join()
    file.unlink()
    shutil.move(aside, file)
    assert ended == -signal.SIGKILL, "it ended before it read the file"


def kill_where_it_works(to: Path, *arguments: object) -> None:
    """Run a command line and kill it as soon as it has locked its destination."""
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL)
    while process.poll() is None and not (to / paths.LOCK).exists():
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it was killed"


def _let_go(process: "subprocess.Popen[bytes]", file: Path) -> None:
    """Open the pipe once the process has ended, so that its writer does not wait forever."""
    process.wait()
    os.close(os.open(file, os.O_RDONLY | os.O_NONBLOCK))
