"""The law of sync, as far as the warehouses: what is loaded after a sync are the rows of a fresh full export."""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from etl.dataset.request import Delivery, Withdrawable
from etl.events import ignore
from etl.sandbox import Corpus, running
from etl.storage.files import LocalFiles
from etl.warehouses import load
from etl.warehouses.guards import Permission
from tests.runs.sync.test_sync import EVENTS, START, Event
from tests.support.bucket import unique
from tests.support.synced import Asked, brought_up, exported
from tests.warehouses.places import Duck, Lake, Place, Postgres
from tests.warehouses.rows import assert_holds

pytestmark = pytest.mark.slow

TABLES = ("doi_titles", "doi_subjects", "links")
NIGHTS = st.lists(st.lists(EVENTS, min_size=1, max_size=4), min_size=1, max_size=2)
ANY = Permission(max_withdrawn=Withdrawable(percent=100))
"""Random nights withdraw as much as they like."""
STAMP = "2026-11-21T00:00:00Z"


class FarLake:
    """Delta tables on an object store."""

    def __init__(self, url: str) -> None:
        self.url = url

    def frame(self, table: str) -> pl.DataFrame:
        return pl.read_delta(f"{self.url}/{table}", storage_options={"aws_allow_http": "true"})


Make = Callable[[Path], Place]


@pytest.fixture(params=["duckdb", "postgresql", "delta", "delta on s3"])
def make(request: pytest.FixtureRequest) -> Make:
    """Make a new warehouse of each kind."""
    match request.param:
        case "duckdb":
            return Duck
        case "delta":
            return Lake
        case "postgresql":
            database: Callable[[], Postgres] = request.getfixturevalue("database")
            return lambda folder: database()
    server = request.getfixturevalue("bucket")
    return lambda folder: FarLake(unique(server))


@settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(nights=NIGHTS, kind=st.sampled_from(["parquet", "delta", "csv"]), seed=st.integers(0, 3))
def test_what_is_loaded_after_each_sync_is_a_fresh_export(
    make: Make, nights: list[list[Event]], kind: str, seed: int
) -> None:
    """Creations, updates, withdrawals, reappearances: load by load the warehouse has the rows of the server."""
    asked = Asked(include=("client",), tables=TABLES, delivery=Delivery(formats=(kind,), partition_by=()))
    corpus = Corpus.generate(records=25, seed=seed)
    with running(corpus) as box, tempfile.TemporaryDirectory() as folder:
        to, now, place = Path(folder) / "a", START, make(Path(folder))
        asyncio.run(exported(box.base_url, to, asked, now.timestamp()))
        load.load(LocalFiles(to), place.url, stamp=STAMP, observe=ignore, permission=ANY)
        for number, events in enumerate(nights):
            now += timedelta(days=1)
            for event in events:
                event.happen(corpus, now)
            asyncio.run(brought_up(box.base_url, LocalFiles(to), now.timestamp()))
            load.load(LocalFiles(to), place.url, stamp=STAMP, observe=ignore, permission=ANY)
            fresh = Path(folder) / f"fresh{number}"
            parquet = Asked(include=("client",), tables=TABLES, delivery=Delivery(partition_by=()))
            asyncio.run(exported(box.base_url, fresh, parquet, now.timestamp()))
            assert_holds(place, fresh)
