"""What "complete" means: counts in, a verdict with its reasons out.

Pure. Who counts, who fetches a short slice again and who publishes are other files.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from etl.api.window import EVERYTHING, Window
from etl.schema.declarations import Json


class State(StrEnum):
    """The four things a run can claim; `sample` claims nothing."""

    COMPLETE = "complete"
    DRIFTED = "drifted"
    SAMPLE = "sample"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted for one slice; `expected_*` is None where the API gives no total."""

    key: str
    window: Window = EVERYTHING
    expected_before: int | None
    expected_after: int | None
    received: int
    unique: int
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One record that was created, changed or withdrawn while the run went on, and where it was counted.

    `before` and `after`: was it in the slice's total then; `received`: was it among the records that came.
    """

    id: Annotated[str, Meta(description="Id of the record; empty if unknown.")]
    kind: Annotated[str, Meta(description="What happened to it: created, changed or withdrawn.")]
    slice_key: Annotated[str | None, Meta(description="Slice that counted it; null if none did.")]
    before: Annotated[bool, Meta(description="Whether the total before includes it.")]
    after: Annotated[bool, Meta(description="Whether the total after includes it.")]
    received: Annotated[bool, Meta(description="Whether it was received.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement: of the whole, of each slice, and why; `missing` counts records that nothing explains."""

    state: State
    unique: int
    missing: int
    slices: Mapping[str, State] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gap:
    """How far one count is from being complete, before and after what has moved is taken into account."""

    plain: bool
    explained: bool
    missing: int
    reason: str


def judge(
    tallies: Sequence[Tally],
    *,
    query_before: int | None,
    query_after: int | None,
    sample: bool = False,
    moved: Sequence[Move] = (),
    unique: int | None = None,
) -> Verdict:
    """Judge a run by the counts of its slices and of the whole query.

    `unique` is how many different records there are in all, by default the sum of the slices': less where one came in
    two of them. `moved` must name every record that explains a difference between what was counted and what came.
    """
    unique = sum(tally.unique for tally in tallies) if unique is None else unique
    if sample:
        return Verdict(state=State.SAMPLE, unique=unique, missing=0, slices=dict.fromkeys(_keys(tallies), State.SAMPLE))
    gaps = {tally.key: _slice_gap(tally, moved) for tally in tallies}
    whole = _gap("the query", query_before, query_after, unique=unique, moved=moved)
    parts = _sum_gap(tallies, query_before, moved)
    every = [*gaps.values(), whole, parts]
    return Verdict(
        state=_state(every),
        unique=unique,
        missing=max(sum(gap.missing for gap in gaps.values()), whole.missing),
        slices={key: _state([gap]) for key, gap in gaps.items()},
        reasons=tuple(gap.reason for gap in every if gap.reason),
        moved=tuple(moved),
    )


def publishable(
    verdict: Verdict, *, named: Collection[str] = (), max_missing: int = 0, allow_incomplete: bool = False
) -> bool:
    """Return whether the user's wishes let this verdict be published.

    `--max-missing` covers missing records only as far as each is named, and nothing but missing records.
    """
    if verdict.state is not State.INCOMPLETE or allow_incomplete:
        return True
    return 0 < verdict.missing <= min(max_missing, len(named)) and verdict.missing == _shortfall_only(verdict)


def _shortfall_only(verdict: Verdict) -> int:
    """Return the missing count if no reason but missing records stands against the verdict, else -1."""
    return verdict.missing if all(_SHORT in reason for reason in verdict.reasons) else -1


def _slice_gap(tally: Tally, moved: Iterable[Move]) -> _Gap:
    own = [move for move in moved if move.slice_key == tally.key]
    label = f"slice {tally.key}"
    return _gap(label, tally.expected_before, tally.expected_after, unique=tally.unique, moved=own)


def _gap(label: str, before: int | None, after: int | None, *, unique: int, moved: Sequence[Move]) -> _Gap:
    if before is None or after is None:
        return _Gap(plain=False, explained=False, missing=0, reason=f"{label}: the API gave no total to compare with")
    if before == unique == after and not moved:
        return _Gap(plain=True, explained=True, missing=0, reason="")
    expected = after + sum(move.received - move.after for move in moved)
    shifted = before + sum(move.after - move.before for move in moved)
    if unique == expected and shifted == after:
        return _Gap(plain=False, explained=True, missing=0, reason="")
    reason = _reason(label, (before, after), unique=unique, short=expected - unique)
    return _Gap(plain=False, explained=False, missing=max(expected - unique, 0), reason=reason)


def _sum_gap(tallies: Sequence[Tally], query_before: int | None, moved: Sequence[Move]) -> _Gap:
    """Compare the slices' totals before with the query's: the counts of a tiling add up to the whole."""
    counts = [tally.expected_before for tally in tallies]
    total = sum(count for count in counts if count is not None)
    if query_before is None or None in counts or total == query_before:
        return _Gap(plain=True, explained=True, missing=0, reason="")
    # The totals were asked for at different moments: records that moved in between may be in one and not in the other.
    if abs(total - query_before) <= sum(move.before != move.after for move in moved):
        return _Gap(plain=False, explained=True, missing=0, reason="")
    reason = f"the slices' totals add up to {total}, the query's own is {query_before}"
    return _Gap(plain=False, explained=False, missing=max(query_before - total, 0), reason=reason)


_SHORT = "short"


def _reason(label: str, totals: tuple[int, int], *, unique: int, short: int) -> str:
    before, after = totals
    counted = str(after) if before == after else f"{before} before and {after} after"
    if short > 0:
        return f"{label}: {short} {_SHORT} ({unique} of {counted})"
    if short < 0:
        return f"{label}: {-short} more than the API counts ({unique}, counted {counted})"
    return f"{label}: the total moved from {before} to {after} and nothing explains it"


def _state(gaps: Sequence[_Gap]) -> State:
    if all(gap.plain for gap in gaps):
        return State.COMPLETE
    return State.DRIFTED if all(gap.explained for gap in gaps) else State.INCOMPLETE


def _keys(tallies: Iterable[Tally]) -> list[str]:
    return [tally.key for tally in tallies]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludedTally:
    """The included records of one type: how many are linked, received, and missing of the linked."""

    linked: Annotated[int, Meta(description="Distinct linked records.", ge=0)]
    received: Annotated[int, Meta(description="Received records of this type.", ge=0)]
    missing: Annotated[int, Meta(description="Linked records that are missing.", ge=0)]
    named: Annotated[tuple[str, ...], Meta(description="Ids of the first missing records.")] = ()


def tally_included(linked: Collection[str], received: Collection[str], *, name_at_most: int = 100) -> IncludedTally:
    """Compare the ids that records link to with the ids of the included records, whatever their case."""
    had = {entry.lower() for entry in received}
    wanted = {entry.lower() for entry in linked}
    lost = sorted(wanted - had)
    return IncludedTally(linked=len(wanted), received=len(had), missing=len(lost), named=tuple(lost[:name_at_most]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCheck:
    """One facet of the API against the exported tables; `differing` maps an id to (API's count, exported count)."""

    name: Annotated[str, Meta(description="Name of the facet.")]
    ok: Annotated[bool, Meta(description="Whether the counts of the API equal those of the tables.")]
    cut_off: Annotated[bool, Meta(description="Whether the API listed only the most frequent values.")]
    compared: Annotated[int, Meta(description="Number of values compared.", ge=0)]
    differing: Annotated[
        Mapping[str, tuple[int, int]],
        Meta(description="Values with different counts: that of the API, and that of the tables."),
    ] = field(default_factory=dict)


def buckets(facet: Json, *, dashed: bool = False) -> list[tuple[str, int]]:
    """Read a facet's ids and counts: a list of buckets, or the object of counts of v1.0; null has none (api-notes 7.7).

    `dashed` writes ids as the records of v1 do, whose facets have underscores in them.
    """
    if isinstance(facet, dict):
        found = [(str(name), int(count)) for name, count in facet.items()]
    else:
        every = [one for one in facet if isinstance(one, dict)] if isinstance(facet, list) else []
        found = [(str(one["id"]), int(one["count"])) for one in every if one.get("id") is not None]
    return [(name.replace("_", "-"), count) for name, count in found] if dashed else found


def reconcile(
    name: str,
    buckets: Sequence[tuple[str, int]],
    exported: Mapping[str, int],
    *,
    size: int,
    tolerance: int = 0,
) -> FacetCheck:
    """Compare a facet's buckets (id, count) with the exported counts (api-notes 4.10).

    A list as long as `size` is cut off: ids it does not name may have at most as many records as its last bucket,
    and shards may have miscounted what it does name by `tolerance`. Some ids come twice: their counts are added.
    """
    counted, had = _alike(buckets), _alike(exported.items())
    cut_off = len(buckets) >= size
    ceiling = min((count for _, count in buckets), default=0) if cut_off else 0
    allowed = tolerance if cut_off else 0
    differing = {
        bucket: (n, had.get(bucket, 0)) for bucket, n in counted.items() if abs(n - had.get(bucket, 0)) > allowed
    }
    unlisted = {entry: (0, n) for entry, n in had.items() if entry not in counted and n > ceiling + allowed}
    return FacetCheck(
        name=name,
        ok=not differing and not unlisted,
        cut_off=cut_off,
        compared=len(counted),
        differing=dict(sorted({**differing, **unlisted}.items())),
    )


def _alike(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up the counts of ids that differ only in case and blanks, as the API's filters do."""
    sums: dict[str, int] = {}
    for name, count in counts:
        plain = name.strip().lower()
        sums[plain] = sums.get(plain, 0) + count
    return sums
