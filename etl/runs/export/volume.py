"""Volume guards: how many records a dataset must have, and how many a sync may withdraw, to be published.

They guard against a filter with a typing error and a server that has lost its records: the counts agree there.
"""

from dataclasses import dataclass, replace

from etl.completeness.slices import Plan
from etl.completeness.verdict import State
from etl.dataset.manifest import Manifest
from etl.dataset.request import Delivery
from etl.events import counted

_NOT_ALLOWED = "there are 0 records, and --allow-empty is not given"
_VANISHING = "events"
"""The resource from which DataCite deletes records in masses (api-notes 3.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a dataset is not published although its counts may agree, and what to do about it."""

    reason: str
    fix: str

    def on(self, proof: Manifest) -> Manifest:
        """Return the manifest of the run with this as the last reason of its verdict, the only one if nothing came."""
        others = proof.reasons if proof.slices else ()
        return replace(proof, verdict=State.INCOMPLETE, reasons=(*others, self.reason))


def refusal(delivery: Delivery, proof: Manifest) -> Refusal | None:
    """Return what speaks against the volume of a dataset, None if nothing does."""
    records = proof.totals.unique
    if records < delivery.min_records:
        if proof.absent and not records:
            return Refusal(reason=_NOT_ALLOWED, fix="check the ids, or add --allow-empty and --allow-incomplete")
        return _too_few(delivery, records, max(records, proof.totals.expected_after or 0))
    if delivery.max_withdrawn is None or not proof.history:
        return None
    latest = proof.history[-1]
    excess = delivery.max_withdrawn.excess(latest.withdrawn, records - latest.added + latest.withdrawn)
    if not excess:
        return None
    why = " (DataCite deletes events outside its scope)" if proof.resource == _VANISHING else ""
    return Refusal(
        reason=f"{excess}{why}",
        fix=f"see whether they have really left the API, then allow it with --max-withdrawn {latest.withdrawn}",
    )


def worth_fetching(delivery: Delivery, planned: Plan) -> bool:
    """Return whether a plan can lead to as many records as there must be."""
    return not planned.total or max(planned.total, planned.listed or 0) >= delivery.min_records


def _too_few(delivery: Delivery, records: int, expected: int) -> Refusal:
    fewest = f"--min-records {delivery.min_records:,}"
    if not expected:
        reason, fix = _NOT_ALLOWED, "add --allow-empty"
    elif expected < delivery.min_records:
        reason, fix = f"there are {counted(expected, 'record')}, fewer than {fewest}", "lower --min-records"
    else:
        came = f"{records:,} of {counted(expected, 'record')}"
        return Refusal(reason=f"{came} came, fewer than {fewest}", fix="run it again to fetch what is missing")
    return Refusal(reason=reason, fix=f"check the query or the file, or {fix}")
