"""The user's folders, for users with and without a home."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from etl.errors import UsageError
from etl.options import folders
from etl.options.owner import owner
from tests.support.program import PROGRAM

NAMELESS = ("unshare", "-U", "--map-user=12345", "--map-group=12345")
"""A number without a name, as containers are run under."""
NAMES = ("USER", "LOGNAME", "USERNAME", "LNAME", "HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "DATACITE_ETL_WORK")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable but a folder for temporary files."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(folders.tempfile, "tempdir", str(tmp_path))


def test_state_and_work_lie_below_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables can name other folders."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.state_folder() == tmp_path / ".local/state/datacite-etl"
    assert folders.work_folder() == tmp_path / ".cache/datacite-etl"
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert (folders.state_folder(), folders.work_folder()) == (Path("/s/datacite-etl"), Path("/c/datacite-etl"))
    monkeypatch.setenv("DATACITE_ETL_WORK", "/w")
    assert folders.work_folder() == Path("/w")


@pytest.mark.parametrize("home", ["/nonexistent", "/proc"])
def test_without_a_home_they_lie_with_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    """This also applies if the home is not writable; nobody else can write there."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(folders.os, "access", lambda path, mode: False)
    own = tmp_path / f"datacite-etl-{os.getuid()}"
    assert folders.state_folder().is_relative_to(own)
    assert folders.work_folder().is_relative_to(own)
    assert own.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    """Another user could create it, because its name is predictable."""
    (tmp_path / f"datacite-etl-{os.getuid()}").mkdir()
    (tmp_path / f"datacite-etl-{os.getuid()}").chmod(0o777)
    with pytest.raises(UsageError, match="can be written by others; set XDG_STATE_HOME"):
        folders.temporary_folder()
    shutil.rmtree(tmp_path / f"datacite-etl-{os.getuid()}")
    (tmp_path / f"datacite-etl-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="can be written by others"):
        folders.temporary_folder()


def test_a_home_that_nobody_has_is_a_usage_error() -> None:
    """A tilde has no meaning then."""
    with pytest.raises(UsageError, match="home of that user is unknown; write the path out"):
        folders.expand(Path("~nobody-of-that-name/x"))


def test_an_owner_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock has the user's number."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("etl.options.owner.getuser", unknown)
    assert owner().user == f"uid {os.getuid()}"


@pytest.mark.slow
@pytest.mark.parametrize("home", [{}, {"HOME": "/nonexistent"}, {"HOME": "/"}], ids=["no HOME", "none there", "root"])
def test_a_user_whom_nobody_knows_exports(home: dict[str, str], tmp_path: Path) -> None:
    """A whole run, with the shared request budget, in a user namespace."""
    if subprocess.run([*NAMELESS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system has no user namespaces")
    tmp_path.chmod(0o777)
    variables = {name: value for name, value in os.environ.items() if name not in NAMES}
    arguments = ("export", "dois", "--sandbox", "--limit", "3", "--rate", "100", "--to", "o", "--quiet")
    ran = subprocess.run(
        [*NAMELESS, *PROGRAM, *arguments],
        cwd=tmp_path,
        env={**variables, **home, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
