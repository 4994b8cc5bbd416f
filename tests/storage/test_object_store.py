"""Object stores: what is different from a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from etl.errors import StoreError, UsageError
from etl.storage.object_store import ObjectFiles
from tests.conftest import Command
from tests.support.bucket import unique


def test_a_large_file_goes_up_in_pieces(bucket: str, tmp_path: Path) -> None:
    """More than one part of an upload, and the same bytes."""
    files, big = ObjectFiles(unique(bucket)), tmp_path / "big"
    big.write_bytes(bytes(range(256)) * (12 << 12))
    files.upload(big, "big")
    assert files.read("big") == big.read_bytes()


def test_a_bucket_that_is_not_there_ends_in_one_line(bucket: str) -> None:
    """The address and what to look at are named, the secret is not."""
    with pytest.raises(StoreError, match=r"s3://nobody/x/a: .*check the URL and the credentials") as caught:
        ObjectFiles("s3://nobody/x").write("a", b"")
    assert "s3cr3t" not in str(caught.value)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("url", ["ftp://host/x", "http://host/x", "s3://"])
def test_an_address_that_nobody_serves_names_those_that_are(url: str, command: Command) -> None:
    """A wrong address is a usage error in one line."""
    ran = command("verify", url)
    assert ran.code == 2
    assert "s3://" in ran.err


def test_without_the_library_the_extra_is_named() -> None:
    """Without the library, the error says how to install it."""
    code = "import sys; sys.modules['obstore'] = None; from etl.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "verify", "s3://bucket/x"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert 'pip install "datacite-etl[objectstore]"' in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_claim_that_somebody_else_changed_is_lost(bucket: str) -> None:
    """What is no longer there is not replaced."""
    files = ObjectFiles(unique(bucket))
    assert not files.claim("lock", b"2", instead_of=b"1")
    with pytest.raises(UsageError):
        ObjectFiles("nowhere://x")
