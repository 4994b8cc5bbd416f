"""Slices on Dask: a real scheduler, two worker processes, one of them killed, one budget, and the same bytes."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from etl.errors import EtlError, UsageError
from etl.sandbox import Corpus, Sandbox, running
from tests.conftest import data_files
from tests.flows.server import Server, eventually
from tests.storage.test_location import downloaded
from tests.support.bucket import unique

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore"),  # Prefect's own warnings are not ours to fix
]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Records for some slices."""
    return Corpus.generate(records=12_000, seed=9)


@pytest.fixture(scope="module")
def expected(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The data files of the command line."""
    from etl import cli

    to = tmp_path_factory.mktemp("cli") / "o"
    with running(corpus) as box:
        options = ["--base-url", box.base_url, "--tables", "doi_titles", "--quiet"]
        assert cli.run(["export", "dois", "--to", str(to), *options]) == 0
    return data_files(to)


class Cluster:
    """A Dask scheduler and its workers, as processes. State: the started workers."""

    def __init__(self, server: Server, stack: ExitStack, folder: Path) -> None:
        self._server = server
        self._stack = stack
        self._folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._start("distributed.cli.dask_scheduler", "--port", "0", log="dask-scheduler.log")
        eventually(lambda: True if self._file.exists() else None, 60, "the scheduler is there")
        self.address = json.loads(self._file.read_text())["address"]

    @property
    def _file(self) -> Path:
        return self._folder / "scheduler.json"

    def _start(self, *command: str, log: str) -> "subprocess.Popen[bytes]":
        own = ("--no-dashboard", "--scheduler-file", str(self._file))
        return self._stack.enter_context(self._server.beside(*command, *own, log=log))

    def work(self) -> None:
        """Start one more worker."""
        options = ("--nthreads", "2", "--no-nanny", "--preload", "flows.spread", "--local-directory", str(self._folder))
        log = f"{self._folder.name}-worker-{len(self.workers)}.log"
        self.workers.append(self._start("distributed.cli.dask_worker", *options, log=log))
        written = self._server.home / log
        eventually(lambda: True if "Registered to" in written.read_text() else None, 60, "the worker is there")

    def grant(self, budget: str) -> None:
        """Create a budget for all flows."""
        self._server.run("flows.setup", "--rate", "10000", "--budget", budget, "--pool", budget)

    def said(self) -> list[str]:
        """Return what each worker has recorded."""
        names = (f"{self._folder.name}-worker-{number}.log" for number in range(len(self.workers)))
        return [(self._server.home / name).read_text() for name in names]


@pytest.fixture
def cluster(server: Server, tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers yet."""
    with ExitStack() as stack:
        yield Cluster(server, stack, tmp_path)


async def run_flow(box: Sandbox, to: Path | str, address: str, **options: object) -> dict:
    from flows.export import export

    return await export(
        "dois",
        str(to),
        base_url=box.base_url,
        tables="doi_titles",
        dask=address,
        **options,  # type: ignore[arg-type]
    )


def unfinished(to: Path) -> list[Path]:
    """Return the staged pages of slices that are not done."""
    folders = (to / "_etl" / "work" / "slices").glob("*")
    return [page for one in folders if not (one / "receipt.json").exists() for page in one.glob("page-*.arrow")]


@pytest.fixture
def store(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A destination on an object store; all workers see its folder for unfinished work."""
    monkeypatch.setenv("DATACITE_ETL_WORK", str(tmp_path / "work"))
    return unique(bucket)


@pytest.mark.usefixtures("prefect")
async def test_slices_spread_over_workers_that_share_one_budget(
    store: str,
    cluster: Cluster,
    corpus: Corpus,
    expected: dict[str, bytes],
    dask_errors: Callable[[], list[str]],
) -> None:
    """Workers fetch slices to an object store and count requests in one file: same bytes, and no error in any log."""
    ledgers, work = Path(os.environ["XDG_STATE_HOME"]) / "datacite-etl", Path(os.environ["DATACITE_ETL_WORK"])
    cluster.work()
    cluster.work()
    with running(corpus) as box:
        summary = await run_flow(box, store, cluster.address, rate=10_000)
        rate_log = ledgers / f"requests-{quote(box.base_url.removeprefix('http://'), safe='')}"
    assert (summary["verdict"], summary["unique"]) == ("complete", 12_000)
    assert data_files(downloaded(store, work.parent / "there", work)) == expected
    assert all("Task run 'slice" in said and "ERROR" not in said for said in cluster.said())
    assert dask_errors() == []
    assert rate_log.stat().st_size == 8 * summary["requests"]


async def test_a_worker_that_is_killed_in_the_middle_of_a_slice_is_survived(
    prefect: None, cluster: Cluster, corpus: Corpus, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Another worker resumes from the pages that the dead one had staged; Prefect's budget limits both; same bytes."""
    staged: list[Path] = []
    cluster.work()

    def clock() -> float:
        if not staged and (found := unfinished(tmp_path / "o")):
            staged.extend(found)
            cluster.workers[0].kill()
            threading.Thread(target=cluster.work).start()
        return time.monotonic()

    cluster.grant("dask")
    with running(corpus, clock=clock) as box:
        summary = await run_flow(box, tmp_path / "o", cluster.address, budget="dask")
    assert cluster.workers[0].wait(20) == -signal.SIGKILL
    assert staged
    assert (summary["verdict"], summary["unique"]) == ("complete", 12_000)
    assert data_files(tmp_path / "o") == expected


async def test_what_fails_on_a_worker_fails_the_flow_with_its_own_words(
    prefect: None, cluster: Cluster, corpus: Corpus, tmp_path: Path
) -> None:
    """The error of a slice arrives unchanged, and nothing is published."""
    cluster.work()
    with running(corpus, faults=["truncate=1.0"]) as box, pytest.raises(EtlError) as failed:
        await run_flow(box, tmp_path / "o", cluster.address, attempts=2, patience=5.0)
    assert failed.value.fix
    assert not data_files(tmp_path / "o")


async def test_an_address_where_nobody_answers_is_named(prefect: None, box: Sandbox, tmp_path: Path) -> None:
    """A wrong address of a scheduler is named."""
    with pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:9"):
        await run_flow(box, tmp_path / "o", "tcp://127.0.0.1:9")
