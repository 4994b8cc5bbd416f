"""The filters of a list of API v1 (words, periods and values), and the facets that count the rest."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from etl.sandbox.answer import Json, refused
from etl.sandbox.v1.asked import Asked, Bucket
from etl.sandbox.v1.entry import Entry

Keep = Callable[[Entry, str], bool]
_WORD = re.compile(r'([+-]?)(?:"([^"]*)"|([^\s"]+))')
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


def meets(text: str, entry: Entry, *, as_is: bool = False) -> bool:
    """Return whether a record has all words and phrases of a search, with or without a plus, and none with a minus.

    Signs alone and unbalanced quotes are ignored (api-notes 7.5). `as_is` compares capitals with the lower-case text,
    as the list of pages does.
    """
    terms = _WORD.findall(text if as_is else text.lower())
    wanted = ((sign, phrase or word) for sign, phrase, word in terms if (phrase or word).strip("+-"))
    return all((words in entry.text) != (sign == "-") for sign, words in wanted)


def value(name: str) -> Keep:
    """Keep records whose attribute is the value, whatever the case."""
    return lambda entry, wanted: str(entry.attributes.get(name) or "").lower() == wanted.lower()


def one_of(name: str) -> Keep:
    """Keep records whose list has the value."""
    return lambda entry, wanted: wanted in (entry.attributes.get(name) or [])


def filtered(asked: Asked, entries: Iterable[Entry], filters: Mapping[str, Keep]) -> list[Entry]:
    """Return the records that pass the filters; unknown filters are ignored."""
    matching = list(entries)
    for name, keep in filters.items():
        wanted = asked.params.get(name.replace("-", "_"))
        matching = [entry for entry in matching if keep(entry, wanted)] if wanted else matching
    return matching


def within(asked: Asked, entries: Iterable[Entry], field: str, name: str) -> list[Entry]:
    """Return the records with a time between from-… and until-…; a reversed range ends with the period of its start."""
    since, until = (asked.params.get(f"{side}_{name}_date") for side in ("from", "until"))
    low = _span(since)[0] if since else ""
    high = _span(until)[1] if until else "9999"
    if since and high < low:
        high = _span(since)[1]
    return (
        [entry for entry in entries if low <= (entry.attributes[field] or "") <= high] if since or until else [*entries]
    )


def _span(text: str) -> tuple[str, str]:
    match = _PERIOD.match(text)
    if match is None:
        raise refused(400, "invalid date")
    year, month, day = match.groups()
    last = day or monthrange(int(year), int(month or 12))[1]
    return (
        f"{year}-{month or '01'}-{day or '01'}T00:00:00Z",
        f"{year}-{month or '12'}-{last}T23:59:59Z",
    )


def count(entries: Iterable[Entry], name: str, title: Callable[[str], str], most: int | None = None) -> list[Bucket]:
    """Count the values of an attribute, the most frequent first."""
    counts = Counter(str(value) for entry in entries for value in _several(entry.attributes.get(name)))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(name, title(name), number) for name, number in ordered]


def _several(value: Json) -> Sequence[Json]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]
