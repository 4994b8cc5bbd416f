"""A server that means harm: whatever it answers ends in one line, in valid JSON if that was asked for, and soon."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.support.loopback import Loopback, http

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
    """An export gives up with exit code 1 and names what the server said, without publishing anything."""
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
    """Both the limit and how to raise it."""
    answer = http(b" " * (1 << 20) + b"{}")
    options = ("--to", tmp_path / "o", "--quiet", "--attempts", 1, "--page-limit", 1)
    async with Loopback(lambda request: answer) as server:
        ran = await asyncio.to_thread(command, "export", "dois", "--base-url", server.url, *options)
    assert ran.code == 1
    assert "limit of 1,048,576 bytes; raise it with --page-limit 2 (megabytes)" in ran.err
