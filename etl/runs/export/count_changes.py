"""Why counts differ at the end of a run: what changed meanwhile, and slice by slice what is listed now.

What follows from the answers is decided in `verdict` and `index_changes`.
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
"""So many of the records that moved are named in a manifest at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdict, the counts that it was passed on, and the records known to be missing."""

    tallies: Sequence[Tally]
    after: int
    verdict: Verdict
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a run is judged by: the plan, and what came of it. `unique` is the number of distinct records in all."""

    planned: Plan
    tallies: tuple[Tally, ...]
    parts: Mapping[str, Sequence[PartReceipt]]
    unique: int

    @property
    def bound(self) -> int | None:
        """The moment before which the slices count, None where they count everything."""
        return self.planned.slices[0].as_of if self.planned.slices else None

    def judge(
        self,
        after: int,
        tallies: Sequence[Tally],
        movement: "Movement | None" = None,
        moved: Sequence[Move] = (),
        *,
        sample: bool = False,
    ) -> Judged:
        """Judge what came by the last total, and by what is known to have moved."""
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
        return Judged(tallies=tallies, after=after, verdict=judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moved in a run: the records of each slice that `left` the totals since they came, and some by name.

    Those that `left_before` the last total was counted are not in it.
    """

    left: Mapping[str, int]
    left_before: Mapping[str, int]
    named: tuple[Move, ...]


async def judge(run: Run, proof: Proof) -> Judged:
    """Judge a run by its counts; where they do not simply agree, by what has moved, as far as it takes."""
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


async def _created(run: Run, proof: Proof) -> bool:
    """Return whether records were created while others changed: totals that agree may then hide what is gone."""
    if not any(tally.recent for tally in proof.tallies) or run.query.resource.slice_on is None:
        return False
    return await run.client.count(run.query, Window(proof.planned.as_of, None)) > 0


async def _total(run: Run, proof: Proof) -> int:
    window = EVERYTHING if proof.planned.until is None else Window(None, proof.planned.until)
    return await count_settled(run, proof.bound, window)


async def _movement(run: Run, proof: Proof, *, counted_at: float | None) -> Movement:
    """Find out what changed at or after the moment of the proof; the last total was counted at another."""
    as_of, named = proof.planned.as_of, list[Move]()
    left, left_before = dict[str, int](), dict[str, int]()
    movers = await moved_since(run, as_of)
    movers = pl.DataFrame(schema=RECORDS) if movers is None else movers
    before = pl.col("updated") < (0 if counted_at is None else floor(counted_at))
    for tally in proof.tallies:
        here = index_changes.within(movers, tally.window)
        named += index_changes.moves_by_time(here, as_of=as_of, key=tally.key)
        if here.height:
            received = await run.aside(_received, run, proof, tally)
            left[tally.key] = index_changes.count_changed(received, here, as_of=as_of)
            left_before[tally.key] = index_changes.count_changed(received, here.filter(before), as_of=as_of)
    return Movement(left=left, left_before=left_before, named=tuple(named[:NAMED]))


async def _listed(run: Run, proof: Proof, movement: Movement | None) -> Judged:
    """Count each slice again, and read the lists of those whose counts still do not agree."""
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
    gone: list[Move] = []
    for at, tally in enumerate(tallies):
        if tally.key in doubtful and (listed := await listed_now(run, tally.window)) is not None:
            received = await run.aside(_received, run, proof, tally)
            found = index_changes.compare(received, listed, as_of=proof.planned.as_of)
            tallies[at], moves = await settled_by(run, tally, found, listed, as_of=proof.planned.as_of)
            gone += moves
            missing += found.missing
    return replace(proof.judge(judged.after, tallies, movement, gone), missing=tuple(missing))


def _recounted(tally: Tally, count: int, movement: Movement) -> Tally:
    left, left_before = (counts.get(tally.key, 0) for counts in (movement.left, movement.left_before))
    return replace(tally, expected_after=count, left=left, left_before=left_before)


async def settled_by(
    run: Run, tally: Tally, found: Differences, listed: pl.DataFrame, *, as_of: int
) -> tuple[Tally, list[Move]]:
    """Return the tally that a listing settles, and the moves that it names."""
    known = await fates(run, found.unlisted, listed, since=as_of)
    moves = index_changes.moves_by_fate(known, tally.key)
    listing = index_changes.settle(found, known)
    return replace(tally, expected_after=found.settled, listing=listing), moves


def _received(run: Run, proof: Proof, tally: Tally) -> pl.DataFrame:
    """Read the ids and times of the records that came in a slice from the staged files of its part."""
    part = next(each.key for each in proof.planned.parts if any(one.key == tally.key for one in each.slices))
    staged = (frame for group in proof.parts[part] for frame in _staged(run.files, run.layout, group))
    return index_changes.within(pl.concat([pl.DataFrame(schema=RECORDS), *staged]), tally.window)


def _staged(files: Files, layout: Layout, part: PartReceipt) -> Iterable[pl.DataFrame]:
    main, key, sink = layout.resource.main, layout.resource.key.name, reader(layout)
    schema = layout.columns(main)
    for file in part.tables.get(layout.prefix + main.name, ()):
        if file.path.endswith(sink.suffix) and files.exists(paths.staged(file.path)):
            with files.open(paths.staged(file.path)) as source:
                found = sink.read(source, schema, [key, "created", "updated"])
            times = [pl.col(name).dt.epoch("s").alias(name) for name in ("created", "updated")]
            yield found.select(pl.col(key).alias("id"), *times).cast(RECORDS)  # type: ignore[arg-type]
