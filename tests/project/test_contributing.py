"""CONTRIBUTING.md's example is followed to the letter, in a copy of this repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_example_of_a_new_resource_passes_the_tests_of_all_resources(tmp_path: Path) -> None:
    """The change applies as it is printed, the reference pages can be rendered, and the tests take the newcomer in."""
    copy = tmp_path / "copy"
    aside = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "out", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=aside)
    printed = re.search(r"^```diff\n(.*?)^```$", (copy / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    assert printed
    (copy / "change.diff").write_text(printed[1])
    here = {**os.environ, "PYTHONPATH": str(copy)}
    tests = ["tests/resources", "-k", "languages or promise", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    for command in (["git", "apply", "change.diff"], [sys.executable, "-m", "tools.reference"]):
        subprocess.run(command, cwd=copy, env=here, check=True)
    assert "languages" in (copy / "docs" / "tables.md").read_text()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "addopts=", *tests],
        cwd=copy, env=here, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert int(re.findall(r"(\d+) passed", ran.stdout)[0]) > 10
