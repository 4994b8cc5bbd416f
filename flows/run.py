"""The file of `datacite-etl run` as a Prefect flow: one task per entry, one budget, and one table of results."""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from etl.cli.batch import SIDE_BY_SIDE, conduct, summarise
from etl.errors import IncompleteError
from etl.options import job_file
from etl.runs.batch import EntryResult
from flows.budget import flow_limits
from flows.observe import log, summarise_entries
from flows.steps import as_task, emit, emit_failure, slug


@flow(
    name="run", flow_run_name="run {file}", persist_result=False, on_failure=[emit_failure], on_crashed=[emit_failure]
)
async def run(file: str, side_by_side: int | None = None, budget: str = "") -> State[dict[str, Any]]:
    """Run the exports and syncs of a TOML file concurrently, each published only if it is proved complete.

    Running a failed flow again resumes it.

    Args:
        file: Path of the TOML file, as for `datacite-etl run`.
        side_by_side: Number of concurrent entries; by default that of the file, or 4.
        budget: Global concurrency limit that all flows share (`python -m flows.setup` creates it); none if empty.
    """
    logger, jobs = get_run_logger(), job_file.read_job_file(Path(file))

    def report(entry: EntryResult) -> None:
        logger.info("%s: %s", entry.name, entry.verdict)
        facts = entry.summary()
        emit(entry.verdict, entry.name, {key: facts[key] for key in ("expected", "unique", "error") if key in facts})

    with jobs.server.settings() as settings:
        async with flow_limits(budget, settings) as shared:
            ended = await conduct(
                jobs,
                settings,
                side_by_side=side_by_side or jobs.side_by_side or SIDE_BY_SIDE,
                observe=lambda entry: log(logger, entry.name),
                report=report,
                together=shared,
                step=as_task,
            )
    await summarise_entries(ended, slug(file))
    bad = [entry.name for entry in ended if entry.exit_code]
    if bad:
        error = IncompleteError(f"{len(bad)} of {len(ended)} exports are not published: {', '.join(bad[:10])}")
        return Failed(data=error, message=str(error))
    summary = summarise(ended)
    name = "Drifted" if summary["verdicts"].get("drifted") else "Completed"
    return Completed(name=name, message=f"{len(ended)} exports: {summary['verdicts']}", data=summary)
