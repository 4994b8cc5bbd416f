"""One record of API v1, as either generation writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.sandbox.answer import Json

OLD, NEW = "1.0", "1.1"
_RANDOM = ("contributions", "relations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """The behaviour of the server: its generation, and whether agents are data, which they never were at DataCite."""

    generation: str = NEW
    agents: bool = False

    @property
    def old(self) -> bool:
        """Whether it is the generation that mixes included records into `data`."""
        return self.generation == OLD


USUAL = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record; `links` has the id of the record of each relationship, or None.

    `older` are the attributes of v1.0, if they differ. `text` is the searchable text, in lower case.
    """

    kind: str
    id: str
    attributes: Mapping[str, Json]
    links: Mapping[str, str | None] = field(default_factory=dict)
    older: Mapping[str, Json] | None = None
    text: str = ""

    @property
    def random(self) -> bool:
        """Whether its id differs in every answer."""
        return self.kind in _RANDOM


def slug(name: str) -> str:
    """Write an id like the server: datacite_related becomes datacite-related."""
    return name.replace("_", "-").lower()
