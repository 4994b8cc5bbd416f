"""The searchable parts of records: generated templates, or given records.

A pool numbers its templates; the index of a corpus says which record uses which. Searching looks at each template
once, however many records share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from etl.sandbox.answer import Json
from etl.sandbox.content import oddities
from etl.sandbox.content.templates import template, years

Scalar = str | int | float | bool

_PASCAL = re.compile(r"(?<!^)(?=[A-Z])")
_MEDIA_TYPES = ("application/dicom", "text/csv", "application/zip")


class Pool:
    """Templates by number; `values` are remembered by path."""

    def __init__(self, count: int) -> None:
        # Mutable: what was asked for once is kept.
        self.count = count
        self._values: dict[str, list[tuple[Scalar, ...]]] = {}

    def attributes(self, number: int) -> dict[str, Json]:
        """Return the searchable attributes of a template."""
        raise NotImplementedError

    def values(self, path: str) -> Sequence[tuple[Scalar, ...]]:
        """Return the scalars under a dotted path of camelCase names, one tuple per template."""
        known = self._values.get(path)
        if known is None:
            steps = path.split(".")
            known = [tuple(_leaves(self.attributes(number), steps)) for number in range(self.count)]
            self._values[path] = known
        return known

    def resource_types(self) -> Sequence[tuple[Scalar, ...]]:
        """Return `types.resourceTypeGeneral` in the kebab case of resource-type-id."""
        return [tuple(kebab(str(kind)) for kind in kinds) for kinds in self.values("types.resourceTypeGeneral")]


def kebab(name: str) -> str:
    """Turn JournalArticle into journal-article."""
    return _PASCAL.sub("-", name).lower()


def _leaves(value: Json, steps: Sequence[str]) -> Iterator[Scalar]:
    if isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, steps)
    elif isinstance(value, dict):
        if steps:
            yield from _leaves(value.get(steps[0]), steps[1:])
    elif value is not None and not steps:
        yield value


class MadePool(Pool):
    """Templates generated from a seed on first use; the last ones, from `usual`, are odd."""

    def __init__(self, seed: int, usual: int) -> None:
        super().__init__(usual + oddities.COUNT)
        # Mutable: templates made so far.
        self.seed = seed
        self.usual = usual
        self._years = years(usual)
        self._made: dict[int, dict[str, Json]] = {}

    def attributes(self, number: int) -> dict[str, Json]:
        """Return a template, made on first use; publisher and affiliations are objects."""
        known = self._made.get(number)
        if known is None:
            known = self._made[number] = self._make(number)
        return known

    def _make(self, number: int) -> dict[str, Json]:
        turn = number - self.usual
        if turn < 0:
            return template(self.seed, number, self._years[number])
        plain = (turn * 37 + 11) % self.usual
        made = template(self.seed, plain, self._years[plain])
        if turn < len(oddities.ON_ATTRIBUTES):
            oddities.ON_ATTRIBUTES[turn](made)
        return made

    def on_resource(self, number: int) -> oddities.Change | None:
        """Return the change that an odd template makes to the whole resource, if any."""
        turn = number - self.usual - len(oddities.ON_ATTRIBUTES)
        return oddities.ON_RESOURCE[turn] if turn >= 0 else None

    def media_types(self, number: int) -> Sequence[str]:
        """Return the media types registered for records of a template; most have none."""
        return _MEDIA_TYPES[: 1 + number % 2] if number % 11 == 5 else ()


class GivenPool(Pool):
    """Given records, each its own template."""

    def __init__(self, resources: Sequence[Json]) -> None:
        super().__init__(len(resources))
        self.resources = list(resources)

    def attributes(self, number: int) -> dict[str, Json]:
        """Return the attributes of a record."""
        held: dict[str, Json] = self.resources[number].get("attributes") or {}
        return held
