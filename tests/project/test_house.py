"""The house rules that a machine can check: size, names, documented surface, pages rendered from declarations."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.cli import COMMANDS
from tools.reference import __main__ as docs
from tools.reference import audit as auditdocs

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("etl", "flows") for path in (ROOT / folder).rglob("*.py"))
OPEN = {("cli",), ("resources",), ("sandbox",)}
"""Packages that grow by dropping a file in."""
NAMELESS = {"utils", "helpers", "common", "base", "core", "manager", "handler", "processor"}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and length of each function, its docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    """No module has more than 400 lines, no function more than 40 without its docstring; names say something."""
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in NAMELESS
    # A flow's signature is the form that people fill in: as long as it has fields.
    long = [(name, lines) for name, lines in functions(path) if lines > 40 and path.parent.name != "flows"]
    assert not long


def test_the_table_reference_is_rendered_from_the_declarations() -> None:
    """docs/tables.md is what `python -m tools.reference` writes today."""
    assert (ROOT / "docs" / "tables.md").read_text() == docs.tables()


def test_the_reference_of_the_audit_is_rendered_from_the_declarations() -> None:
    """docs/audit.md is what `python -m tools.reference` writes today."""
    assert (ROOT / "docs" / "audit.md").read_text() == auditdocs.audit()


def test_the_reference_of_the_commands_is_rendered_from_the_parser() -> None:
    """docs/commands.md is what `python -m tools.reference` writes today, and has every command."""
    page = (ROOT / "docs" / "commands.md").read_text()
    assert page == docs.commands()
    assert [name for name in COMMANDS if f"## datacite-etl {name}\n" not in page] == []


def blocks(text: str) -> list[str]:
    """Return the blocks of a page that stand between fences."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_readme_begins_with_the_two_commands_and_ci_runs_the_second() -> None:
    """Both commands are on the first screen; `.ci/run` has the one for the tests word for word."""
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    commands = [block for block in blocks(screen) if block.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert "datacite-etl export dois --sandbox --to out" in commands[0]
    assert commands[1] in (ROOT / ".ci" / "run").read_text()


def test_no_block_of_the_readme_is_cut_at_the_right_edge() -> None:
    """A line of code has at most 78 characters, so that it is read without scrolling."""
    lines = [line for block in blocks((ROOT / "README.md").read_text()) for line in block.splitlines()]
    assert [line for line in lines if len(line) > 78] == []


def test_the_map_names_every_package() -> None:
    """ARCHITECTURE.md says what each entry of the pipeline's top folder is, and names every module of the flows."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    entries = [
        path for path in sorted((ROOT / "etl").iterdir()) if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    names = [f"`etl/{path.name}{'/' if path.is_dir() else ''}`" for path in entries if path.stem != "__init__"]
    names += [f"`{path.stem}`" for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__"]
    assert [name for name in names if name not in page] == []


def test_rooms_stay_small() -> None:
    """The top of `etl` has at most 25 entries, and a package at most 15 modules, folders to drop files into aside."""
    tops = [path for path in (ROOT / "etl").iterdir() if path.name != "__pycache__"]
    assert len(tops) <= 25
    crowded = {
        str(folder.relative_to(ROOT)): len(modules)
        for folder in {path.parent for path in SOURCES}
        if len(modules := [path for path in folder.glob("*.py") if path.stem != "__init__"]) > 15
        and folder.relative_to(ROOT / "etl" if folder.is_relative_to(ROOT / "etl") else ROOT).parts[:1] not in OPEN
    }
    assert crowded == {}


def subscripts(path: Path) -> Iterator[str]:
    """Yield what is looked up by a literal name in something called a manifest or a proof."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Subscript(value=held, slice=ast.Constant(value=str(key))):
                pass
            case ast.Call(func=ast.Attribute(value=held, attr="get"), args=[ast.Constant(value=str(key)), *_]):
                pass
            case _:
                continue
        name = held.id if isinstance(held, ast.Name) else held.attr if isinstance(held, ast.Attribute) else ""
        if name in {"manifest", "proof"}:
            yield f"{path.name}: {name}[{key!r}]"


def test_a_manifest_is_read_by_its_members() -> None:
    """Its names are written down once, as the fields of its types; nobody else spells them as keys."""
    assert [found for path in SOURCES for found in subscripts(path)] == []


def test_the_typical_module_is_short() -> None:
    """Half of the modules have fewer than 120 lines."""
    assert statistics.median(len(path.read_text().splitlines()) for path in SOURCES) < 120


def test_the_walks_lead_through_modules_that_exist() -> None:
    """A module that ARCHITECTURE.md names by its path, such as `api/query`, is there."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`((?:\w+/)+\w+)`", page)
    lost = [name for name in named if not any((ROOT / top / f"{name}.py").exists() for top in (".", "etl"))]
    assert [name for name in lost if not (ROOT / name).is_dir()] == []
    assert len(named) > 20
