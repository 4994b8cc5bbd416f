"""A corpus: all records, clients and providers that a sandbox serves, at one time.

`Snapshot` never changes; `Corpus` holds the current one and swaps it when records are created, updated or withdrawn,
so that a request sees one state from beginning to end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from etl.sandbox import given
from etl.sandbox.answer import Json
from etl.sandbox.content import happenings, index, organisations
from etl.sandbox.content.organisations import Roster
from etl.sandbox.content.registrations import Registrations
from etl.sandbox.params import Params, parse
from etl.sandbox.pool import GivenPool, MadePool, Pool
from etl.sandbox.render import GivenRenderer, MadeRenderer, Renderer, whole
from etl.sandbox.search.filters import key, selection
from etl.sandbox.search.matches import Matches
from etl.sandbox.search.meaning import Scope
from etl.sandbox.v1.entry import USUAL, Manner
from etl.sandbox.views import View

DEFAULT_RECORDS = 5000
DEFAULT_SEED = 20261121
_VIEWS = {
    "list": View(),
    "detail": View(detail=True, single=True, affiliation=True, publisher=True),
}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One state of a corpus; `frame` is sorted by (created, uid)."""

    frame: pl.DataFrame
    pool: Pool
    roster: Roster
    renderer: Renderer
    included: Mapping[tuple[str, str], Json]
    seed: int = DEFAULT_SEED

    @cached_property
    def matches(self) -> Matches:
        """The searches in this state."""
        return Matches(self.frame)

    @cached_property
    def registrations(self) -> Registrations:
        """The repositories and prefixes, derived from the roster."""
        return Registrations(self.roster)

    @cached_property
    def activities(self) -> Sequence[Json]:
        """The changes of records."""
        return happenings.activities(self.frame, self.roster)

    @cached_property
    def events(self) -> Sequence[Json]:
        """Citations, usage and authorship."""
        return happenings.events(self.frame, self.roster)

    @cached_property
    def shelf(self) -> dict[str, object]:
        """Data that other dialects derive from this state, kept as long as it lasts."""
        return {}

    @property
    def scope(self) -> Scope:
        """The data that queries search."""
        return Scope(self.roster, self.pool)

    def rows(self, params: Params) -> pl.Series:
        """Return the numbers of the matching rows, ascending; raises ValueError with the server's text."""
        return self.matches.rows(key(params), lambda: selection(params, self.scope))

    def rows_of(self, ids: Sequence[str]) -> pl.Series:
        """Return the numbers of the rows of DOIs, findable or not, in any case; unknown ones are omitted."""
        wanted = pl.Series([doi.lower() for doi in ids], dtype=pl.String)
        return self.frame.select(pl.col("uid").is_in(wanted.implode()).arg_true()).to_series().cast(pl.UInt32)


class Corpus:
    """The records that a sandbox serves, and the truth for tests."""

    def __init__(self, snapshot: Snapshot, manner: Manner = USUAL) -> None:
        self.manner = manner
        # Mutable: the present state, swapped as a whole under the lock by those who change it.
        self.now = snapshot
        self._lock = threading.Lock()

    @classmethod
    def generate(cls, records: int = DEFAULT_RECORDS, seed: int = DEFAULT_SEED, *, manner: Manner = USUAL) -> Corpus:
        """Generate a corpus that depends only on the two numbers; `manner` is the behaviour of its API v1."""
        roster = organisations.build_roster(records, seed)
        pool = MadePool(seed, min(4000, max(1000, records // 50)))
        frame = index.build_index(records, seed, roster, pool.usual)
        renderer = MadeRenderer(pool, roster, frame["uid"])
        return cls(Snapshot(frame=frame, pool=pool, roster=roster, renderer=renderer, included={}, seed=seed), manner)

    @classmethod
    def from_records(cls, records: Sequence[Json], included: Sequence[Json] = ()) -> Corpus:
        """Serve given DOI resource objects unchanged, with given clients, providers and media."""
        pool = GivenPool(records)
        roster = given.roster(records, included)
        return cls(_given(pool, given.frame(pool.resources, roster), roster, included))

    def __len__(self) -> int:
        return len(self.now.frame)

    def record(self, ordinal: int, view: str = "list") -> Json:
        """Return the resource object at a position in (created, uid) order, in the "list" or the "detail" view."""
        snapshot = self.now
        return whole(snapshot.renderer.pieces(snapshot.frame.slice(ordinal, 1), _VIEWS[view]))

    def search(self, params: Mapping[str, str] | str = "") -> list[int]:
        """Return the positions of the records that filters and query select, in (created, uid) order."""
        asked = parse(params) if isinstance(params, str) else Params(plain=_underscored(params))
        rows: list[int] = self.now.rows(asked).to_list()
        return rows

    def ids(self, params: Mapping[str, str] | str = "") -> list[str]:
        """Return the lower-case DOIs of the records that filters and query select, in (created, uid) order."""
        uids: list[str] = self.now.frame["uid"].gather(self.search(params)).to_list()
        return uids

    def create(self, count: int, *, at: datetime) -> list[str]:
        """Add generated records with a creation time, and return their DOIs; for given corpora use `put`."""
        with self._lock:
            snapshot = self.now
            assert isinstance(snapshot.pool, MadePool)
            added = index.additions(snapshot.frame, count, int(at.timestamp()), snapshot.roster, snapshot.pool.usual)
            self._swap(pl.concat([snapshot.frame, added]))
            return added["uid"].to_list()

    def update(self, ids: Sequence[str], *, at: datetime) -> None:
        """Change records: another metadata version and, for generated ones, other content."""
        with self._lock:
            snapshot = self.now
            changed = _is_one_of(ids)
            if isinstance(snapshot.pool, GivenPool):
                self.now = _updated_given(snapshot, changed, at)
                return
            assert isinstance(snapshot.pool, MadePool)
            moment = pl.lit(int(at.timestamp() * 1000), dtype=pl.Int64)
            template = ((pl.col("template") + 1) % snapshot.pool.usual).cast(pl.UInt32)
            self._swap(
                snapshot.frame.with_columns(
                    updated=pl.when(changed).then(moment).otherwise("updated"),
                    version=pl.when(changed).then(pl.col("version") + 1).otherwise("version"),
                    template=pl.when(changed).then(template).otherwise("template"),
                )
            )

    def withdraw(self, ids: Sequence[str]) -> None:
        """Hide records: they become `registered`, are no longer listed, and answer 404."""
        with self._lock:
            self._swap(self.now.frame.with_columns(findable=pl.col("findable") & ~_is_one_of(ids)))

    def restore(self, ids: Sequence[str], *, at: datetime) -> None:
        """Show hidden records again: the change of state is an update, as on the real server."""
        with self._lock:
            shown = _is_one_of(ids)
            moment = pl.lit(int(at.timestamp() * 1000), dtype=pl.Int64)
            self._swap(
                self.now.frame.with_columns(
                    findable=pl.col("findable") | shown,
                    updated=pl.when(shown).then(moment).otherwise("updated"),
                )
            )

    def apply(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Change the frame of a generated corpus."""
        with self._lock:
            self._swap(change(self.now.frame))

    def put(self, records: Sequence[Json]) -> None:
        """Add or replace given records, by DOI."""
        with self._lock:
            snapshot = self.now
            assert isinstance(snapshot.pool, GivenPool)
            fresh = {str(record["id"]).lower(): record for record in records}
            kept = [record for record in snapshot.pool.resources if str(record["id"]).lower() not in fresh]
            self.now = _changed_given(snapshot, [*kept, *fresh.values()], shown=fresh)

    def _swap(self, frame: pl.DataFrame) -> None:
        snapshot = self.now
        self.now = Snapshot(
            frame=frame.sort("created", "uid"),
            pool=snapshot.pool,
            roster=snapshot.roster,
            renderer=snapshot.renderer,
            included=snapshot.included,
            seed=snapshot.seed,
        )


def _underscored(params: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in params.items()}


def _is_one_of(ids: Sequence[str]) -> pl.Expr:
    return pl.col("uid").is_in(pl.Series([doi.lower() for doi in ids], dtype=pl.String).implode())


def _given(pool: GivenPool, frame: pl.DataFrame, roster: Roster, included: Sequence[Json]) -> Snapshot:
    return Snapshot(
        frame=frame,
        pool=pool,
        roster=roster,
        renderer=GivenRenderer(pool),
        included={(resource["type"], resource["id"]): resource for resource in included},
    )


def _updated_given(snapshot: Snapshot, changed: pl.Expr, at: datetime) -> Snapshot:
    assert isinstance(snapshot.pool, GivenPool)
    resources = list(snapshot.pool.resources)
    for number in snapshot.frame.filter(changed)["template"].to_list():
        resources[number] = given.touched(resources[number], at)
    return _changed_given(snapshot, resources)


def _changed_given(snapshot: Snapshot, resources: Sequence[Json], shown: Container[str] = ()) -> Snapshot:
    """Return the state with other records; withdrawn ones stay so unless they are shown again."""
    hidden = [uid for uid in snapshot.frame.filter(~pl.col("findable"))["uid"].to_list() if uid not in shown]
    included = list(snapshot.included.values())
    roster = given.roster(resources, included)
    frame = given.frame(resources, roster).with_columns(findable=~_is_one_of(hidden))
    return _given(GivenPool(resources), frame, roster, included)
