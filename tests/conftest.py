"""What many tests need: a sandbox on loopback, the command line in this process, and the recorded bodies."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from etl import cli
from etl.sandbox import Corpus, Sandbox, running
from tests.support.bucket import serving

hypothesis.settings.register_profile("patient", deadline=None)  # speed is a property of the machine, not of the code
hypothesis.settings.register_profile("quick", deadline=None, max_examples=15)
hypothesis.settings.load_profile("patient")

REAL = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a user's runs remember on this machine is neither read nor written by tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A sandbox of 3,000 DOIs that nobody changes."""
    with running(Corpus.generate(records=3000, seed=3)) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real S3 server; `unique` makes a place there."""
    with serving(tmp_path_factory.mktemp("buckets")) as url:
        yield url


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of recorded response bodies, which are not part of this repository."""
    if not REAL.is_dir():
        pytest.skip("the recorded bodies (../shared/real) are not on this machine")
    return REAL


@pytest.fixture
def nobody() -> Iterator[str]:
    """A base URL at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class Ran:
    """How a command line ended: exit code, the JSON object on stdout if there was one, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Command = Callable[..., Ran]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def run(*arguments: object) -> Ran:
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def data_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of a dataset's data files by path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and "_etl" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
