"""The query language of `query=`: Lucene's classic syntax, parsed into a small tree.

Operators combine like in Lucene's classic parser with AND as the default: a clause before or after OR is optional,
and optional clauses decide nothing next to a required one. `meaning` interprets the fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MUST, SHOULD, MUST_NOT = "must", "should", "must not"

_EXPECTED = (
    'Was expecting one of:\n    <NOT> ...\n    "+" ...\n    "-" ...\n    <BAREOPER> ...\n    "(" ...\n    "*" ...\n'
    '    <QUOTED> ...\n    <TERM> ...\n    <PREFIXTERM> ...\n    <WILDTERM> ...\n    <REGEXPTERM> ...\n    "[" ...\n'
    '    "{" ...\n    <NUMBER> ...\n    <TERM> ...\n    "*" ...\n    '
)
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"(?:[^"\\]|\\.)*")
    |(?P<range>[\[{](?:[^"\\\]}]|\\.|"(?:[^"\\]|\\.)*")*[\]}])
    |(?P<boost>[\^~][\d.]*)
    |(?P<compare>[<>]=?)
    |(?P<mark>[():+!]|-(?=\S)|&&|\|\|)
    |(?P<term>(?:[^\s"()\[\]{}:^~\\!+<>-]|\\.)(?:[^\s"()\[\]{}:^~\\]|\\.)*)""",
    re.VERBOSE,
)
_RANGE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\S+)\s+TO\s+("(?:[^"\\]|\\.)*"|\S+)\s*$')
_ESCAPE = re.compile(r"\\(.)")
_WORDS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "not", "!": "not", "-": "not", "+": "must"}


class QuerySyntaxError(ValueError):
    """The query cannot be parsed; the text is that of the server."""


@dataclass(frozen=True, slots=True)
class All:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word, phrase or pattern; `field` is None for free text."""

    field: str | None
    text: str
    quoted: bool = False
    wildcard: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """Values between two bounds; None means unbounded."""

    field: str
    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class Exists:
    """Records with any value in a field."""

    field: str


@dataclass(frozen=True, slots=True)
class Bool:
    """Clauses, each with its role."""

    clauses: tuple[tuple[str, Node], ...]


Node = All | Term | Range | Exists | Bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_query(text: str) -> Node:
    """Parse a query; raises QuerySyntaxError with the server's own words."""
    reader = _Reader(text, _tokens(text))
    node = reader.clauses(None)
    if reader.peek() is not None:
        raise reader.unexpected()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _lexical(text, at)
        if match.lastgroup not in (None, "space"):
            tokens.append(_Token(_kind(match), match[0], at))
        at = match.end()
    return tokens


def _kind(match: re.Match[str]) -> str:
    if match.lastgroup in ("term", "mark"):
        return _WORDS.get(match[0], match[0] if match.lastgroup == "mark" else "term")
    return match.lastgroup or ""


def _lexical(text: str, at: int) -> QuerySyntaxError:
    if text[at] not in '"[{':
        met = text[at].replace('"', '\\"')
        where = f"line 1, column {at}"
        return QuerySyntaxError(f'parse_exception: Encountered " "{met}" "{met} "" at {where}.\n{_EXPECTED}')
    state = 2 if text[at] == '"' else 1
    prefix = text[at:].replace("\\", "\\\\").replace('"', '\\"')
    return QuerySyntaxError(
        f"token_mgr_error: Lexical error at line 1, column {len(text) + 1}.  "
        f'Encountered: <EOF> after prefix "{prefix}" (in lexical state {state})'
    )


class _Reader:
    """Recursive descent over the tokens; its position is the only state."""

    def __init__(self, text: str, tokens: Sequence[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else None

    def _take(self) -> _Token:
        if self._at >= len(self._tokens):
            raise self.unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def unexpected(self) -> QuerySyntaxError:
        if self._at >= len(self._tokens):
            met, column = '"<EOF>"', len(self._text)
        else:
            token = self._tokens[self._at]
            met, column = f'" "{token.text}" "{token.text} ""', token.at
        return QuerySyntaxError(f"parse_exception: Encountered {met} at line 1, column {column}.\n{_EXPECTED}")

    def clauses(self, field: str | None) -> Node:
        parts: list[tuple[str, Node]] = []
        joined = ""
        while True:
            modifier = self._modifier()
            node = self._clause(field)
            if joined == "or" and parts and parts[-1][0] != MUST_NOT:
                parts[-1] = (SHOULD, parts[-1][1])
            parts.append((_part_played(modifier, joined), node))
            if self.peek() in (None, ")"):
                break
            joined = self._take().kind if self.peek() in ("and", "or") else ""
        return parts[0][1] if len(parts) == 1 and parts[0][0] != MUST_NOT else Bool(tuple(parts))

    def _modifier(self) -> str:
        return self._take().kind if self.peek() in ("not", "must") else ""

    def _clause(self, field: str | None) -> Node:
        """Read a value with an optional field before it; a second colon is an error, as in Lucene."""
        token = self._take()
        if token.kind == "term" and self.peek() == ":":
            self._take()
            field, token = _plain(token.text), self._take()
        node = self._group(field) if token.kind == "(" else self._leaf(field, token)
        if self.peek() == "boost":
            self._take()
        return node

    def _group(self, field: str | None) -> Node:
        node = self.clauses(field)
        if self._take().kind != ")":
            self._at -= 1
            raise self.unexpected()
        return node

    def _leaf(self, field: str | None, token: _Token) -> Node:
        if token.kind == "range":
            return _range(field or "*", token.text, self)
        if token.kind == "compare":
            return _comparison(field or "*", token.text, _plain(self._take().text))
        if token.kind == "quoted":
            return Term(field, _plain(token.text[1:-1]), quoted=True)
        if token.kind != "term":
            self._at -= 1
            raise self.unexpected()
        return _word(field, token.text)


def _part_played(modifier: str, joined: str) -> str:
    if modifier == "not":
        return MUST_NOT
    return SHOULD if joined == "or" and modifier != "must" else MUST


def _word(field: str | None, text: str) -> Node:
    if text == "*":
        return All() if field in (None, "*") else Exists(field or "")
    if field == "_exists_":
        return Exists(_plain(text))
    wildcard = bool(re.search(r"(?<!\\)[*?]", text))
    return Term(field, text if wildcard else _plain(text), wildcard=wildcard)


def _range(field: str, text: str, reader: _Reader) -> Node:
    match = _RANGE.match(text[1:-1])
    if match is None:
        raise reader.unexpected()
    low, high = (None if bound == "*" else _plain(bound.strip('"')) for bound in match.groups())
    return Range(field, low, high, with_low=text[0] == "[", with_high=text[-1] == "]")


def _comparison(field: str, operator: str, bound: str) -> Node:
    inclusive = operator.endswith("=")
    if operator[0] == ">":
        return Range(field, bound, None, with_low=inclusive)
    return Range(field, None, bound, with_high=inclusive)


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)
