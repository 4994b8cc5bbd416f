"""The file of `datacite-etl run` as a Prefect flow: a task an entry, all on one budget, one account of the endings."""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from etl.cli.batch import SIDE_BY_SIDE, conduct, summarise
from etl.errors import IncompleteError
from etl.options import job_file
from etl.runs.batch import Ended
from flows.budget import together
from flows.observe import account, log
from flows.steps import as_task, broke, emit, slug


@flow(name="run", flow_run_name="run {file}", persist_result=False, on_failure=[broke], on_crashed=[broke])
async def run(file: str, side_by_side: int | None = None, budget: str = "") -> State[dict[str, Any]]:
    """Do the exports of a TOML file side by side, each published only if it is proved complete.

    Running a failed one again resumes it.

    Args:
        file: Path of the TOML file, as for `datacite-etl run`.
        side_by_side: Entries at work at once; by default what the file says, or 4.
        budget: Name of the global concurrency limit that all flows share (`python -m flows.setup` makes it); none if
            empty.
    """
    logger, found = get_run_logger(), job_file.read(Path(file))

    def told(one: Ended) -> None:
        logger.info("%s: %s", one.name, one.verdict)
        facts = one.summary()
        emit(one.verdict, one.name, {key: facts[key] for key in ("expected", "unique", "error") if key in facts})

    with found.talking.settings() as settings:
        async with together(budget, settings) as shared:
            ended = await conduct(
                found,
                settings,
                side_by_side=side_by_side or found.side_by_side or SIDE_BY_SIDE,
                observe=lambda entry: log(logger, entry.name),
                told=told,
                together=shared,
                step=as_task,
            )
    await account(ended, slug(file))
    bad = [one.name for one in ended if one.exit_code]
    if bad:
        error = IncompleteError(f"{len(bad)} of {len(ended)} exports are not published: {', '.join(bad[:10])}")
        return Failed(data=error, message=str(error))
    summary = summarise(ended)
    name = "Drifted" if summary["verdicts"].get("drifted") else "Completed"
    return Completed(name=name, message=f"{len(ended)} exports: {summary['verdicts']}", data=summary)
