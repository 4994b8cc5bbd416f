"""Explain why counts differ at the end of a run: by what changed meanwhile, and by listing each differing slice.

`verdict` and `index_changes` draw the conclusions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor

import polars as pl

from etl.api.window import EVERYTHING, Window
from etl.completeness import index_changes, verdict
from etl.completeness.index_changes import RECORDS, Differences
from etl.completeness.slices import Plan
from etl.completeness.verdict import Move, State, Tally, Verdict
from etl.dataset.layout import Layout
from etl.dataset.reader import reader
from etl.runs.context import Run
from etl.runs.export.as_of import count_settled
from etl.runs.export.confirm_deletions import fates
from etl.runs.export.listing import listed_now, moved_since, readable
from etl.staging.part import PartReceipt
from etl.steps import together
from etl.storage import paths
from etl.storage.files import Files

NAMED = 10_000
"""Maximum number of moved records that a manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, the counts on which it rests, and the records known to be missing."""

    tallies: Sequence[Tally]
    after: int
    verdict: Verdict
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The facts by which a run is judged: its plan and its results. `unique` is the number of distinct records."""

    planned: Plan
    tallies: tuple[Tally, ...]
    parts: Mapping[str, Sequence[PartReceipt]]
    unique: int

    @property
    def bound(self) -> int | None:
        """The moment that bounds the counts of the slices, None if they count everything."""
        return self.planned.slices[0].as_of if self.planned.slices else None

    def judge(
        self,
        after: int,
        tallies: Sequence[Tally],
        movement: "Movement | None" = None,
        moved: Sequence[Move] = (),
        *,
        sample: bool = False,
    ) -> Judgement:
        """Judge the run by the last total, and by the known movement."""
        judged = verdict.judge(
            tallies,
            query_before=self.planned.total,
            query_after=after,
            sample=sample,
            left=(0, 0) if movement is None else (sum(movement.left.values()), sum(movement.left_before.values())),
            moved=moved if movement is None else [*movement.named, *moved],
            unique=self.unique,
            listed=self.planned.listed,
        )
        return Judgement(tallies=tallies, after=after, verdict=judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """The movement during a run: how many records of each slice `left` the totals after they arrived, and some names.

    `left_before` counts those that left before the last total was counted.
    """

    left: Mapping[str, int]
    left_before: Mapping[str, int]
    named: tuple[Move, ...]


async def judge(run: Run, proof: Fetched) -> Judgement:
    """Judge a run by its counts; if they do not simply agree, by movement, as far as necessary."""
    sample = run.delivery.limit is not None
    after = await _total(run, proof)
    judged = proof.judge(after, proof.tallies, sample=sample)
    if judged.verdict.state is State.SAMPLE:
        return judged
    if judged.verdict.state is State.COMPLETE and not await _created(run, proof):
        return judged
    movement = None
    if proof.bound is not None:
        movement = await _movement(run, proof, counted_at=run.client.server_time())
        if any(move.kind == "created" for move in movement.named):
            proof = replace(proof, planned=replace(proof.planned, listed=None))
        judged = proof.judge(after, proof.tallies, movement)
    if judged.verdict.state is not State.INCOMPLETE or not readable(run.layout):
        return judged
    return await _listed(run, proof, movement)


async def _created(run: Run, proof: Fetched) -> bool:
    """Return whether records were created while others changed: equal totals may then hide withdrawn ones."""
    if not any(tally.recent for tally in proof.tallies) or run.query.resource.slice_on is None:
        return False
    return await run.client.count(run.query, Window(proof.planned.as_of, None)) > 0


async def _total(run: Run, proof: Fetched) -> int:
    window = EVERYTHING if proof.planned.until is None else Window(None, proof.planned.until)
    return await count_settled(run, proof.bound, window)


async def _movement(run: Run, proof: Fetched, *, counted_at: float | None) -> Movement:
    """Find the records that changed at or after the moment of the proof; the last total was counted later."""
    as_of, named = proof.planned.as_of, list[Move]()
    left, left_before = dict[str, int](), dict[str, int]()
    movers = await moved_since(run, as_of)
    movers = pl.DataFrame(schema=RECORDS) if movers is None else movers
    before = pl.col("updated") < (0 if counted_at is None else floor(counted_at))
    for tally in proof.tallies:
        here = index_changes.within(movers, tally.window)
        named += index_changes.moves_by_time(here, as_of=as_of, key=tally.key)
        if here.height:
            received = await run.in_thread(_received, run, proof, tally)
            left[tally.key] = index_changes.count_changed(received, here, as_of=as_of)
            left_before[tally.key] = index_changes.count_changed(received, here.filter(before), as_of=as_of)
    return Movement(left=left, left_before=left_before, named=tuple(named[:NAMED]))


async def _listed(run: Run, proof: Fetched, movement: Movement | None) -> Judgement:
    """Count each slice again, and list those whose counts still do not agree."""
    tallies = list(proof.tallies)
    after = await _total(run, proof)
    if proof.bound is not None:
        counts = await together(count_settled(run, proof.bound, tally.window) for tally in tallies)
        movement = await _movement(run, proof, counted_at=run.client.server_time())
        tallies = [_recounted(tally, count, movement) for tally, count in zip(tallies, counts, strict=True)]
    judged = proof.judge(after, tallies, movement)
    doubtful = [key for key, state in judged.verdict.slices.items() if state is State.INCOMPLETE]
    if not doubtful and judged.verdict.state is State.INCOMPLETE and len(tallies) == 1:
        doubtful = [tallies[0].key]
    missing: list[str] = []
    departed: list[Move] = []
    for at, tally in enumerate(tallies):
        if tally.key in doubtful and (listed := await listed_now(run, tally.window)) is not None:
            received = await run.in_thread(_received, run, proof, tally)
            differences = index_changes.compare(received, listed, as_of=proof.planned.as_of)
            tallies[at], moves = await settle_by_listing(run, tally, differences, listed, as_of=proof.planned.as_of)
            departed += moves
            missing += differences.missing
    return replace(proof.judge(judged.after, tallies, movement, departed), missing=tuple(missing))


def _recounted(tally: Tally, count: int, movement: Movement) -> Tally:
    left, left_before = (counts.get(tally.key, 0) for counts in (movement.left, movement.left_before))
    return replace(tally, expected_after=count, left=left, left_before=left_before)


async def settle_by_listing(
    run: Run, tally: Tally, differences: Differences, listed: pl.DataFrame, *, as_of: int
) -> tuple[Tally, list[Move]]:
    """Return the tally as settled by a listing, and the moves that it names."""
    known = await fates(run, differences.unlisted, listed, since=as_of)
    moves = index_changes.moves_by_fate(known, tally.key)
    listing = index_changes.settle(differences, known)
    return replace(tally, expected_after=differences.settled, listing=listing), moves


def _received(run: Run, proof: Fetched, tally: Tally) -> pl.DataFrame:
    """Read the ids and times of a slice's records from the staged files of its part."""
    key = next(part.key for part in proof.planned.parts if any(piece.key == tally.key for piece in part.slices))
    staged = (frame for group in proof.parts[key] for frame in _staged(run.files, run.layout, group))
    return index_changes.within(pl.concat([pl.DataFrame(schema=RECORDS), *staged]), tally.window)


def _staged(files: Files, layout: Layout, part: PartReceipt) -> Iterable[pl.DataFrame]:
    main, key, sink = layout.resource.main, layout.resource.key.name, reader(layout)
    schema = layout.columns(main)
    for file in part.tables.get(layout.prefix + main.name, ()):
        if file.path.endswith(sink.suffix) and files.exists(paths.staged(file.path)):
            with files.open(paths.staged(file.path)) as source:
                frame = sink.read(source, schema, [key, "created", "updated"])
            times = [pl.col(name).dt.epoch("s").alias(name) for name in ("created", "updated")]
            yield frame.select(pl.col(key).alias("id"), *times).cast(RECORDS)  # type: ignore[arg-type]
