"""Fetching a slice from a misbehaving server: what is accepted, what is fetched again, what is never accepted."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from etl.api.pagination.cursors import make_cursor, read_cursor
from tests.conftest import Command, Ran
from tests.support.loopback import Loopback, Request, http

CREATED, SECOND = "2019-01-01T00:00:00Z", 1_546_300_800_000


def reports(count: int, meanwhile: Callable[[list[str], int], int | None]):
    """Answer like a list by page number; `meanwhile` changes the names before a page, or returns its total."""
    names = [f"r{number:04}" for number in range(count)]

    def answer(request: Request) -> bytes:
        size, number = int(request.params["page[size]"]), int(request.params.get("page[number]", "1"))
        counted = meanwhile(names, number)
        page = [{"id": name, "report-header": {}} for name in names[(number - 1) * size :][:size]]
        total = len(names) if counted is None else counted
        return http(json.dumps({"reports": page, "meta": {"total": total, "page": number}}).encode())

    return names, answer


async def export(command: Command, server: Loopback, to: Path, resource: str, *more: object) -> Ran:
    options = ("--base-url", server.url, "--to", to, "--quiet", "--json", "--attempts", 2, *more)
    return await asyncio.to_thread(command, "export", resource, *options)


async def test_a_list_whose_rows_moved_is_walked_again(command: Command, tmp_path: Path) -> None:
    """A record withdrawn during the walk hides another one, although the count is right: no record is lost."""
    left = [5]

    def withdraw(names: list[str], number: int) -> None:
        if number == 2 and left:
            del names[left.pop()]

    names, answer = reports(2500, withdraw)
    async with Loopback(answer) as server:
        await export(command, server, tmp_path / "o", "reports", "--allow-incomplete")
    assert pl.read_parquet(tmp_path / "o/reports/*.parquet")["id"].sort().to_list() == names


async def test_a_list_that_never_keeps_still_is_not_complete(command: Command, tmp_path: Path) -> None:
    """Its totals may equal the records received; what the walk missed is unknown."""

    def withdraw(names: list[str], number: int) -> None:
        if number == 2:
            del names[0]

    _, answer = reports(2500, withdraw)
    async with Loopback(answer) as server:
        ran = await export(command, server, tmp_path / "o", "reports")
    assert (ran.code, ran.json["verdict"]) == (3, "incomplete")


async def test_a_total_that_flickers_between_replicas_costs_no_record(command: Command, tmp_path: Path) -> None:
    """If one page has a lower total, two walks that agree are accepted."""
    names, answer = reports(2500, lambda names, number: 2499 if number == 2 else None)
    async with Loopback(answer) as server:
        ran = await export(command, server, tmp_path / "o", "reports")
    assert (ran.code, ran.json["verdict"], ran.json["tables"]["reports"]) == (0, "complete", len(names))


@pytest.mark.parametrize("overlap", [1, 7, 900])
async def test_pages_that_repeat_rows_of_the_page_before_are_duplicates(
    overlap: int, command: Command, tmp_path: Path
) -> None:
    """A page with anything new is progress: nothing is retried, and nothing is lost."""
    names = [f"10.1/{number:05}" for number in range(3000)]

    def answer(request: Request) -> bytes:
        size, token = int(request.params["page[size]"]), request.params.get("page[cursor]", "1")
        start = 0 if token == "1" else max(0, names.index(read_cursor(token)[1]) + 1 - overlap)
        window = re.search(r"created:\[(\S+) TO (\S+?)[\]}]", request.params.get("query", ""))
        if window and (window[1] > CREATED or "*" != window[2] <= CREATED):  # "*" is smaller than any date
            return http(b'{"data": [], "meta": {"total": 0}, "links": {}}')
        page = names[start : start + size]
        attributes = {"created": CREATED, "updated": CREATED, "state": "findable"}
        data = [{"id": name, "type": "dois", "attributes": {"doi": name, **attributes}} for name in page]
        links = {"next": f"/?page[cursor]={make_cursor(SECOND, page[-1])}"} if 0 < size < len(names) - start else {}
        return http(json.dumps({"data": data, "meta": {"total": len(names)}, "links": links}).encode())

    async with Loopback(answer) as server:
        ran = await export(command, server, tmp_path / "o", "dois", "--tables", "doi_titles")
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", len(names))
    assert ran.json["retries"] == 0
    assert ran.json["duplicates"] > 0
