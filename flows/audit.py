"""The audit as a Prefect flow: what is missing or wrong in a dataset's metadata, and whether it may be."""

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from etl.audit import run
from etl.audit.gates import gates, missed
from etl.audit.words import profile as declared
from etl.errors import ThresholdError
from etl.options.asking import destination as place
from flows.observe import link
from flows.steps import broke, emit, slug


@flow(name="audit", flow_run_name="audit {destination}", persist_result=False, on_failure=[broke], on_crashed=[broke])
async def audit(
    destination: str,
    *,
    profile: str = "",
    against: str | None = None,
    fail_under: tuple[str, ...] = (),
    to: str | None = None,
    format: tuple[str, ...] = ("parquet",),  # noqa: A002 (parameters are called like the options of the command line)
) -> State[dict[str, Any]]:
    """Check every record of an exported dataset of DOIs; Failed if a demanded share is not reached.

    Args:
        destination: Folder of the dataset.
        profile: A profile to hold the records against, e.g. tcia or fair.
        against: An older audit, or the folder of an older dataset that was audited: shows the trend.
        fail_under: NAME=SHARE: the run fails if a property covers less, a rule finds more, or fewer meet the profile.
        to: Folder of the audit's tables and page; _etl/audit in the dataset by default.
        format: Formats of the tables: parquet, csv, ndjson.
    """
    demanded = gates(fail_under)
    found = await asyncio.to_thread(
        run.audit,
        place(destination),
        place(to or f"{destination}/{run.FOLDER}"),
        formats=format,
        profile=declared(profile) if profile else None,
        against=place(against) if against else None,
    )
    summary, own = found.summary(), slug(destination)
    told = f"{summary['records']} records, {summary['affected']['any']} of them with a finding"
    rows = found.audit.rules.filter(found.audit.rules["findings"] > 0)
    shown = rows.select("severity", "rule", "records", "title").to_dicts()
    await acreate_table_artifact(key=f"findings-{own}", table=shown, description=f"{destination}: {told}")
    page = f"## {told}\n\nDataset: `{destination}`\n\nPage: {link(found.page)}"
    await acreate_markdown_artifact(key=f"audit-{own}", markdown=page, description=told)
    short = missed(found.audit, demanded)
    emit("threshold-missed" if short else "audited", destination, {"records": summary["records"], "missed": short})
    if short:
        error = ThresholdError("; ".join(short), fix=f"see {found.page}")
        return Failed(data=error, message=str(error))
    return Completed(message=told, data=summary)
