"""What is built from the sources: a wheel with everything that runs, typed and licensed, and the same every time."""

import email
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

import etl

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCES = {
    str(path.relative_to(ROOT))
    for folder in ("etl", "flows")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
Build = Callable[[type[WheelBuilder] | type[SdistBuilder], str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a wheel or an archive of the sources into a folder of its own."""

    def built(builder: type[WheelBuilder] | type[SdistBuilder], name: str) -> Path:
        [found] = builder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp(name)), versions=["standard"])
        return Path(found)

    return built


def test_the_wheel_has_every_source_and_nothing_else(build: Build) -> None:
    """Modules, styles and scripts of pages, and the marks by which type checkers know that both packages are typed."""
    with zipfile.ZipFile(build(WheelBuilder, "wheel")) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == SOURCES
    assert {"etl/py.typed", "flows/py.typed", "etl/html/assets/page.css", "etl/html/assets/sort.js"} <= held


def test_the_wheel_says_what_it_is(build: Build) -> None:
    """Version, licence with its text, Pythons, entry point; extras for databases, and Prefect for everybody."""
    with zipfile.ZipFile(build(WheelBuilder, "wheel")) as wheel:
        [folder] = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
        metadata = email.message_from_bytes(wheel.read(f"{folder}/METADATA"))
        entries = wheel.read(f"{folder}/entry_points.txt").decode()
        assert wheel.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert metadata["Version"] == etl.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert "datacite-etl = etl.cli:main" in entries
    assert {"duckdb", "postgres", "delta"} <= set(metadata.get_all("Provides-Extra", ()))
    core = [text for text in metadata.get_all("Requires-Dist", ()) if "extra ==" not in text]
    assert any(text.startswith("prefect") for text in core)


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_the_same_sources_give_the_same_bytes(
    builder: type[WheelBuilder] | type[SdistBuilder], build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built twice at one SOURCE_DATE_EPOCH, wheel and archive are the same; another time gives other bytes."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1760000000")
    one, other = (build(builder, name).read_bytes() for name in ("one", "other"))
    assert one == other
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1770000000")
    assert build(builder, "later").read_bytes() != one


def test_the_archive_of_the_sources_has_what_builds_and_tests_need(build: Build) -> None:
    """Sources, tests, documents, constraints and CI's own script."""
    with tarfile.open(build(SdistBuilder, "sdist")) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", ".ci/run", "docs/tables.md"} <= held
    assert held >= SOURCES
    assert "tests/project/test_package.py" in held
