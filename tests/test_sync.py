"""A dataset that is brought up to date is the one that a fresh export would have made."""

import asyncio
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.errors import StoreError, UsageError
from etl.files import LocalFiles
from etl.run import Delivery
from etl.sandbox import Corpus, Sandbox, running
from etl.store import read_manifest
from tests.conftest import Command, data_files
from tests.faulty import FaultyFiles, PowerLoss
from tests.synced import Asked, brought_up, exported, same

START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Event:
    """One change of the server: to the records at some positions, `late` by less than the overlap."""

    kind: str
    which: tuple[int, ...]
    late: timedelta

    def happen(self, corpus: Corpus, now: datetime) -> None:
        """Change the corpus."""
        every = sorted(corpus.now.frame["uid"].to_list())
        ids = [every[number % len(every)] for number in self.which]
        at = now - self.late
        match self.kind:
            case "create":
                corpus.create(len(ids), at=at)
            case "update":
                corpus.update(ids, at=at)
            case "withdraw":
                corpus.withdraw(ids)
            case "reappear":
                corpus.restore(ids, at=at)


EVENTS = st.builds(
    Event,
    st.sampled_from(["create", "update", "withdraw", "reappear"]),
    st.lists(st.integers(0, 200), min_size=1, max_size=8).map(tuple),
    st.timedeltas(timedelta(0), timedelta(hours=5)),
)


@dataclass(frozen=True)
class Night:
    """What happens before a sync, and at which of its changes to the disk the machine stops, if it does."""

    events: tuple[Event, ...]
    crash: int | None
    after: bool


NIGHTS = st.lists(
    st.builds(
        Night,
        st.lists(EVENTS, max_size=4).map(tuple),
        st.one_of(st.none(), st.integers(1, 150)),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def synced(box: Sandbox, to: Path, night: Night, now: datetime) -> None:
    """Bring a dataset up to date, with a loss of power on the way if the night has one."""
    if night.crash is not None:
        try:
            asyncio.run(brought_up(box.base_url, FaultyFiles(to, night.crash, after=night.after), now.timestamp()))
        except PowerLoss:
            pass
        else:
            return
    ended = asyncio.run(brought_up(box.base_url, LocalFiles(to), now.timestamp()))
    assert ended.proof["verdict"] == "complete"


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(nights=NIGHTS, partition=st.sampled_from([(), ("created_year",), ("resource_type_id",)]), seed=st.integers(0, 5))
def test_after_any_history_a_synced_dataset_equals_a_fresh_export(
    nights: list[Night], partition: tuple[str, ...], seed: int
) -> None:
    """Creations, updates, withdrawals, reappearances and crashes: the rows are those of a fresh export, all of them."""
    asked = Asked(delivery=Delivery(partition_by=partition))
    corpus = Corpus.generate(records=30, seed=seed)
    with running(corpus) as box, tempfile.TemporaryDirectory() as folder:
        to, fresh = Path(folder) / "a", Path(folder) / "b"
        now = START
        asyncio.run(exported(box.base_url, to, asked, now.timestamp()))
        for night in nights:
            now += DAY
            for event in night.events:
                event.happen(corpus, now)
            synced(box, to, night, now)
        asyncio.run(exported(box.base_url, fresh, asked, now.timestamp()))
        same(to, fresh)
        ours = {path: content for path, content in data_files(to).items() if not path.startswith("withdrawn/")}
        assert ours == data_files(fresh), "the layout of one part is the same, and so are the bytes"
