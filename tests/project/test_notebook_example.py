"""The example notebook runs from top to bottom, against the sandbox, and draws its charts."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def test_the_notebook_runs_and_draws(tmp_path: Path) -> None:
    """Every cell ends without an error; tables are shown as tables and charts as pictures."""
    notebook = nbformat.read(PAGE, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kinds = [set(shown.get("data", ())) for cell in notebook.cells for shown in cell.get("outputs", ())]
    assert sum("image/png" in each for each in kinds) == 2
    assert sum("text/html" in each for each in kinds) == 3
