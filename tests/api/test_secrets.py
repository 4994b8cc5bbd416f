"""Secrets stay between the environment and the base URL's host, whatever goes wrong."""

import asyncio
import base64
import logging
from pathlib import Path

import pytest

from etl.sandbox import Corpus, running
from tests.conftest import Command
from tests.support.loopback import Loopback, Request, http

pytestmark = pytest.mark.slow

TOKEN = "s3cr3t-T0ken-of-somebody"
PASSWORD = "pa55word-of-somebody"
ENDS = (
    "",
    "html200=1",
    "truncate=1",
    "claims400=1",
    "elsewhere=2",
    "error=401",
    "error=400",
    "reset=1",
    "total=3",
    "poison=3",
)


@pytest.fixture(params=["token", "password"])
def secret(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A secret in the environment."""
    if request.param == "token":
        monkeypatch.setenv("DATACITE_ETL_TOKEN", TOKEN)
        return TOKEN
    monkeypatch.setenv("DATACITE_ETL_USERNAME", "SOMEBODY")
    monkeypatch.setenv("DATACITE_ETL_PASSWORD", PASSWORD)
    return PASSWORD


def everything(folder: Path) -> bytes:
    """Return all bytes below a folder, with the names of the files."""
    return b"\n".join(str(path).encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", ENDS, ids=lambda fault: fault or "none")
def test_no_output_log_or_file_holds_the_secret(
    fault: str, secret: str, command: Command, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """However a run ends, what it prints, logs and leaves behind does not have it, not even encoded."""
    caplog.set_level(logging.DEBUG)
    with running(Corpus.generate(records=30, seed=3), faults=[fault] if fault else []) as box:
        options = ("--tables", "doi_titles", "--attempts", 2, "--patience", 2, "--keep-raw", "--allow-incomplete")
        ran = command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", *options, "--json")
        assert any(one.tier == "authenticated" for one in box.requests)
    forms = [
        secret,
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"SOMEBODY:{secret}".encode()).decode(),
    ]
    shown = ran.out + ran.err + caplog.text
    assert not any(form in shown for form in forms)
    kept = everything(tmp_path)
    assert not any(form.encode() in kept for form in forms)


async def test_another_host_never_sees_it(secret: str, command: Command, tmp_path: Path) -> None:
    """A redirect to another origin, even of the same machine, is refused before anything is sent there."""
    async with Loopback(lambda request: http(b"{}")) as other:

        def onward(request: Request) -> bytes:
            return http(status=302, location=f"{other.url}{request.target}")

        async with Loopback(onward) as server:
            run = asyncio.to_thread(
                command, "export", "dois", "--base-url", server.url, "--to", tmp_path / "o", "--quiet"
            )
            ran = await run
    assert ran.code == 1
    assert "another host" in ran.err
    assert server.requests[0].headers["authorization"]
    assert other.requests == []


def test_a_secret_is_never_sent_in_the_clear(secret: str, command: Command, tmp_path: Path) -> None:
    """Over plain http to another machine the run does not even begin."""
    ran = command("export", "dois", "--base-url", "http://api.example.org", "--to", tmp_path / "o")
    assert ran.code == 2
    assert "plain http" in ran.err
    assert secret not in ran.err


def test_a_dataset_or_an_address_from_elsewhere_does_not_lead_it_there(
    secret: str, command: Command, tmp_path: Path
) -> None:
    """To a server that is not DataCite's it goes only if that server is named."""
    home, to = "https://mirror.example.org", tmp_path / "o"
    with running(Corpus.generate(records=5, seed=3)) as box:
        command("export", "dois", "--base-url", box.base_url, "--to", to, "--tables", "doi_titles", "--quiet")
        proof = (to / "_etl/manifest.json").read_text().replace(box.base_url, home)
    (to / "_etl/manifest.json").write_text(proof)
    job = tmp_path / "job.toml"
    job.write_text(f'[[sync]]\nto = "{to}"\n')
    for asked in (("sync", to), ("verify", to, "--remote"), ("plan", f"{home}/dois?query=x")):
        ran = command(*asked)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1)
        assert f"add --base-url {home}" in ran.err
    assert f"add --base-url {home}" in command("run", job).err
    ran = command("sync", to, "--base-url", home, "--attempts", 1, "--patience", 0, "--quiet")
    assert ran.code == 1
    assert "mirror.example.org" in ran.err
