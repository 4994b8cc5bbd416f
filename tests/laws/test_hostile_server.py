"""Whatever a hostile server answers, the run soon ends with one line, in valid JSON if requested."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from etl.sandbox import Corpus, running
from tests.api.test_secrets import everything
from tests.conftest import Command
from tests.support.loopback import Loopback, Request, http

TOKEN = "s3cr3t-T0ken-of-somebody-else"
BOMB = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0" * 5_000
LISTED = b'{"data":[],"meta":{"total":%s}}'

ANSWERS = {
    "redirect to half an address": (http(status=302, location="http://[::1"), "redirects to 'http://[::1'"),
    "redirect to a port too high": (http(status=302, location="http://127.0.0.1:99999/"), "redirects to 'http://127"),
    "redirect to a script": (http(status=302, location="javascript:alert(1)"), "redirects to another host"),
    "redirect with a password": (http(status=302, location="//ann:s3cr3t@127.0.0.1:1/"), "redirects to"),
    "total of 10^18": (http(LISTED % b"1000000000000000000"), "meta.total is 1000000000000000000"),
    "total below zero": (http(LISTED % b"-1"), "meta.total is -1"),
    "total in words": (http(LISTED % b'"many"'), 'meta.total is "many"'),
    "total as long as a book": (http(LISTED % (b'"%s"' % (b"x" * 10**6))), 'meta.total is "xxx'),
    "total that no number holds": (http(LISTED % (b"9" * 5000)), "Integer value out of range"),
    "Retry-After of a million years": (http(status=503, retry_after="9" * 300), "503"),
    "Retry-After of the year 9999": (
        http(status=429, retry_after="Fri, 31 Dec 9999 23:59:59 GMT", date="Sat, 21 Nov 2026 10:00:00 GMT"),
        "429",
    ),
    "gzip of thousands of empty members": (http(BOMB, content_encoding="gzip"), "arrived damaged"),
    "tags without an end": (http(b"<head " * 200_000, status=500), "500"),
    "JSON without an end": (http(b'{"errors":' * 200_000, status=400), "400"),
    "a status of its own": (http(status=999), "999"),
    "an overload called a bad request": (
        http(b'{"errors":[{"status":"400","title":"[429] es_rejected_execution_exception"}]}', status=400),
        "later",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_any_answer_ends_in_one_line(name: str, command: Command, tmp_path: Path) -> None:
    """An export gives up with exit code 1 and quotes the server, without publishing anything."""
    answer, words = ANSWERS[name]
    options = ("--to", tmp_path / "o", "--quiet", "--json", "--attempts", 2, "--patience", 3)
    async with Loopback(lambda request: answer) as server:
        run = asyncio.to_thread(command, "export", "dois", "--base-url", server.url, *options)
        ran = await asyncio.wait_for(run, 60)
    assert ran.code == 1
    assert words in ran.err
    assert "s3cr3t" not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1
    assert len(ran.err) < 600
    assert json.loads(ran.out)["exit_code"] == 1
    assert not (tmp_path / "o" / "_etl" / "manifest.json").exists()


async def test_an_answer_beyond_the_limit_names_the_option_that_raises_it(command: Command, tmp_path: Path) -> None:
    """The message has the limit, and how to raise it."""
    answer = http(b" " * (1 << 20) + b"{}")
    options = ("--to", tmp_path / "o", "--quiet", "--attempts", 1, "--page-limit", 1)
    async with Loopback(lambda request: answer) as server:
        ran = await asyncio.to_thread(command, "export", "dois", "--base-url", server.url, *options)
    assert ran.code == 1
    assert "limit of 1,048,576 bytes; raise it with --page-limit 2 (megabytes)" in ran.err


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m"


def encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


@pytest.fixture(params=["token", "password"])
def _secret(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in the environment."""
    if request.param == "token":
        monkeypatch.setenv("DATACITE_ETL_TOKEN", TOKEN)
    else:
        monkeypatch.setenv("DATACITE_ETL_USERNAME", "SOMEBODY")
        monkeypatch.setenv("DATACITE_ETL_PASSWORD", TOKEN)


@pytest.mark.usefixtures("_secret")
@pytest.mark.parametrize("spell", [str, encoded])
@pytest.mark.parametrize("how", ["refusal", "trouble", "redirect", "encoding", "total", "cursor", "html"])
async def test_a_server_that_echoes_the_secret_shows_it_to_nobody(
    how: str, spell: Callable[[str], str], command: Command, tmp_path: Path
) -> None:
    """It appears neither on the terminal, as text or JSON, nor in any file; and no escape sequence gets through."""

    def echo(request: Request) -> bytes:
        words = f"{'x' * 230} {ESCAPES} {request.headers['authorization']} {spell(TOKEN)} {TOKEN}"
        return {
            "refusal": http(json.dumps({"errors": [{"title": words}]}).encode(), status=400),
            "trouble": http(words.encode(), status=503),
            "redirect": http(status=302, location=f"http://other.example/{spell(TOKEN)}?{TOKEN}"),
            "encoding": http(b"{}", content_encoding=spell(TOKEN)),
            "total": http(json.dumps({"data": [], "meta": {"total": words}}).encode()),
            "cursor": _page(f"{TOKEN}!{spell(TOKEN)}"),
            "html": http(f"<title>{words}</title>".encode()),
        }[how]

    options = ("--tables", "doi_titles", "--attempts", 2, "--patience", 2)
    shown = ""
    async with Loopback(echo) as server:
        for number, more in enumerate([("--json",), ("--log-format", "json"), ("-v", "--allow-incomplete")]):
            asked = ("export", "dois", "--base-url", server.url, "--to", tmp_path / str(number), *options, *more)
            ran = await asyncio.to_thread(command, *asked)
            assert ran.code
            shown += ran.out + ran.err
    kept = everything(tmp_path).decode("utf-8", "replace")
    for form in (TOKEN, encoded(TOKEN), encoded(f"SOMEBODY:{TOKEN}")):
        assert form[:20].lower() not in (shown + kept).lower()
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}


@pytest.mark.usefixtures("_secret")
def test_a_dataset_of_a_server_on_this_machine_leads_no_secret_there(command: Command, tmp_path: Path) -> None:
    """The manifest may be forged, and so may the server at that port: the server must be named."""
    with running(Corpus.generate(records=5, seed=3)) as box:
        options = ("--base-url", box.base_url, "--tables", "doi_titles", "--quiet")
        assert command("export", "dois", "--to", tmp_path / "o", *options).code == 0
        before = len(box.requests)
        for asked in (("sync", tmp_path / "o"), ("verify", tmp_path / "o", "--remote")):
            ran = command(*asked)
            assert ran.code == 2
            assert f"add --base-url {box.base_url} if that is intended" in ran.err.splitlines()[-1]
        assert len(box.requests) == before
        assert command("verify", tmp_path / "o", "--remote", "--base-url", box.base_url).code == 0


def _page(cursor: str) -> bytes:
    record = {"id": "10.1/a", "type": "dois", "attributes": {"doi": "10.1/a", "created": "2019-01-01T00:00:00Z"}}
    links = {"next": f"/dois?page[cursor]={quote(cursor)}"}
    return http(json.dumps({"data": [record], "meta": {"total": 9}, "links": links}).encode())
