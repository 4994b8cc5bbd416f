"""Texts and names are in plain English: no word-for-word translations, no wrong plurals, one word for one thing."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.texts import texts

TICS = {
    r"\b(?:an?|one|each) (?:row|table|file|line|task|object|commit|module|folder|page|dataset|walk) an? \w+": "per",
    r"\b(?:rows|records|requests|pages|files|lines|objects) an? (?:page|record|request|slice|table|file)\b": "per",
    r"\ban? (?:JSON )?\w+ each\b": "one per, or each ... a",
    r"\bhow often an?\b": "how many times",
    r"\b(?:go|goes|going|went|gone) on\b": "resume, continue",
    r"\bbe had\b": "be fetched, missing",
    r"\bend(?:s|ed)? well\b": "succeed",
    r"(?<!there\s)\b(?:is|are|was|were) (?-i:none)\b": "invalid, not a",
    r"(?<!there\s)\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|better\b|way\b|need\b)": "is not a",
    r"\blacking\b": "missing",
    r"\btold\b(?! apart)": "a noun; reported, counted",
    r"(?<!def\x20)(?<!\.)\btells?\b(?! apart|\()": "return, report, say",
    r"\bin a box\b": "local, embedded",
    r"\b(?:com(?:e|es|ing)|came|br(?:ings?|ought)) along\b": "included",
    r"\banew\b": "again, from the start",
    r"\bwithout a word\b": "silently",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bof them again\b": "retries",
    r"\basked for again\b": "fetched again",
    r"\bwhoever\b": "callers who, users who",
    r"\bwho has what\b": "coverage by",
    r"\bstrangers?\b": "unexpected files",
    r"\bof today\b": "current, today's",
    r"\bcannot be right\b": "invalid",
    r"\bto the byte\b": "byte for byte",
    r"\w\(s\)(?!\w)": "a plural of its own",
    r"(?<![\d,.])\b1\x20(?:slices|records|files|rows|requests|tables|pages|retries|values)\b": "1 with a singular",
    r"(?<![\d,.])\b(?!1 )\d+(?:,\d{3})*\x20(?:slice|record|file|row|request|table|retry)\b": "a plural",
}
"""What native speakers would not write, by pattern, with what to write instead. A blank may be a line break."""

VAGUE = {
    *("ahead", "asking", "away", "beside", "each", "found", "gone", "one"),
    *("receptions", "said", "seating", "some", "told", "wish"),
}
"""Names that do not say what they name."""

ON_DISK = {("etl/dataset/copy_on_write.py", "gone"), ("etl/dataset/switch.py", "gone")}
"""Members of journals, which an earlier version may have written."""

SHARED = {
    "answer": "the list of a resource in the sandbox, one per endpoint",
    "answer_one": "the single record of a resource in the sandbox, one per endpoint",
}
"""Functions that many modules define, because they are an interface."""

PAGES = texts(".py", ".md", ".ipynb", ".toml", ".yaml", ".html", ".css", ".js", ".svg", ".service")
del PAGES["tests/project/test_words.py"]


def tics(text: str) -> Iterator[str]:
    """Yield the number, finding and remedy of each tic in a text."""
    for pattern, better in TICS.items():
        for match in re.finditer(pattern.replace(" ", r"\s+"), text, re.IGNORECASE):
            yield f"{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}: {better}"


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each variable, parameter, function and class that a module defines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case _:
                pass


@pytest.mark.parametrize(
    "text",
    [
        "One row a DOI.",
        "It goes\n    on where it stopped.",
        "a JSON object each",
        "a date that is none",
        "'x' is no number",
        "1 slices",
        "5 slice",
        "12,000 record",
        "file(s)",
    ],
)
def test_tics_are_noticed(text: str) -> None:
    """Translated phrases and wrong plurals are found."""
    assert list(tics(text))


@pytest.mark.parametrize(
    "text",
    [
        "1 slice, 2 slices, 1,001 records",
        "There is no record.",
        "It is no longer listed.",
        "told apart by type",
        "if name is None:",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    """Phrases of native speakers pass."""
    assert list(tics(text)) == []


def test_no_text_has_old_tics_or_wrong_plurals() -> None:
    """Every tracked text reads as an English-speaking engineer would write it."""
    noticed = {path: phrases for path, text in PAGES.items() if (phrases := list(tics(text)))}
    assert noticed == {}


def test_no_name_is_vague() -> None:
    """A variable, parameter, function or class is called what it holds or does."""
    vague = {
        path: lines
        for path, text in PAGES.items()
        if path.startswith(("etl/", "flows/", "tools/"))
        and path.endswith(".py")
        and (lines := [line for line, name in names(ast.parse(text)) if name in VAGUE and (path, name) not in ON_DISK])
    }
    assert vague == {}


def test_no_name_has_many_functions() -> None:
    """At most three modules define a function of one name, apart from interfaces and commands."""
    modules: dict[str, set[str]] = {}
    for path, text in PAGES.items():
        if path.startswith("etl/") and not path.startswith("etl/cli/") and path.endswith(".py"):
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                    modules.setdefault(node.name, set()).add(path)
    assert {name: paths for name, paths in modules.items() if len(paths) > 3 and name not in SHARED} == {}
