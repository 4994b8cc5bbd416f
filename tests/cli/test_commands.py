"""Users who mistype, name a wrong place or need help get one line with the fix, and an exit code."""

import json
import subprocess
from pathlib import Path

import pytest

from etl import __version__
from etl.cli import COMMANDS
from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.faults import parse_fault
from tests.conftest import Command
from tests.support.loopback import Loopback
from tests.support.program import PROGRAM

BAD = [
    (["frobnicate"], "frobnicate"),
    (["exprot", "dois", "--to", "x"], 'Did you mean "export"'),
    (["export", "dois", "--to", "x", "--fliter", "a=b"], "Did you mean --filter"),
    (["sync", "x", "--metric"], "Did you mean --metrics"),
    (["export"], "RESOURCE"),
    (["export", "dios", "--to", "x"], "dois"),
    (["export", "dois"], "--to"),
    (["export", "dois", "--to", "x", "--filter", "client-di=a.b"], "client-id"),
    (["export", "dois", "--to", "x", "--filter", "client-id"], "NAME=VALUE"),
    (["export", "dois", "--to", "x", "--include", "clients"], "client"),
    (["export", "dois", "--to", "x", "--format", "parket"], "parquet"),
    (["export", "dois", "--to", "x", "--since", "yesterday"], "YYYY"),
    (["export", "dois", "--to", "x", "--window", "deleted"], "created"),
    (["export", "dois", "--to", "x", "--tables", "doi_tittles"], "doi_titles"),
    (["export", "dois", "--to", "x", "--partition-by", "colour"], "client_id"),
    (["export", "dois", "--to", "x", "--base-url", "ftp://example.org"], "https://"),
    (["export", "dois", "--to", "x", "--limit", "0"], "--limit"),
    (["export", "dois", "--to", "x", "--mailto", "nobody"], "mail"),
    (["export", "dois", "--to", "x", "--concurrency", "many"], "concurrency"),
    (["get", "dois", "10.1/a", "--frobnicate"], "--frobnicate"),
    (["resources", "dios"], "dois"),
    (["plan", "dois", "--filter", "created=2020-2022"], "years separated by commas"),
    (["export", "dois", "--to", "x", "--filter", "client-id="], "client-id has no value"),
    (["export", "dois", "--to", "x", "--since", "2025", "--until", "2024"], "--since a moment before --until"),
    (["plan", "v1/groups", "--query", "works"], "--query"),
    (["export", "dois", "--to", ""], "--to is empty"),
    (["plan", "dois", "--tables", ""], "--tables is empty"),
    (["sync", " "], "DATASET is empty"),
    (["export", "dois", "--sandbox", "--to", "~nobody-of-that-name/x"], "write the path out"),
    (["plan", "dois", "--sandbox", "--base-url", "http://127.0.0.1:9"], "leave one of them out"),
    (["plan", "dois", "--sandbox-options", "--records 3"], "add --sandbox"),
    (["plan", "dois", "--sandbox", "--sandbox-options", "--nope 5"], "--nope 5; there are: -h, --help, --records"),
    (["plan", "dois", "--sandbox", "--sandbox-options", "--records -5"], "-5 is not a number from 0"),
    (["plan", "dois", "--sandbox", "--sandbox-options", "'"], "quote"),
    (["sandbox", "--port", "99999"], "--port: 99999 is not a number from 0 to 65535"),
    (["sandbox", "--records", "-1"], "--records: -1 is not a number from 0"),
    (["sandbox", "--fault", "nope=1"], "known are latency"),
    (["verify", "x", "--strict"], "--remote"),
    (["sync", "x", "--max-missing", "-1"], "--max-missing"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_bad_input_gets_one_line_that_names_the_fix(
    arguments: list[str], named: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A usage error is one line on stderr with the right name in it, exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    ran = command(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert named in ran.err
    assert not list(tmp_path.iterdir())


def test_half_of_the_credentials_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without its password would silently mean no credentials; a token is enough."""
    monkeypatch.setenv("DATACITE_ETL_USERNAME", "cern")
    ran = command("plan", "dois", "--base-url", "http://127.0.0.1:9", "--attempts", 1)
    assert (ran.code, "DATACITE_ETL_PASSWORD" in ran.err) == (2, True)
    monkeypatch.setenv("DATACITE_ETL_TOKEN", "t0ken")
    assert command("plan", "dois", "--base-url", "http://127.0.0.1:9", "--attempts", 1).code == 1


def test_a_tilde_is_the_home_of_the_user_wherever_a_folder_is_named(
    box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder called `~` is created, neither by an option nor by a job file nor for single records."""
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    jobs = 'resource = "resource-types"\nto = "~/many"'
    (home / "jobs.toml").write_text(f'[defaults]\nbase-url = "{box.base_url}"\n[[export]]\n{jobs}')
    of = ("--base-url", box.base_url, "--quiet")
    assert command("export", "resource-types", "--to", "~/one", *of).code == 0
    assert command("get", "clients", "nihnci.tcia", "--to", "~/two", *of).code == 0
    assert command("run", "~/jobs.toml", "--quiet").code == 0
    assert command("verify", "~/one").code == 0
    assert {one.name for one in home.iterdir()} == {"one", "two", "many", "jobs.toml"}
    assert list(here.iterdir()) == []


def test_a_sandbox_tells_its_address_as_json_and_keeps_to_its_port() -> None:
    """`sandbox --json` prints one object immediately; a second one on the same port must choose another."""
    starting = [*PROGRAM, "sandbox", "--records", "5", "--json"]
    with subprocess.Popen(starting, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        port = started["base_url"].rpartition(":")[2]
        second = subprocess.run([*starting, "--port", port], capture_output=True, text=True, check=False)
        process.terminate()
        assert (started.keys(), process.stdout.read()) == ({"base_url"}, "")
    assert second.returncode == 2
    assert json.loads(second.stdout)["fix"] == "choose another --port, or 0 for a free one"
    assert second.stderr.count("\n") == 1


def test_errors_are_json_too_where_that_was_asked_for(command: Command) -> None:
    """With `--json`, the object on stdout describes the error."""
    ran = command("export", "dios", "--to", "x", "--json")
    assert ran.json.keys() == {"error", "fix", "exit_code"}
    assert ran.json["exit_code"] == ran.code == 2


def test_a_server_that_is_not_there_is_named(nobody: str, command: Command, tmp_path: Path) -> None:
    """Without a server the exit code is 1, one line has the address, and there is no dataset."""
    ran = command("export", "dois", "--base-url", nobody, "--to", tmp_path / "o", "--quiet")
    assert ran.code == 1
    assert nobody in ran.err.splitlines()[-1]
    assert not (tmp_path / "o" / "dois").exists()


@pytest.mark.parametrize(
    ("fault", "query", "fix"),
    [("error=500", (), "later"), ("garbage=1", (), "later"), ("latency=0", ("--query", "a:("), "check --query")],
)
def test_what_the_server_says_no_to_is_mended_by_something(
    fault: str, query: tuple[str, ...], fix: str, command: Command
) -> None:
    """A failing server, one that sends garbage, and an unreadable search each have their own fix."""
    with running(Corpus.generate(records=5, seed=1), faults=[parse_fault(fault)]) as sick:
        ran = command("plan", "dois", "--base-url", sick.base_url, *query, "--attempts", 1, "--json", "-q")
    assert ran.code == 1
    assert fix in ran.json["fix"]
    assert ran.err.splitlines()[-1].endswith(ran.json["fix"])


@pytest.mark.slow
async def test_a_web_page_instead_of_the_api_is_recognised(tmp_path: Path) -> None:
    """HTML with status 200 ends with exit code 1 and a hint about the base URL."""
    import asyncio

    async with Loopback(lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>x</html>") as server:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            "export", "dois", "--base-url", server.url, "--to", str(tmp_path / "o"), "--quiet",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"--base-url" in err.splitlines()[-1]
    assert b"Traceback" not in err


def test_a_folder_with_other_things_in_it_is_left_alone(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A destination with other files is refused, and they stay."""
    (tmp_path / "thesis.txt").write_text("chapter 1")
    ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path, "--quiet")
    assert ran.code == 2
    assert "--to" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_destination_that_cannot_be_written_is_named(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A file in place of the folder is one line, without a traceback."""
    (tmp_path / "o").write_text("a file")
    ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--quiet")
    assert ran.code in {1, 2}
    assert str(tmp_path / "o") in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


def test_filters_joined_by_or_are_pointed_out(box: Sandbox, command: Command) -> None:
    """Two filters that the API joins by OR are named before the run."""
    both = ("--filter", "client-id=nihnci.tcia", "--filter", "provider-id=nihnci")
    ran = command("plan", "dois", "--base-url", box.base_url, *both)
    assert ran.code == 0
    assert "by OR" in ran.out


def test_a_plan_counts_and_downloads_nothing(box: Sandbox, command: Command) -> None:
    """`plan` sends requests for counts only and names the slices."""
    before = len(box.requests)
    ran = command("plan", "dois", "--base-url", box.base_url, "--json")
    assert ran.json["records"] == 3000
    assert sum(one["expected"] for one in ran.json["slices"]) == 3000
    assert all("page[size]=0" in one.target for one in list(box.requests)[before:])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, command: Command) -> None:
    """`--help` of each command shows an example."""
    ran = command(name, "--help")
    assert ran.code == 0
    assert f"datacite-etl {name}" in ran.out.partition("Examples")[2]


def test_help_is_in_groups_and_the_version_is_printed(command: Command) -> None:
    """Options are grouped by purpose; `--version` prints the version."""
    ran = command("export", "--help")
    at = [ran.out.index(title) for title in ("─ Query ", "─ Output ", "─ API ", "─ Display ")]
    assert at == sorted(at)
    assert command("--version").out.strip() == __version__


def test_options_come_from_the_environment_and_from_a_file(
    box: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DATACITE_ETL_*` and `--config` set options; the command line wins."""
    monkeypatch.setenv("DATACITE_ETL_BASE_URL", box.base_url)
    config = tmp_path / "etl.toml"
    config.write_text('[plan]\nfilter = ["client-id=nihnci.tcia"]\n')
    narrow = command("plan", "dois", "--config", config, "--json")
    wide = command("plan", "dois", "--json")
    assert 0 < narrow.json["records"] < wide.json["records"] == 3000


def test_resources_lists_what_can_be_asked_and_what_comes_out(command: Command) -> None:
    """`resources dois` names filters, includes, tables and columns, each with a description."""
    ran = command("resources", "dois", "--json")
    assert {"client-id", "provider-id"} <= {one["name"] for one in ran.json["filters"]}
    assert {"client", "media"} <= set(ran.json["includes"])
    for table in ran.json["tables"]:
        assert all(column["description"] for column in table["columns"]), table["name"]
    assert "dois" in command("resources").out


def test_the_command_line_starts_without_heavy_imports() -> None:
    """Importing the command line imports neither Prefect nor a data frame library."""
    import sys

    heavy = "[m for m in ('prefect', 'polars', 'pyarrow', 'aiohttp') if m in sys.modules]"
    script = f"import sys; from etl.cli.launch import application; application(); print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
