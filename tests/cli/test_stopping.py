"""A process that is asked to stop, in separate programs."""

import json
import signal
import subprocess
import sys

import pytest

WORK = """
import sys, time
from etl.cli import stopping
stopping.GRACE = 0.2
stopping.prepare(json=True)
{work}
"""
COMPUTING = """
import sqlite3, threading
count = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e12) SELECT count(*) FROM c"
database = sqlite3.connect(":memory:")
threading.Timer(1, print, ("busy",), {"flush": True}).start()  # once the main thread is in SQLite
database.execute(count).fetchone()
print("done", flush=True)
"""
STUBBORN = """
word = "busy"
while True:
    try:
        print(word, flush=True) if word else None
        word = ""
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
WILLING = """
try:
    print("busy", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(7)
"""


def stopped(work: str, number: int) -> tuple[int, str, str]:
    """Start work, send a signal when it reports that it is busy, and return code, stdout and stderr."""
    code = WORK.format(work=work)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_does_not_heed_a_signal_is_ended(number: int) -> None:
    """It ends with the usual line and the usual exit code."""
    code, out, err = stopped(STUBBORN, number)
    assert code == 130
    assert json.loads(out.splitlines()[-1])["exit_code"] == 130
    assert err == "datacite-etl: interrupted; run the same command again to resume\n"


def test_a_process_in_a_long_computation_is_ended() -> None:
    """It ends although no Python handler runs until a library returns."""
    code, out, _ = stopped(COMPUTING, signal.SIGTERM)
    assert code == 130
    assert "done" not in out


def test_a_process_that_heeds_a_signal_ends_as_it_likes() -> None:
    """SIGTERM works like Ctrl-C."""
    assert stopped(WILLING, signal.SIGTERM) == (7, "", "")
