"""The end of a run: all parts put together, counts judged, and what may be published switched in.

What "complete" means is in `completeness`, how files are put together in `closing`, how the switch is made in `store`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from etl.api.query import named
from etl.api.window import iso
from etl.completeness import verdict as completeness
from etl.completeness import watermark
from etl.completeness.slices import Part, Plan, Slice
from etl.completeness.verdict import State, Verdict
from etl.dataset.manifest import Manifest, TableFacts
from etl.dataset.manifest_build import Evidence, Provenance, build
from etl.dataset.request import Delivery
from etl.dataset.store import Receipt, Store
from etl.errors import StoreError
from etl.events import Noted, listed
from etl.runs.context import Outcome, Run
from etl.runs.export import count_changes, facet_check, report, volume
from etl.runs.export.count_changes import Judged, Proof
from etl.staging import consolidate, part
from etl.staging.part import PartReceipt
from etl.storage import paths


async def close(run: Run, planned: Plan) -> Outcome:
    """Judge what came and, if it may be, publish it; otherwise leave the reports and the work."""
    receipts = [_receipt(run, one) for one in planned.slices]
    missing = tuple(dict.fromkeys(key for receipt in receipts for key in receipt.missing))
    parts = {each.key: _part_receipts(run, each) for each in planned.parts}
    groups = [group for found in parts.values() for group in found]
    closed = await run.aside(consolidate.consolidate, run.files, run.layout, groups, run.along)
    alone = run.query.single and closed.unique  # whose id may be spelled in another way
    absent = () if alone else await _absent(run, [group.key for group in groups])
    tallies = tuple(receipt.tally for receipt in receipts)
    proof = Proof(planned=planned, tallies=tallies, parts=parts, unique=closed.unique)
    judged = await count_changes.judge(run, proof)
    await run.aside(_keep_counts, run, receipts, judged)
    if absent and not closed.unique:
        judged = replace(judged, verdict=_nothing_of(judged.verdict, absent))
    evidence = Evidence(
        tallies=judged.tallies,
        verdict=judged.verdict,
        expected_before=planned.total,
        expected_after=judged.after,
        duplicates=closed.duplicates,
        rejects=closed.rejects,
        included=closed.included,
        facets=await run.aside(facet_check.checks, run, await facet_check.asked(run), closed.tables),
        drift=closed.drift,
        missing=tuple(dict.fromkeys([*missing, *judged.missing])),
        absent=absent,
        as_of=iso(planned.as_of) if planned.as_of else None,
        watermark=watermark.reached(
            planned.as_of, judged.verdict, [(tally.key, tally.window) for tally in judged.tallies]
        ),
    )
    return await run.aside(publish, run, written(run, evidence, closed.tables), judged.verdict)


def _keep_counts(run: Run, receipts: Sequence[Receipt], judged: Judged) -> None:
    """Keep the newest counts of an incomplete run's slices: those that are short are fetched anew by the next one."""
    if judged.verdict.state is State.INCOMPLETE:
        for receipt, tally in zip(receipts, judged.tallies, strict=True):
            if tally.expected_after != receipt.tally.expected_after:
                run.store.commit(replace(receipt, tally=replace(receipt.tally, expected_after=tally.expected_after)))


def _nothing_of(verdict: Verdict, absent: Sequence[str]) -> Verdict:
    """Return the verdict on records requested by id of which there is not one: nobody wants none."""
    reason = f"the API has none of the requested records: {listed(absent)}"
    return replace(verdict, state=State.INCOMPLETE, missing=len(absent), reasons=(*verdict.reasons, reason))


async def _absent(run: Run, groups: Sequence[str]) -> tuple[str, ...]:
    """Name the records that were asked for by id and did not come; a sample does not ask for all of them."""
    names = () if run.delivery.limit is not None else named(run.query)
    absent = await run.aside(consolidate.absent_ids, run.files, groups, names)
    if absent:
        run.observe(Noted(text=f"note: the API does not have, or does not show: {listed(absent, 20)}"))
    return absent


def written(run: Run, evidence: Evidence, tables: Mapping[str, TableFacts]) -> Manifest:
    """Write a finished run down as its manifest."""
    return build(
        run.query.resource,
        run.claim.request,
        provenance(run),
        evidence,
        tables,
        fingerprint=run.query.fingerprint,
        partition_by=run.layout.partition_by,
        formats=run.delivery.formats,
    )


def provenance(run: Run) -> Provenance:
    """Return what a manifest says of the run itself, which ends now."""
    return Provenance(
        run_id=run.run_id,
        started=_iso(run.started),
        finished=_iso(run.clock()),
        base_url=run.settings.base_url,
        seconds=round(run.clock() - run.started, 3),
        requests=run.client.requests,
        retries=run.client.retries,
        bytes_downloaded=run.client.wire_bytes,
    )


def publish(run: Run, proof: Manifest, verdict: Verdict, beside: Mapping[str, bytes] | None = None) -> Outcome:
    """Publish the staged dataset as `put` does; work of which no slice is to be fetched again is given up."""
    outcome = put(run.store, run.delivery, proof, verdict, seconds=max(0.0, run.clock() - run.started), beside=beside)
    if not outcome.published and all(one.unique == one.expected_after for one in proof.slices):
        run.store.give_up()  # what does not agree is the plan
    return outcome


def put(
    store: Store,
    delivery: Delivery,
    proof: Manifest,
    verdict: Verdict,
    *,
    seconds: float,
    beside: Mapping[str, bytes] | None = None,
) -> Outcome:
    """Publish the staged dataset with its reports, and with what else stands `beside` them, if it may be.

    Its verdict and its volume decide. Otherwise only the reports are put.
    """
    good = completeness.publishable(
        verdict,
        named=proof.missing,
        max_missing=delivery.max_missing,
        allow_incomplete=delivery.allow_incomplete,
    )
    refusal = volume.refusal(delivery, proof)
    if refusal is not None:
        good, proof = False, refusal.on(proof)
    reports = report.render(proof, published=good)
    if good:
        store.publish(proof, {**reports, **(beside or {})})
    else:
        for name, content in reports.items():
            store.report(name, content)
    name = f"{store.files.name}/{paths.MANIFEST if good else paths.OWN + '/report.json'}"
    fix = "" if refusal is None else refusal.fix
    return Outcome(proof=proof, published=good, seconds=seconds, manifest=name, fix=fix)


def _receipt(run: Run, one: Slice) -> Receipt:
    receipt = run.store.receipt(one.key)
    if receipt is None:
        raise _gone(run, f"slice {one.key}")
    return receipt


def _part_receipts(run: Run, each: Part) -> list[PartReceipt]:
    receipts = part.read_receipts(run.files, each.key)
    if not receipts:
        raise _gone(run, f"part {each.key}")
    return receipts


def _gone(run: Run, what: str) -> StoreError:
    return StoreError(f"the work of {what} is gone from {run.files.name}", fix="run again to fetch it anew")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
