"""The command line as a process: its streams, Ctrl-C at any moment, and the sources of options."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl.cli.configuration import wants_json
from etl.sandbox import Sandbox
from tests.conftest import Command
from tests.support.program import PROGRAM

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
INTERRUPTING = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from etl.cli import main
main()
"""


def program(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a process, with additional environment variables."""
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, env=os.environ | more, check=False)


@pytest.mark.parametrize("module", ["etl.cli.streams", "cyclopts", "etl.resources"])
def test_an_interrupt_while_modules_are_imported_ends_in_one_line(module: str) -> None:
    """Ctrl-C works in the first second: one line, no traceback, exit code 130."""
    script = [sys.executable, "-c", INTERRUPTING.format(module=module), "resources", "--json"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "datacite-etl: interrupted; run the same command again to resume\n"
    assert json.loads(done.stdout)["exit_code"] == 130


def test_what_the_terminal_cannot_show_is_escaped() -> None:
    """In an ASCII locale, other characters are written as JSON escapes, and JSON stays valid."""
    asked = ("plan", "dois", "--filter", "größe=1")
    plain, as_json = program(*asked, **ASCII), program(*asked, "--json", **ASCII)
    assert (plain.returncode, as_json.returncode) == (2, 2)
    assert "gr\\xf6\\xdfe" in plain.stderr or "gr\\u00f6\\u00dfe" in plain.stderr
    assert json.loads(as_json.stdout) == json.loads(program(*asked, "--json", PYTHONUTF8="1").stdout)


def test_what_was_typed_in_utf8_is_understood_where_the_locale_has_ascii_only(box: Sandbox) -> None:
    """A search and an id with other letters are sent as they are; bytes that are not UTF-8 are refused."""
    of = ("--base-url", box.base_url, "--quiet")
    plain = ("plan", "dois", "--json", "--query", "titles.title:é OR climate", *of)
    assert json.loads(program(*plain, **ASCII).stdout) == json.loads(program(*plain, PYTHONUTF8="1").stdout)
    assert program("get", "dois", "10.9999/é", *of, **ASCII).returncode == 3
    latin = program("plan", "dois", "--query", os.fsdecode(b"\xe9"), *of)
    assert (latin.returncode, latin.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("arguments", [["resources", "dois"], ["--help"], ["resources", "dios"]])
def test_a_reader_may_leave(arguments: list[str]) -> None:
    """If the reader closes the pipe, there is no complaint, and the exit code is that of the command."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == (2 if "dios" in arguments else 0)
    assert ("Traceback" in done.stderr, "Broken" in done.stderr) == (False, False)


@pytest.mark.parametrize(
    "arguments", [["resources", "--json"], ["resources"], ["--version"], ["plan", "dios", "--json"]]
)
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str]) -> None:
    """Output that cannot be written, result or error, fails the command in one line."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len([text for text in done.stderr.splitlines() if text.startswith("datacite-etl: ")]) == 1


def test_a_process_without_stdout_does_its_work() -> None:
    """A command that is started with stdout closed, as by some schedulers, does not fail."""
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *PROGRAM, "resources"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_errors_are_json_wherever_that_was_asked_for(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag, its variable and the configuration file all make errors objects on stdout."""
    config = tmp_path / "etl.toml"
    config.write_text("[plan]\njson = true\n")
    assert command("plan", "dios").out == ""
    assert command("plan", "dios", "--config", config).json["exit_code"] == 2
    assert command("verify", "none", "--config", config).out == ""
    monkeypatch.setenv("DATACITE_ETL_JSON", "1")
    assert command("plan", "dios").json["exit_code"] == 2
    assert command("frobnicate").json["exit_code"] == 2


def test_the_nearest_wish_for_json_counts() -> None:
    """The command line takes precedence over the environment, and the environment over the file."""
    file = {"plan": {"json": True}}
    assert wants_json(["plan", "--json"], {"DATACITE_ETL_JSON": "0"}, {})
    assert not wants_json(["plan", "--json=false"], {"DATACITE_ETL_JSON": "1"}, file)
    assert not wants_json(["plan"], {"DATACITE_ETL_JSON": "no"}, file)
    assert not wants_json(["export"], {}, file)


@pytest.mark.parametrize("text", [None, "[plan\nx =", "x = \0", "[plan]\nnope = 1", "plan = 3"])
def test_a_file_of_options_that_cannot_be_meant_is_named(text: str | None, command: Command, tmp_path: Path) -> None:
    """A missing file, invalid TOML, or an unknown option ends with exit code 2 and one line with the file's name."""
    config = tmp_path / "etl.toml"
    if text is not None:
        config.write_text(text)
    ran = command("plan", "dois", "--config", config)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert str(config) in ran.err
    assert ".; " not in ran.err
