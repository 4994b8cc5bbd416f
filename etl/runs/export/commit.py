"""The end of a run: consolidate all parts, judge the counts, and publish the dataset if the verdict allows it.

`completeness` defines "complete", `consolidate` joins files, and `store` makes the switch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from etl.api.query import requested_ids
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
from etl.runs.export import as_of, count_changes, facet_check, report, volume
from etl.runs.export.count_changes import Fetched, Judgement
from etl.staging import consolidate
from etl.staging import part as part_files
from etl.staging.part import PartReceipt
from etl.storage import paths


async def prove_and_publish(run: Run, planned: Plan) -> Outcome:
    """Judge the fetched records and publish them if the verdict allows it; otherwise keep the reports and the work."""
    receipts = [_receipt(run, piece) for piece in planned.slices]
    missing = tuple(dict.fromkeys(key for receipt in receipts for key in receipt.missing))
    parts = {part.key: _part_receipts(run, part) for part in planned.parts}
    groups = [group for part_groups in parts.values() for group in part_groups]
    closed = await run.in_thread(consolidate.consolidate, run.files, run.layout, groups, run.related)
    alone = run.query.single and closed.unique  # its id may be written in another way
    absent = () if alone else await _absent(run, [group.key for group in groups])
    tallies = tuple(receipt.tally for receipt in receipts)
    proof = Fetched(planned=planned, tallies=tallies, parts=parts, unique=closed.unique)
    judged = await count_changes.judge(run, proof)
    as_of.note_a_jump(run)
    await run.in_thread(_keep_counts, run, receipts, judged)
    if absent and not closed.unique:
        judged = replace(judged, verdict=_with_nothing(judged.verdict, absent))
    evidence = Evidence(
        tallies=judged.tallies,
        verdict=judged.verdict,
        expected_before=planned.total,
        expected_after=judged.after,
        duplicates=closed.duplicates,
        rejects=closed.rejects,
        included=closed.included,
        facets=await run.in_thread(facet_check.checks, run, await facet_check.request_facets(run), closed.tables),
        drift=closed.drift,
        missing=tuple(dict.fromkeys([*missing, *judged.missing])),
        absent=absent,
        as_of=iso(planned.as_of) if planned.as_of else None,
        watermark=watermark.reached(
            planned.as_of, judged.verdict, [(tally.key, tally.window) for tally in judged.tallies]
        ),
    )
    return await run.in_thread(publish, run, build_manifest(run, evidence, closed.tables), judged.verdict)


def _keep_counts(run: Run, receipts: Sequence[Receipt], judged: Judgement) -> None:
    """Record the newest counts of an incomplete run's slices: the next run fetches the short ones again."""
    if judged.verdict.state is State.INCOMPLETE:
        for receipt, tally in zip(receipts, judged.tallies, strict=True):
            if tally.expected_after != receipt.tally.expected_after:
                run.store.commit(replace(receipt, tally=replace(receipt.tally, expected_after=tally.expected_after)))


def _with_nothing(verdict: Verdict, absent: Sequence[str]) -> Verdict:
    """Return the verdict on records requested by id if the API has none of them: that is never complete."""
    reason = f"the API has none of the requested records: {listed(absent)}"
    return replace(verdict, state=State.INCOMPLETE, missing=len(absent), reasons=(*verdict.reasons, reason))


async def _absent(run: Run, groups: Sequence[str]) -> tuple[str, ...]:
    """Name the records that were requested by id but did not arrive; a sample does not request all of them."""
    names = () if run.delivery.limit is not None else requested_ids(run.query)
    absent = await run.in_thread(consolidate.absent_ids, run.files, groups, names)
    if absent:
        run.observe(Noted(text=f"note: the API does not have, or does not show: {listed(absent, 20)}"))
    return absent


def build_manifest(run: Run, evidence: Evidence, tables: Mapping[str, TableFacts]) -> Manifest:
    """Return the manifest of a finished run."""
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
    """Return the provenance of the run, which ends now."""
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


def publish(run: Run, proof: Manifest, verdict: Verdict, extra: Mapping[str, bytes] | None = None) -> Outcome:
    """Publish the staged dataset if its verdict allows it; discard work that fetching slices again cannot complete."""
    outcome = publish_staged(
        run.store, run.delivery, proof, verdict, seconds=max(0.0, run.clock() - run.started), extra=extra
    )
    if not outcome.published and all(facts.unique == facts.expected_after for facts in proof.slices):
        run.store.give_up()  # the plan itself is wrong
    return outcome


def publish_staged(
    store: Store,
    delivery: Delivery,
    proof: Manifest,
    verdict: Verdict,
    *,
    seconds: float,
    extra: Mapping[str, bytes] | None = None,
) -> Outcome:
    """Publish the staged dataset with its reports and `extra` files if its verdict and its volume allow it.

    Otherwise only write the reports.
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
        store.publish(proof, {**reports, **(extra or {})})
    else:
        for name, content in reports.items():
            store.report(name, content)
    name = f"{store.files.name}/{paths.MANIFEST if good else paths.OWN + '/report.json'}"
    fix = "" if refusal is None else refusal.fix
    return Outcome(proof=proof, published=good, seconds=seconds, manifest=name, fix=fix)


def _receipt(run: Run, piece: Slice) -> Receipt:
    receipt = run.store.receipt(piece.key)
    if receipt is None:
        raise _lost_work(run, f"slice {piece.key}")
    return receipt


def _part_receipts(run: Run, part: Part) -> list[PartReceipt]:
    receipts = part_files.read_receipts(run.files, part.key)
    if not receipts:
        raise _lost_work(run, f"part {part.key}")
    return receipts


def _lost_work(run: Run, what: str) -> StoreError:
    return StoreError(f"the work of {what} is missing from {run.files.name}", fix="run the command again to fetch it")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
