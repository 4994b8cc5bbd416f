"""A real S3 server in a separate process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the server and set it in the environment; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("localbucket")
    with subprocess.Popen(
        [program, "--port", str(port), folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _made(f"http://127.0.0.1:{port}/first")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
                patch.setenv("AWS_ACCESS_KEY_ID", "key")
                patch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
                patch.setenv("AWS_REGION", "eu-central-1")
                yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def _made(url: str) -> None:
    """Create the bucket as soon as the server answers."""
    for _ in range(400):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="PUT")):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the S3 server does not come up")


def unique(server: str) -> str:
    """Return the URL of a folder in a separate bucket: the server reads a whole bucket to list it."""
    name = f"b{os.urandom(6).hex()}"
    _made(f"{server}/{name}")
    return f"s3://{name}/out"
