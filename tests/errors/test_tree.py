"""The error tree: whatever ends a run names its fix, the raiser's own or the one that helps with its kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl import errors
from etl.errors import EtlError, ProtocolError, RefusedError, StoreError, TransientError

SOURCES = sorted(Path(errors.__file__).parents[1].rglob("*.py"))


def fixless(path: Path) -> Iterator[str]:
    """Yield the lines that raise an error of ours without a fix of its own, where its kind has none either."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = getattr(errors, node.func.id, None)
            named = any(keyword.arg in ("fix", None) for keyword in node.keywords)
            if isinstance(kind, type) and issubclass(kind, EtlError) and not (kind.usual_fix or named):
                yield f"{path.name}:{node.lineno}"


def test_every_error_names_its_fix() -> None:
    """No module raises an error for which neither its own words nor its kind say what to do."""
    assert [line for path in SOURCES for line in fixless(path)] == []


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (TransientError, "later"),
        (ProtocolError, "--base-url"),
        (RefusedError, "--query"),
        (StoreError, "free space"),
    ],
)
def test_a_kind_says_what_helps_with_it_unless_something_better_is_known(kind: type[EtlError], word: str) -> None:
    """The fix of the kind stands in for none, and never over the raiser's own."""
    assert word in kind("x").fix
    assert kind("x", fix="turn it off and on").fix == "turn it off and on"
