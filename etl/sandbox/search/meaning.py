"""The meaning of queries: turn a parsed query into an expression over the index of a corpus.

Polars compares the fields of the index (ids, client, dates, version); all others are looked up once in each
template of the pool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import reduce
from operator import and_, or_

import polars as pl

from etl.sandbox.content.organisations import Roster
from etl.sandbox.pool import Pool, Scalar
from etl.sandbox.search import lucene
from etl.sandbox.search.dates import span
from etl.sandbox.search.lucene import MUST, MUST_NOT, SHOULD

Test = Callable[[Scalar], bool]

NOTHING = pl.lit(value=False)
EVERYTHING = pl.lit(value=True)
DATES = frozenset(("created", "updated", "registered"))
_UIDS = frozenset(("uid", "doi", "id"))
_STATES = frozenset(("aasm_state", "state"))
_VERSIONS = frozenset(("metadata_version", "version_number"))
# The fields that words without a field are looked for in (api-notes 4.4).
_FREE_TEXT = (
    "relatedIdentifiers.relatedIdentifier",
    "titles.title",
    "creators.name",
    "creators.nameIdentifiers.nameIdentifier",
    "publisher",
    "publisher.name",
    "descriptions.description",
    "subjects.subject",
)
# Last steps of paths whose values are compared whole instead of word by word.
_KEYWORDS = frozenset(
    str.split(
        "resourceTypeGeneral nameIdentifier nameIdentifierScheme relatedIdentifier relatedIdentifierType relationType "
        "funderIdentifier funderIdentifierType affiliationIdentifier rightsIdentifier rightsUri identifier "
        "identifierType language dateType contributorType schemaVersion source subjectScheme descriptionType "
        "titleType nameType awardNumber"
    )
)
_ALIASES = {"creator_names": "creators.name", "publisher": "publisher.name", "creators.id": _FREE_TEXT[3]}
_WORD = re.compile(r"\w+")
_SNAKE = re.compile(r"_([a-z])")


@dataclass(frozen=True, slots=True)
class Scope:
    """The data that a query searches."""

    roster: Roster
    pool: Pool

    def templates(self, path: str, test: Test) -> pl.Expr:
        """Select the records whose template has a matching value under the path."""
        return chosen("template", _passing(self.pool.values(path), test))

    def resource_types(self, test: Test) -> pl.Expr:
        """Select by the kebab form of types.resourceTypeGeneral."""
        return chosen("template", _passing(self.pool.resource_types(), test))

    def clients(self, numbers: Sequence[int]) -> pl.Expr:
        """Select the records of clients by number."""
        return chosen("client", numbers)


def _passing(values: Sequence[tuple[Scalar, ...]], test: Test) -> list[int]:
    return [number for number, row in enumerate(values) if any(test(value) for value in row)]


def chosen(column: str, numbers: Sequence[int]) -> pl.Expr:
    """Select rows by a set of small numbers."""
    if not numbers:
        return NOTHING
    return pl.col(column).is_in(pl.lit(pl.Series(numbers, dtype=pl.UInt32)).implode()).fill_null(value=False)


def meaning(node: lucene.Node, scope: Scope) -> pl.Expr:
    """Turn a parsed query into a boolean expression.

    Raises ValueError with the server's text if a date field is compared with something other than a date.
    """
    match node:
        case lucene.All():
            return EVERYTHING
        case lucene.Bool(clauses):
            return _combined([(part, meaning(clause, scope)) for part, clause in clauses])
        case lucene.Exists(field):
            return _exists(field, scope)
        case lucene.Range():
            return _range(node, scope)
    return _free(node, scope) if node.field in (None, "*") else _term(node, node.field or "", scope)


def _combined(clauses: Iterable[tuple[str, pl.Expr]]) -> pl.Expr:
    parts: dict[str, list[pl.Expr]] = {MUST: [], SHOULD: [], MUST_NOT: []}
    for part, clause in clauses:
        parts[part].append(clause)
    wanted = EVERYTHING
    if parts[MUST]:
        wanted = reduce(and_, parts[MUST])
    elif parts[SHOULD]:
        wanted = reduce(or_, parts[SHOULD])
    return reduce(lambda so_far, clause: so_far & ~clause, parts[MUST_NOT], wanted)


def _exists(field: str, scope: Scope) -> pl.Expr:
    if field in DATES:
        return pl.col(field).is_not_null()
    if field in _UIDS or field in _STATES or field in _VERSIONS or field == "prefix":
        return EVERYTHING
    if field in ("client_id", "provider_id"):
        return pl.col("client").is_not_null()
    path = path_of(field)
    return scope.templates(path, lambda value: value != "")


def _term(node: lucene.Term, field: str, scope: Scope) -> pl.Expr:
    if field in DATES:
        start, end = _span(node.text)
        return _between(field, start, end)
    if field in _VERSIONS:
        return pl.col("version") == int(node.text) if node.text.isdigit() else NOTHING
    if field in _STATES:
        return pl.col("findable") if node.text == "findable" else ~pl.col("findable") & (node.text == "registered")
    if field in _UIDS or field in ("prefix", "suffix"):
        return _of_uid(field, node)
    return _of_names(field, node, scope)


def _of_uid(field: str, node: lucene.Term) -> pl.Expr:
    parts = {"prefix": pl.col("uid").str.extract("^([^/]+)/"), "suffix": pl.col("uid").str.extract("^[^/]+/(.*)$")}
    target = parts.get(field, pl.col("uid"))
    text = node.text.lower()
    if node.wildcard:
        return target.str.contains(f"^{_pattern(text)}$").fill_null(value=False)
    if field == "prefix":
        return pl.col("uid").str.starts_with(f"{text}/")
    return (target == text).fill_null(value=False)


def _pattern(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _of_names(field: str, node: lucene.Term, scope: Scope) -> pl.Expr:
    test = term_test(node, keyword=True)
    roster = scope.roster
    if field == "client_id":
        return scope.clients([number for number, name in enumerate(roster.client_ids) if test(name)])
    if field == "provider_id":
        owners = enumerate(roster.providers_of_clients)
        return scope.clients([number for number, name in owners if name is not None and test(name)])
    if field == "consortium_id":
        return scope.clients(roster.of_consortia([provider for provider in roster.providers if test(provider)]))
    if field == "resource_type_id":
        return scope.resource_types(test)
    path = path_of(field)
    return scope.templates(path, term_test(node, keyword=is_keyword(path)))


def _free(node: lucene.Term, scope: Scope) -> pl.Expr:
    templates: set[int] = set()
    for path in _FREE_TEXT:
        test = term_test(node, keyword=is_keyword(path))
        templates.update(_passing(scope.pool.values(path), test))
    return chosen("template", sorted(templates)) | _of_uid("uid", node)


def path_of(field: str) -> str:
    """Turn a snake_case field name of the search index into the path of attributes."""
    known = _ALIASES.get(field)
    return known or _SNAKE.sub(lambda match: match[1].upper(), field)


def is_keyword(path: str) -> bool:
    """Return whether values under a path are compared whole."""
    return path.rpartition(".")[2] in _KEYWORDS


def term_test(node: lucene.Term, *, keyword: bool) -> Test:
    """Make the test of one value: whole values for keywords, words in a row for text."""
    if keyword:
        wanted = node.text.casefold()
        if node.wildcard:
            whole = re.compile(translate(wanted))
            return lambda value: whole.match(str(value).casefold()) is not None
        return lambda value: _text(value) == wanted
    if node.wildcard:
        pattern = re.compile(translate(node.text.casefold()))
        return lambda value: any(pattern.match(word) for word in words(value))
    sought = f" {' '.join(words(node.text))} "
    return lambda value: sought in f" {' '.join(words(value))} "


def words(value: Scalar) -> list[str]:
    """Split a value into lower-case words."""
    return _WORD.findall(_text(value))


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).casefold()


def _range(node: lucene.Range, scope: Scope) -> pl.Expr:
    if node.field in DATES:
        return _date_range(node)
    if node.field in _UIDS:
        return _string_range(node)
    if node.field in _VERSIONS:
        low, high = (None if bound is None else int(bound) for bound in (node.low, node.high))
        return _number_range(node, low, high)
    return scope.templates(path_of(node.field), _range_test(node))


def _date_range(node: lucene.Range) -> pl.Expr:
    """Round bounds like Elasticsearch: inclusive upper and exclusive lower bounds mean the end of their span."""
    start = None if node.low is None else _span(node.low)[0 if node.with_low else 1]
    end = None if node.high is None else _span(node.high)[1 if node.with_high else 0]
    return _between(node.field, start, end)


def _between(field: str, start: int | None, end: int | None) -> pl.Expr:
    inside = pl.col(field).is_not_null()
    if start is not None:
        inside = pl.col(field) >= start
    return (inside & (pl.col(field) < end) if end is not None else inside).fill_null(value=False)


def _string_range(node: lucene.Range) -> pl.Expr:
    inside, uid = EVERYTHING, pl.col("uid")
    if node.low is not None:
        inside = inside & (uid >= node.low.lower() if node.with_low else uid > node.low.lower())
    if node.high is not None:
        inside = inside & (uid <= node.high.lower() if node.with_high else uid < node.high.lower())
    return inside


def _number_range(node: lucene.Range, low: int | None, high: int | None) -> pl.Expr:
    inside, version = EVERYTHING, pl.col("version")
    if low is not None:
        inside = inside & (version >= low if node.with_low else version > low)
    if high is not None:
        inside = inside & (version <= high if node.with_high else version < high)
    return inside


def _range_test(node: lucene.Range) -> Test:
    """Compare dates and years as spans of time, numbers as numbers, anything else as text."""

    def passes(given: Scalar) -> bool:
        if isinstance(given, bool):
            return False
        kind = float if isinstance(given, int | float) else str
        try:
            value = kind(given)
            low, high = (None if bound is None else kind(bound) for bound in (node.low, node.high))
        except ValueError:
            return False
        return _inside(value, low, high, node)

    if node.field == "published":
        return _published_test(node)
    return passes


def _inside(value: float | str, low: float | str | None, high: float | str | None, node: lucene.Range) -> bool:
    above = low is None or value > low or (node.with_low and value == low)  # type: ignore[operator]
    below = high is None or value < high or (node.with_high and value == high)  # type: ignore[operator]
    return above and below


def _published_test(node: lucene.Range) -> Test:
    start = None if node.low is None else _span(node.low)[0 if node.with_low else 1]
    end = None if node.high is None else _span(node.high)[1 if node.with_high else 0]

    def passes(value: Scalar) -> bool:
        try:
            moment = span(str(value))[0]
        except ValueError:
            return False
        return (start is None or moment >= start) and (end is None or moment < end)

    return passes


def _span(text: str) -> tuple[int, int]:
    try:
        return span(text)
    except ValueError:
        failed = f"failed to parse date field [{text}] with format [strict_date_optional_time||epoch_millis]"
        raise ValueError(f"{failed}: [{failed}]") from None
