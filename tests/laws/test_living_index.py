"""On a moving index, every export is published with all listed records, and syncs reach the server's state."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.completeness.verdict import State
from etl.sandbox.churn import settled
from tests.support import living_index
from tests.support.living_index import SITUATIONS, Situation, exported, ids, moving, synced

pytestmark = pytest.mark.slow

GOOD = (State.COMPLETE, State.DRIFTED)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_every_export_is_published_with_all_that_was_listed(situation: Situation, tmp_path: Path) -> None:
    """This holds for any lag, rate of change and clock, at the first attempt."""
    with moving(situation, records=4000, seed=situation.lag, moved=10.0 + situation.lag) as box:
        result = exported(box, tmp_path / "o")
    assert (result.published, result.verdict in GOOD, result.lost) == (True, True, 0)


@given(
    lag=st.sampled_from((0, 5, 60, 300)),
    churn=st.sampled_from((0.1, 0.5, 5.0)),
    clock=st.sampled_from((-3600, 0, 3600)),
    seed=st.integers(1, 99),
    nights=st.lists(st.integers(10, 300), min_size=1, max_size=4),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_syncs_of_a_moving_index_have_what_it_listed_as_of_each(
    tmp_path_factory: pytest.TempPathFactory, *, lag: int, churn: float, clock: int, seed: int, nights: list[int]
) -> None:
    """Records last changed before the moment of a sync are in its dataset; those withdrawn before it are not.

    Nights last as long as their moves take.
    """
    to = tmp_path_factory.mktemp("history") / "o"
    situation = Situation(lag=lag, churn=churn, clock=clock)
    with moving(situation, records=800, seed=seed, moved=100.0) as box:
        assert exported(box, to).published
        now = box.now()
        for night in nights:
            now += night / churn
            box.now = lambda now=now: now
            assert synced(box, to) in GOOD
            listed = box.listed(box.time())
            as_of = datetime.fromtimestamp(box.time() - 600, UTC)
            got = ids(to)
            assert settled(listed, as_of) <= got
            assert got <= set(listed["uid"])


def test_the_page_has_a_table_of_a_hundred_exports_without_a_loss() -> None:
    """It was measured: all were published, nothing was lost, and few requests were added."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in living_index.written().splitlines()[2:]]
    assert len(rows) == len(SITUATIONS)
    assert sum(int(row[3]) for row in rows) >= 100
    for row in rows:
        assert row[3] == row[4]
        assert set(row[5].split(", ")) <= {str(state) for state in GOOD}
        assert row[6] == "0"
        assert float(row[7].split()[0]) <= 1.1


def test_the_moment_of_an_export_is_the_server_s(tmp_path: Path) -> None:
    """A clock of this machine that is an hour wrong makes no difference."""
    for clock in (-3600, 3600):
        with moving(Situation(lag=0, churn=1.0, clock=clock), records=300, seed=1, moved=10.0) as box:
            began = time.time() + 10.0 + clock
            ended = living_index.outcome(box, tmp_path / str(clock))
            as_of = datetime.fromisoformat(ended.proof.as_of or "").timestamp()
            assert began - 605 <= as_of <= box.time() - 595
