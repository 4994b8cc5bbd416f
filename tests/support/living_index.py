"""Exports and syncs of an index that moves, compared with what it listed.

`python -m tests.support.living_index` writes the table of docs/completeness.md: lags, rates of change and wrong clocks,
each several times.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.completeness.verdict import State
from etl.dataset.request import Delivery
from etl.runs.context import open_run
from etl.runs.export import export
from etl.sandbox import Corpus, Sandbox, running
from etl.settings import Settings
from etl.storage.files import LocalFiles
from tests.support.small import owner
from tests.support.synced import Asked, brought_up, print_not

PAGE = Path(__file__).parents[2] / "docs" / "completeness.md"
RECORDS = 60_000
ASKED = Asked(include=(), tables=("doi_titles",), delivery=Delivery(partition_by=()))
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->\n"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """How late the index lists, how many records move per second, and by how much the server's clock is ahead."""

    lag: int
    churn: float
    clock: int


SITUATIONS = [
    Situation(lag=lag, churn=churn, clock=clock)
    for lag in (0, 5, 60, 300)
    for churn in (0.5, 5)
    for clock in (-3600, 3600)
]
EXPORTS = 7
"""Exports of each situation: more than a hundred in all."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one export ended: `lost` were listed when it began, and still at its end, and are not in the dataset."""

    published: bool
    verdict: State
    requests: int
    lost: int


@contextmanager
def moving(situation: Situation, *, records: int, seed: int, moved: float) -> Iterator[Sandbox]:
    """Serve an index that has been moving for so many seconds."""
    faults = [f"lag={situation.lag}", f"clock={situation.clock}"]
    with running(Corpus.generate(records=records, seed=seed), churn=situation.churn, seed=seed, faults=faults) as box:
        box.now = lambda: time.time() + moved
        yield box


def exported(box: Sandbox, to: Path) -> Result:
    """Export a moving index, on this machine's clock."""
    began = box.time()
    ended = outcome(box, to)
    listed = [set(box.listed(moment)["uid"]) for moment in (began, box.time())]
    got = ids(to) if ended.published else set()
    return Result(
        published=ended.published,
        verdict=ended.proof.verdict,
        requests=ended.proof.requests,
        lost=len((listed[0] & listed[1]) - got),
    )


def outcome(box: Sandbox, to: Path) -> export.Outcome:
    """Export, and return how it ended."""
    return asyncio.run(_export(box.base_url, to))


async def _export(url: str, to: Path) -> export.Outcome:
    settings = Settings(base_url=url)
    files = LocalFiles(to)
    run = open_run(ASKED.query, ASKED.delivery, settings, files, owner=owner(), observe=print_not, clock=time.time)
    async with run as hands:
        return await export.export(hands)


def synced(box: Sandbox, to: Path) -> State:
    """Bring a dataset of a moving index up to date; `brought_up` sets its clock, which stands still from then on."""
    return State(asyncio.run(brought_up(box.base_url, LocalFiles(to), box.now())).proof.verdict)


def ids(to: Path) -> set[str]:
    """Return the ids of a dataset, each of which it has once."""
    found = pl.read_parquet(to / "dois" / "**" / "*.parquet")["doi"].to_list()
    assert len(found) == len(set(found))
    return set(found)


def measure(situation: Situation, seeds: Iterable[int], records: int = RECORDS) -> list[Result]:
    """Export a moving index several times, each time from another seed."""
    results = []
    for seed in seeds:
        with (
            tempfile.TemporaryDirectory() as folder,
            moving(situation, records=records, seed=seed, moved=30.0 + situation.lag) as box,
        ):
            results.append(exported(box, Path(folder) / "o"))
    return results


def table(rows: Sequence[tuple[Situation, Sequence[Result], int]]) -> str:
    """Write the table; the last of a row is the number of requests to the same index when it stands still."""
    head = "| Lag | Moves per second | Server's clock | Exports | Published | Verdicts | Records lost | Requests |\n"
    lines = [_line(*row) for row in rows]
    return f"{head}|---|---|---|---|---|---|---|---|\n{''.join(lines)}"


def _line(situation: Situation, results: Sequence[Result], quiet: int) -> str:
    verdicts = ", ".join(sorted({str(result.verdict) for result in results}))
    published = sum(result.published for result in results)
    ratio = sum(result.requests for result in results) / len(results) / quiet
    return (
        f"| {situation.lag} s | {situation.churn:g} | {situation.clock / 3600:+g} h | {len(results)} | {published} "
        f"| {verdicts} | {sum(result.lost for result in results)} | {ratio:.2f} times |\n"
    )


def written() -> str:
    """Return the table that stands on the page."""
    return PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]


def main() -> None:
    """Measure everything and write the table into the page."""
    rows = []
    still = measure(Situation(lag=0, churn=1e-6, clock=0), [1])[0].requests
    for situation in SITUATIONS:
        rows.append((situation, measure(situation, range(1, EXPORTS + 1)), still))
        sys.stderr.write(_line(*rows[-1]))
    before, begin, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(f"{before}{begin}{table(rows)}{_END}{rest.partition(_END)[2]}")


if __name__ == "__main__":
    main()
