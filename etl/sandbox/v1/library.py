"""All lists of API v1 for one state of a corpus, made on first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from etl.sandbox.corpus import Snapshot
from etl.sandbox.v1 import catalogue, links, organisations, vocabularies
from etl.sandbox.v1.entry import Entry, Manner


class Library:
    """The lists of API v1 by name; ids of DOIs begin with `root`: http in v1.0, https later."""

    def __init__(self, snapshot: Snapshot, root: str) -> None:
        # Mutable: the lists made so far, and their indexes by id.
        self._snapshot = snapshot
        self.root = root
        self._short: dict[str, Sequence[Entry]] = {}
        self._indexes: dict[str, dict[str, Entry]] = {}

    @cached_property
    def works(self) -> Sequence[Entry]:
        """The findable DOIs."""
        return catalogue.works(self._snapshot, self.root)

    @cached_property
    def relations(self) -> Sequence[Entry]:
        """Links between works."""
        return links.relations(self._snapshot, self.works, self.root)

    @cached_property
    def contributions(self) -> Sequence[Entry]:
        """Links between people and works."""
        return links.contributions(self._snapshot, self.works)

    def named(self, kind: str) -> Sequence[Entry]:
        """Return a list by its name in the API."""
        if kind in ("works", "relations", "contributions"):
            entries: Sequence[Entry] = getattr(self, kind)
            return entries
        if kind not in self._short:
            self._short[kind] = self._made(kind)
        return self._short[kind]

    def find(self, kind: str, name: str) -> Entry | None:
        """Return the record with an id, in any case."""
        index = self._indexes.get(kind)
        if index is None:
            index = self._indexes[kind] = {entry.id.lower(): entry for entry in self.named(kind)}
        return index.get(name.lower())

    def _made(self, kind: str) -> Sequence[Entry]:
        roster = self._snapshot.roster
        match kind:
            case "members":
                return organisations.members(roster)
            case "publishers":
                return organisations.publishers(roster)
            case "contributors":
                return links.contributors(self.contributions)
            case "events":
                return links.events(self.relations, self.contributions)
            case "sources":
                return vocabularies.sources([*self.relations, *self.contributions])
        return _VOCABULARIES[kind]()


_VOCABULARIES = {
    "agents": vocabularies.agents,
    "groups": vocabularies.groups,
    "pages": vocabularies.pages,
    "registration-agencies": vocabularies.registration_agencies,
    "relation-types": vocabularies.relation_types,
    "resource-types": vocabularies.resource_types,
    "work-types": vocabularies.work_types,
}


def library(snapshot: Snapshot, manner: Manner) -> Library:
    """Return the library of a state, the same one as long as the state lasts."""
    root = "http://" if manner.old else "https://"
    held = snapshot.shelf.get(root)
    if held is None:
        held = snapshot.shelf[root] = Library(snapshot, root)
    assert isinstance(held, Library)
    return held
