"""One Prefect server for all tests of the flows: it takes half a minute to start."""

import gc
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.server import Server, serving

MEMORY = Path("/dev/shm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sockets that Prefect's clients leave to the garbage collector must not fail the next test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(autouse=True)
def _nothing_for_later_tests() -> Iterator[None]:
    """They are collected here, before a test of another folder does."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def dask_errors(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Yield a function that lists the errors that Dask has logged: its loggers are watched, as Prefect resets the root.

    An observer's failure is visible nowhere else.
    """
    import distributed  # noqa: F401 (its import sets up its loggers)

    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    yield lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    for logger in loggers:
        logger.removeHandler(caplog.handler)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prefect server and database for this session, as a process.

    Its database is in memory if there is room: on a busy disk SQLite's locks outlast Prefect's timeouts.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        try:
            with serving(home) as started:
                yield started
        finally:
            logs = tmp_path_factory.mktemp("prefect")
            for log in home.glob("*.log"):
                shutil.copy(log, logs)


@pytest.fixture(scope="session")
def prefect(server: Server) -> Iterator[None]:
    """Flows that run in this process talk to the session's server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

        with temporary_settings({PREFECT_API_URL: server.api, PREFECT_HOME: server.home}):
            yield
            _hang_up()


def _hang_up() -> None:
    """Flush Prefect's messages and close its connections: otherwise it looks for the server long after its end."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=30)
