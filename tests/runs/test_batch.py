"""Many exports from one file: each dataset as if exported alone, one budget, one summary, and bad files."""

import asyncio
import json
from pathlib import Path

import pytest

from etl.api.limits.rate_limit import shared_limits
from etl.cli.batch import override
from etl.errors import UsageError
from etl.options.server import FetchOptions
from etl.runs.batch import clients_of, worst
from etl.sandbox import Corpus, Sandbox, running
from etl.settings import Settings
from tests.conftest import Command, data_files
from tests.support.loopback import Loopback, http
from tests.support.miscounting import overcounting

pytestmark = pytest.mark.slow

FILE = """
[defaults]
base-url = "{url}"
include = "client"

[[export]]
resource = "dois"
to = "{to}/{{client}}"
clients-of = {{provider-id = "nihnci"}}

[[export]]
resource = "dois"
to = "{to}/blog"
filter = {{client-id = "datacite.blog"}}
allow-empty = true
format = ["csv"]

[[export]]
resource = "clients"
to = "{to}/clients"
include = ""
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "many.toml"
    path.write_text(text)
    return path


def test_a_file_makes_the_datasets_that_single_exports_make(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Each entry, even of a template, has the bytes of its own export; the summary has one object per entry."""
    file = written(tmp_path, FILE.format(url=box.base_url, to=tmp_path / "many"))
    ran = command("run", file, "--json", "--side-by-side", "2")
    assert ran.code == 0
    names = [Path(one["name"]).name for one in ran.json["entries"]]
    assert names[-2:] == ["blog", "clients"]
    assert "nihnci.tcia" in names
    assert ran.json["verdicts"] == {"complete": len(names)}
    alone = ["dois", "--base-url", box.base_url, "--include", "client", "--filter", "client-id=nihnci.tcia", "--quiet"]
    assert command("export", *alone, "--to", tmp_path / "alone").code == 0
    assert data_files(tmp_path / "many" / "nihnci.tcia") == data_files(tmp_path / "alone")
    assert all(name.endswith(".csv") for name in data_files(tmp_path / "many" / "blog"))


def test_a_file_brings_datasets_up_to_date(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A sync of each client of a template continues from its export; a folder without a dataset fails alone."""
    text = FILE.format(url=box.base_url, to=tmp_path / "many")
    assert command("run", written(tmp_path, text), "--quiet").code == 0
    before = data_files(tmp_path / "many")
    head = f'[defaults]\nbase-url = "{box.base_url}"\noverlap = "2d"\n'
    template = f'[[sync]]\nto = "{tmp_path}/many/{{client}}"\nclients-of = {{provider-id = "nihnci"}}\n'
    ran = command("run", written(tmp_path, f'{head}{template}[[sync]]\nto = "{tmp_path}/none"\n'), "--json")
    *synced, none = ran.json["entries"]
    assert ran.code == none["exit_code"] != 0
    assert none["verdict"] == "failed"
    assert synced
    assert {(one["verdict"], one["added"], one["withdrawn"]) for one in synced} == {("complete", 0, 0)}
    after = data_files(tmp_path / "many")
    assert {path: content for path, content in after.items() if "withdrawn/" not in path} == before


def test_an_entry_that_fails_does_not_stop_the_others(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """A destination with other files fails only its own entry; the rest is published; the exit code is the worst."""
    (tmp_path / "many" / "blog").mkdir(parents=True)
    (tmp_path / "many" / "blog" / "thesis.txt").write_text("chapter 1")
    ran = command("run", written(tmp_path, FILE.format(url=box.base_url, to=tmp_path / "many")), "--json")
    assert ran.code == 2
    by_name = {Path(one["name"]).name: one for one in ran.json["entries"]}
    assert by_name["blog"]["verdict"] == "failed"
    assert by_name["blog"]["fix"]
    assert by_name["clients"]["verdict"] == by_name["nihnci.tcia"]["verdict"] == "complete"


def test_an_incomplete_entry_decides_the_exit_code(command: Command, tmp_path: Path) -> None:
    """A server that counts more than it has leads to exit code 3, and a line on stderr names the destination."""
    text = f'[[export]]\nresource = "dois"\nto = "{tmp_path}/short"\n'
    with overcounting(Corpus.generate(records=200, seed=1)) as short:
        ran = command("run", written(tmp_path, text), "--base-url", short)
    assert ran.code == 3
    assert f"{tmp_path}/short: " in ran.err
    assert "1 short (200 of 201); nothing was published; run it again to fetch what is missing" in ran.err
    assert "incomplete" in ran.out


def test_all_entries_draw_on_one_budget(command: Command, tmp_path: Path) -> None:
    """With a rate just large enough for all of them no request is refused, although the server enforces it."""
    with running(Corpus.generate(records=3000, seed=3), enforce_limits=True) as box:
        ran = command("run", written(tmp_path, FILE.format(url=box.base_url, to=tmp_path / "many")), "--json")
        statuses = {one.status for one in box.requests}
    assert ran.code == 0
    assert statuses == {200}
    assert sum(one["requests"] for one in ran.json["entries"]) < len(box.requests)


async def test_clients_of_nobody_are_a_usage_error(box: Sandbox) -> None:
    """A provider without clients, or that does not exist, is named."""
    settings = Settings(base_url=box.base_url)
    with pytest.raises(UsageError, match="nobody"):
        await clients_of(settings, {"provider-id": "nobody"}, shared_limits(settings))


def test_the_worst_exit_code_is_that_of_a_failure() -> None:
    """Failures come before usage errors, those before incomplete runs, and complete ones come last."""
    assert worst([0, 3, 1, 2]) == 1
    assert worst([0, 3, 2]) == 2
    assert worst([0, 3]) == 3
    assert worst([]) == 0


ENTRY = '[[export]]\nresource = "dois"\nto = "a"\n'
BAD = [
    ("", "[[export]]"),
    ("export = ", "not valid TOML"),
    ("\0", "line 1"),
    ("[exports]\n", "'export'"),
    ('[[export]]\nresource = "dois"\n', "'to'"),
    ('[[export]]\nto = "a"\n', "'resource'"),
    (f'{ENTRY}fromat = "csv"\n', "'format'"),
    (f"{ENTRY}rate = 5\n", "[defaults]"),
    ('[[sync]]\nto = "a"\noverlap = "soon"\n', "6h"),
    ('[[sync]]\nto = "a"\nfilter = "client-id=a"\n', "'filter'"),
    (f"{ENTRY}limit = true\n", "'limit'"),
    (f'{ENTRY}window = "deleted"\n', "'window'"),
    (f'{ENTRY}filter = ["client-di=a"]\n', "client-id"),
    (f'{ENTRY}format = "parket"\n', "parquet"),
    (f'{ENTRY}clients-of = {{provider-id = "cern"}}\n', "{client}"),
    (f'{ENTRY}clients-of = "cern"\n', "provider-id"),
    ('[[export]]\nresource = "dois"\nto = "a/{client}"\n', "'clients-of'"),
    (f"{ENTRY}{ENTRY}", "number 1"),
    (f"[defaults]\nside-by-side = 0\n{ENTRY}", "'side-by-side'"),
    (f'[defaults]\nmail = "x"\n{ENTRY}', "'mailto'"),
    ("export = 3\n", "[[export]]"),
]


@pytest.mark.parametrize(("text", "named"), BAD, ids=[text or "empty" for text, _ in BAD])
def test_a_file_that_cannot_be_meant_gets_one_line(text: str, named: str, command: Command, tmp_path: Path) -> None:
    """The line names the file and the fault in it; nothing is requested or written."""
    file = written(tmp_path, text)
    ran = command("run", file)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert str(file) in ran.err
    assert named in ran.err
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_date_in_the_file_is_a_date(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """TOML dates bound the window just like text."""
    text = f'[[export]]\nresource = "dois"\nto = "{tmp_path}/o"\nsince = 2020-01-01\nuntil = "2021"\n'
    ran = command("run", written(tmp_path, text), "--base-url", box.base_url, "--json", "--quiet")
    assert ran.code == 0
    request = json.loads((tmp_path / "o" / "_etl" / "manifest.json").read_text())["request"]
    assert request["window"]["start"] is not None


def test_a_file_that_is_not_there_is_named(command: Command, tmp_path: Path) -> None:
    """A missing file is one line."""
    ran = command("run", tmp_path / "none.toml")
    assert ran.code == 2
    assert "none.toml" in ran.err


async def test_a_client_whose_id_is_a_path_leads_nowhere(command: Command, tmp_path: Path) -> None:
    """The names of a server's clients do not decide where on this machine their datasets go."""
    named = {"id": "../../escaped", "type": "clients", "attributes": {"name": "x"}}
    body = json.dumps({"data": [named], "meta": {"total": 1, "totalPages": 1}}).encode()
    async with Loopback(lambda request: http(body, content_type="application/json")) as server:
        file = written(tmp_path, FILE.format(url=server.url, to=tmp_path / "a/b"))
        ran = await asyncio.to_thread(command, "run", file, "--quiet")
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "'../../escaped'" in ran.err
    assert set(data_files(tmp_path)) == {"many.toml"}


def test_the_server_that_is_given_wins_over_that_of_the_file() -> None:
    """A file that names a server can be tried against the sandbox, and the other way round."""
    real = FetchOptions(base_url="https://mirror.example.org", mailto="a@example.org")
    trial = override(real, FetchOptions(sandbox=True, sandbox_options="--records 5"))
    assert (trial.base_url, trial.sandbox, trial.mailto) == ("", True, "a@example.org")
    back = override(trial, FetchOptions(base_url="https://mirror.example.org"))
    assert (back.base_url, back.sandbox, back.sandbox_options) == (real.base_url, False, "")
