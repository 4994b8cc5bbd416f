"""One record of API v1 and how either generation writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.sandbox.answer import Json

OLD, NEW = "1.0", "1.1"
_RANDOM = ("contributions", "relations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the server behaves: its generation, and whether agents come as data, which DataCite's own never did."""

    generation: str = NEW
    agents: bool = False

    @property
    def old(self) -> bool:
        """Whether it is the generation that mixed side-loads into `data`."""
        return self.generation == OLD


USUAL = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record; `links` name the id of the record behind each relationship, or None where there is none.

    `older` are the attributes as v1.0 had them, where they differ. `text` is what a search looks at, in lower case.
    """

    kind: str
    id: str
    attributes: Mapping[str, Json]
    links: Mapping[str, str | None] = field(default_factory=dict)
    older: Mapping[str, Json] | None = None
    text: str = ""

    @property
    def random(self) -> bool:
        """Whether its id is another in every answer."""
        return self.kind in _RANDOM


def slug(name: str) -> str:
    """Write an id the way the server does: datacite_related becomes datacite-related."""
    return name.replace("_", "-").lower()
