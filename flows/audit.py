"""The audit as a Prefect flow: what is missing or wrong in a dataset's metadata, and whether it may be."""

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from etl.audit import run
from etl.audit.thresholds import missed_thresholds, thresholds
from etl.audit.words import profile as declared
from etl.errors import ThresholdError
from etl.events import counted
from etl.options.arguments import destination as place
from flows.observe import link
from flows.steps import emit, emit_failure, slug


@flow(
    name="audit",
    flow_run_name="audit {destination}",
    persist_result=False,
    on_failure=[emit_failure],
    on_crashed=[emit_failure],
)
async def audit(
    destination: str,
    *,
    profile: str = "",
    against: str | None = None,
    fail_under: tuple[str, ...] = (),
    to: str | None = None,
    format: tuple[str, ...] = ("parquet",),  # noqa: A002 (parameters are called like the options of the command line)
) -> State[dict[str, Any]]:
    """Check every record of an exported dataset of DOIs; Failed if a threshold is missed.

    Args:
        destination: Folder of the dataset.
        profile: A profile to check the records against, such as tcia or fair.
        against: An older audit, or the folder of its dataset, to show the trend.
        fail_under: NAME=SHARE: the run fails if a share is below this threshold.
        to: Folder for tables and page; by default _etl/audit in the dataset.
        format: Formats of the tables: parquet, csv, ndjson.
    """
    required = thresholds(fail_under)
    outcome = await asyncio.to_thread(
        run.audit,
        place(destination),
        place(to or f"{destination}/{run.FOLDER}"),
        formats=format,
        profile=declared(profile) if profile else None,
        against=place(against) if against else None,
    )
    summary, own = outcome.summary(), slug(destination)
    sentence = f"{counted(summary['records'], 'record')}, {summary['affected']['any']:,} with a finding"
    rows = outcome.audit.rules.filter(outcome.audit.rules["findings"] > 0)
    shown = rows.select("severity", "rule", "records", "title").to_dicts()
    await acreate_table_artifact(key=f"findings-{own}", table=shown, description=f"{destination}: {sentence}")
    page = f"## {sentence}\n\nDataset: `{destination}`\n\nPage: {link(outcome.page)}"
    await acreate_markdown_artifact(key=f"audit-{own}", markdown=page, description=sentence)
    short = missed_thresholds(outcome.audit, required)
    emit("threshold-missed" if short else "audited", destination, {"records": summary["records"], "missed": short})
    if short:
        error = ThresholdError("; ".join(short), fix=f"see {outcome.page}")
        return Failed(data=error, message=str(error))
    return Completed(message=sentence, data=summary)
