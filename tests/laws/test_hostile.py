"""Hostile records, or ones that look hostile: names from the server are only data."""

from pathlib import Path

import polars as pl
import pytest

from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import Command

IDS = (
    "10.1/../../../x",
    "../../x",
    "10.1/a\x00b",
    "10.1/..%2f..%2fx",
    "/etc/x",
    "10.1/a\nb",
    "10.1/c:\\x",
    "10.1/" + "y" * 3000,
)
SCRIPT = "<script>alert(1)</script>"


def record(number: int, doi: str) -> dict:
    attributes = {
        "doi": doi,
        "created": f"2019-01-01T00:00:{number:02d}Z",
        "updated": "2019-01-01T00:00:00Z",
        "titles": [{"title": f"{SCRIPT} {number}"}],
        "publisher": {"name": ("../../evil", "a/b", "..", SCRIPT, "n\x00ul", "~", "C:\\x", " ")[number]},
        "version": {"odd": "../../x"},
        SCRIPT: "what nobody knows",
    }
    return {"id": doi, "type": "dois", "attributes": attributes}


@pytest.fixture(scope="module")
def box() -> Sandbox:  # type: ignore[misc]
    """A sandbox of such records."""
    with running(Corpus.from_records([record(number, doi) for number, doi in enumerate(IDS)])) as sandbox:
        yield sandbox


@pytest.mark.parametrize("partition", ["publisher", "state"])
def test_nothing_is_ever_written_outside_the_destination(
    partition: str, box: Sandbox, command: Command, tmp_path: Path
) -> None:
    """Ids and partition values that look like paths stay values: every record is in the dataset under its own id."""
    to = tmp_path / "deep" / "deeper" / "o"
    options = ("--partition-by", partition, "--format", "parquet,csv", "--keep-raw", "--json")
    ran = command("export", "dois", "--base-url", box.base_url, "--to", to, *options)
    assert ran.code == 0, ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["deeper"]
    assert [path.name for path in (tmp_path / "deep" / "deeper").iterdir()] == ["o"]
    got = pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"].to_list()
    assert sorted(got) == sorted(doi.lower() for doi in IDS)


def test_the_report_escapes_everything(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """Names of attributes, ids and reasons are text on the page."""
    assert command("export", "dois", "--base-url", box.base_url, "--to", tmp_path / "o", "--quiet").code == 0
    page = (tmp_path / "o" / "_etl" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
