"""What "complete" means: counts in, a verdict with its reasons out.

Pure. Other modules count, fetch short slices again, and publish.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from etl.api.window import EVERYTHING, Window
from etl.events import counted
from etl.schema.declarations import Json


class State(StrEnum):
    """The four things a run can claim; `sample` claims nothing."""

    COMPLETE = "complete"
    DRIFTED = "drifted"
    SAMPLE = "sample"
    INCOMPLETE = "incomplete"


_FEW, _FEW_SHARE = 20, 1_000


def few(records: int) -> int:
    """Return how many of a number of records may move during a count without being named."""
    return max(_FEW, records // _FEW_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingOutcome:
    """The outcome of listing a slice's ids: missing records, and the number of unexplained unlisted ones."""

    missing: tuple[str, ...] = ()
    strange: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one slice; `expected_*` is None where the API gives no total.

    Of the `unique` records, the `recent` ones changed at or after the moment of the proof: the totals exclude them.
    `left` records changed, or were withdrawn, after they arrived: the total after may count some of them, but none of
    the `left_before`. A `listing` settles what the counts leave open. `walked` is the total that the pages themselves
    showed, of all records whenever they changed.
    """

    key: str
    window: Window = EVERYTHING
    expected_before: int | None
    expected_after: int | None
    received: int
    unique: int
    attempts: int = 1
    recent: int = 0
    left: int = 0
    left_before: int = 0
    listing: ListingOutcome | None = None
    walked: int | None = None

    @property
    def settled(self) -> int:
        """The distinct records that the totals count."""
        return self.unique - self.recent


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One record that was created, changed or withdrawn during the run."""

    id: Annotated[str, Meta(description="Id of the record.")]
    kind: Annotated[str, Meta(description="`created`, `changed` or `withdrawn`.")]
    slice_key: Annotated[str | None, Meta(description="Slice of the record; null if it is in none.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on the whole and on each slice, with reasons; `missing` counts records that nothing explains."""

    state: State
    unique: int
    missing: int
    slices: Mapping[str, State] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gap:
    """The gap that one comparison shows, and whether movement explains it."""

    plain: bool
    explained: bool
    missing: int
    reason: str


_EQUAL = _Gap(plain=True, explained=True, missing=0, reason="")
_MOVED = _Gap(plain=False, explained=True, missing=0, reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """The counts of a slice or of the whole: totals before and after, records received, and those that left since."""

    before: int
    after: int
    settled: int
    recent: int
    left: int
    left_before: int

    @property
    def fewest(self) -> int:
        """The lowest total after that all records here allow."""
        return self.settled - self.left

    @property
    def most(self) -> int:
        """The highest total after that all records here allow."""
        return self.settled - self.left_before


def judge(
    tallies: Sequence[Tally],
    *,
    query_before: int | None,
    query_after: int | None,
    sample: bool = False,
    left: tuple[int, int] = (0, 0),
    moved: Sequence[Move] = (),
    unique: int | None = None,
    listed: int | None = None,
) -> Verdict:
    """Judge a run by the counts of its slices and of the whole query.

    The records that the totals count can only become fewer: they change, or are withdrawn. So everything that the last
    total counts is here if it equals the records received, less those that `left` since: at least those that left
    before that total was counted, at most all of them. `unique` is the number of distinct records, by default the sum
    over the slices; it is less if a record arrived in two slices. `listed` is the number of all records when the run
    was planned, whenever they changed: an index that always had as many has not drifted.
    """
    total = sum(tally.unique for tally in tallies)
    unique = total if unique is None else unique
    if sample:
        return Verdict(state=State.SAMPLE, unique=unique, missing=0, slices=dict.fromkeys(_keys(tallies), State.SAMPLE))
    cut = len(tallies) > 1
    gaps = {tally.key: _slice_gap(tally, cut=cut) for tally in tallies}
    proved = cut and all(gap.explained for gap in gaps.values())
    whole = _whole_gap(tallies, (query_before, query_after), left, twice=total - unique, proved=proved)
    every = [*gaps.values(), whole]
    still = listed is not None and listed == unique == sum(tally.walked or 0 for tally in tallies)
    return Verdict(
        state=_state(every, still=still),
        unique=unique,
        missing=max(sum(gap.missing for gap in gaps.values()), whole.missing),
        slices={key: _state([gap], still=still) for key, gap in gaps.items()},
        reasons=tuple(gap.reason for gap in every if gap.reason),
        moved=tuple(moved),
    )


def publishable(
    verdict: Verdict, *, named: Collection[str] = (), max_missing: int = 0, allow_incomplete: bool = False
) -> bool:
    """Return whether the user's options allow a dataset with this verdict to be published.

    `--max-missing` covers nothing but missing records, and only if each is named.
    """
    if verdict.state is not State.INCOMPLETE or allow_incomplete:
        return True
    return 0 < verdict.missing <= min(max_missing, len(named)) and verdict.missing == _shortfall_only(verdict)


def _shortfall_only(verdict: Verdict) -> int:
    """Return the number of missing records if they are the only reason for the verdict, else -1."""
    return verdict.missing if all(_SHORT in reason for reason in verdict.reasons) else -1


def _slice_gap(tally: Tally, *, cut: bool) -> _Gap:
    label = f"slice {tally.key}"
    if tally.listing is not None:
        return _listing_gap(label, tally, tally.listing)
    counts = _Counts(
        before=tally.expected_before or 0,
        after=tally.expected_after or 0,
        settled=tally.settled,
        recent=tally.recent,
        left=tally.left,
        left_before=tally.left_before,
    )
    proved = cut and counts.settled == counts.before
    return _gap(label, counts, proved=proved) if _counted(tally) else _unknown(label)


def _listing_gap(label: str, tally: Tally, listing: ListingOutcome) -> _Gap:
    if not listing.missing and not listing.strange:
        return _MOVED
    reason = f"{label}: {counted(listing.strange, 'record')} no longer listed, but not known to be withdrawn"
    if listing.missing:
        reason = f"{label}: {len(listing.missing)} {_SHORT} ({tally.settled} of {tally.expected_after})"
    return _Gap(plain=False, explained=False, missing=len(listing.missing), reason=reason)


def _whole_gap(
    tallies: Sequence[Tally], totals: tuple[int | None, int | None], left: tuple[int, int], *, twice: int, proved: bool
) -> _Gap:
    """Compare the query's totals with the records received, without the slices that a listing has settled."""
    before, after = totals
    if before is None or after is None:
        return _unknown("the query")
    listed = [tally for tally in tallies if tally.listing is not None]
    others = [tally for tally in tallies if tally.listing is None]
    counts = _Counts(
        before=before - sum(tally.expected_before or 0 for tally in listed),
        after=after - sum(tally.expected_after or 0 for tally in listed),
        settled=sum(tally.settled for tally in others) - twice,
        recent=sum(tally.recent for tally in others),
        left=left[0] - sum(tally.left for tally in listed),
        left_before=left[1] - sum(tally.left_before for tally in listed),
    )
    gap = _gap("the query", counts, proved=proved)
    if listed and not gap.explained and abs(counts.most - counts.after) <= few(before):
        return _MOVED  # its total and the listings are from different moments
    return gap


def _gap(label: str, counts: _Counts, *, proved: bool) -> _Gap:
    """Compare counts; `proved` says that everything counted before arrived, so that few withdrawals need no name.

    In a query of a single slice each gets its name, which costs a page or two.
    """
    if counts.before == counts.settled == counts.after and not counts.left:
        return _MOVED if counts.recent else _EQUAL
    highest = max(counts.before, counts.after)  # a higher total after includes what the index listed late
    never_came = highest - counts.settled - counts.recent  # withdrawn before they arrived
    short, over = max(counts.after - counts.most, 0), max(counts.settled - highest, 0)
    nameless = min(few(highest), highest // 10) if proved else 0
    if not short and not over and counts.after >= counts.fewest - nameless and never_came <= few(highest):
        return _MOVED
    return _Gap(plain=False, explained=False, missing=short, reason=_reason(label, counts, short=short, over=over))


_SHORT = "short"


def _reason(label: str, counts: _Counts, *, short: int, over: int) -> str:
    before, after = counts.before, counts.after
    totals = str(after) if before == after else f"{before} before and {after} after"
    if short:
        return f"{label}: {short} {_SHORT} ({counts.most} of {totals})"
    if over:
        return f"{label}: {over} more than the API counts ({counts.settled}, counted {totals})"
    return f"{label}: the total moved from {before} to {after} and nothing explains it"


def _counted(tally: Tally) -> bool:
    return tally.expected_before is not None and tally.expected_after is not None


def _unknown(label: str) -> _Gap:
    return _Gap(plain=False, explained=False, missing=0, reason=f"{label}: there is no total to compare with")


def _state(gaps: Sequence[_Gap], *, still: bool) -> State:
    if not all(gap.explained for gap in gaps):
        return State.INCOMPLETE
    return State.COMPLETE if still or all(gap.plain for gap in gaps) else State.DRIFTED


def _keys(tallies: Iterable[Tally]) -> list[str]:
    return [tally.key for tally in tallies]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludedTally:
    """The included records of one type: how many are linked, received, and missing from the linked ones."""

    linked: Annotated[int, Meta(description="Distinct linked records.", ge=0)]
    received: Annotated[int, Meta(description="Received records of this type.", ge=0)]
    missing: Annotated[int, Meta(description="Linked records that are missing.", ge=0)]
    named: Annotated[tuple[str, ...], Meta(description="Ids of the first missing records.")] = ()


def tally_included(linked: Collection[str], received: Collection[str], *, name_at_most: int = 100) -> IncludedTally:
    """Compare the linked ids with those of the included records, ignoring case."""
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

    `dashed` writes ids with dashes, as in the records of v1; its facets use underscores.
    """
    if isinstance(facet, dict):
        counts = [(str(name), int(count)) for name, count in facet.items()]
    else:
        entries = [entry for entry in facet if isinstance(entry, dict)] if isinstance(facet, list) else []
        counts = [(str(entry["id"]), int(entry["count"])) for entry in entries if entry.get("id") is not None]
    return [(name.replace("_", "-"), count) for name, count in counts] if dashed else counts


def reconcile(
    name: str,
    buckets: Sequence[tuple[str, int]],
    exported: Mapping[str, int],
    *,
    size: int,
    tolerance: int = 0,
) -> FacetCheck:
    """Compare a facet's buckets (id, count) with the exported counts (api-notes 4.10).

    A list as long as `size` is cut off: ids that it does not name may have at most as many records as its last bucket,
    and shards may have miscounted the others by up to `tolerance`. The counts of repeated ids are added up.
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
    """Add up the counts of ids that differ only in case and surrounding blanks, as the API's filters do."""
    sums: dict[str, int] = {}
    for name, count in counts:
        plain = name.strip().lower()
        sums[plain] = sums.get(plain, 0) + count
    return sums
