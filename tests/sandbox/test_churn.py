"""The sandbox's index moves in time, by the seed, and lists records later than their timestamps."""

import json
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.churn import Churn, settled

BEGIN = 1_795_000_000.0


def churn(*, rate: float = 2.0, lag: float = 0.0, seed: int = 3) -> tuple[Corpus, Churn]:
    corpus = Corpus.generate(records=300, seed=seed)
    return corpus, Churn(corpus, rate=rate, lag=lag, begin=BEGIN, seed=seed)


def test_the_same_seed_moves_the_same_records_whenever_somebody_looks() -> None:
    """It makes no difference whether it is observed once after a minute or every second."""
    one, steady = churn()
    other, hasty = churn()
    for second in range(61):
        hasty.advance(BEGIN + second)
    steady.advance(BEGIN + 60)
    assert one.now.frame.equals(other.now.frame)
    assert hasty.listed_at(BEGIN + 30).equals(steady.listed_at(BEGIN + 30))


def test_records_are_minted_changed_withdrawn_found_and_registered_again() -> None:
    """All kinds of moves occur, and each sets the timestamps that the real server sets."""
    corpus, moving = churn()
    before = {row["uid"]: row for row in corpus.now.frame.filter("findable").iter_rows(named=True)}
    moving.advance(BEGIN + 100)
    after = {row["uid"]: row for row in corpus.now.frame.filter("findable").iter_rows(named=True)}
    begin = BEGIN * 1000
    new = [row for uid, row in after.items() if uid not in before]
    assert any(row["created"] >= begin for row in new)
    assert any(row["created"] < begin <= row["registered"] for row in new)
    assert all(row["updated"] >= begin for row in new)
    assert before.keys() - after.keys()
    stayed = [(before[uid], row) for uid, row in after.items() if uid in before]
    assert any(
        old["updated"] < begin <= row["updated"] and old["registered"] == row["registered"] for old, row in stayed
    )
    assert any(old["registered"] != row["registered"] for old, row in stayed)


def test_lists_are_behind_by_the_lag_and_single_records_are_not() -> None:
    """The list now is the state a number of seconds ago."""
    corpus, moving = churn(lag=10)
    moving.advance(BEGIN + 25)
    truth = set(corpus.now.frame.filter("findable")["uid"])
    listed = set(moving.listed.now.frame.filter("findable")["uid"])
    assert truth != listed
    assert set(moving.listed_at(BEGIN + 25)["uid"]) == listed
    moving.advance(BEGIN + 35)
    early = set(moving.listed_at(BEGIN + 35)["uid"])
    assert set(moving.listed.now.frame.filter("findable")["uid"]) == early


def test_settled_are_the_records_whose_times_are_all_before_a_moment() -> None:
    """A record that changed later is not in it, however old it is."""
    _, moving = churn()
    listed = moving.listed_at(BEGIN + 100)
    young = set(listed.filter(listed["updated"] >= int(BEGIN * 1000))["uid"])
    assert young
    assert settled(listed, datetime.fromtimestamp(BEGIN, UTC)) == set(listed["uid"]) - young


def total(box: Sandbox, query: str = "") -> Any:
    with urllib.request.urlopen(f"{box.base_url}/dois?page[size]=3&{query}") as answer:
        return json.load(answer)["meta"]["total"]


@pytest.mark.parametrize("offset", [-3600.0, 0.0, 3600.0])
def test_the_date_of_an_answer_is_the_server_s_clock(offset: float) -> None:
    """The clock may be wrong."""
    with running(Corpus.generate(records=20, seed=1), faults=[f"clock={offset}"]) as box:
        box.now = lambda: BEGIN
        with urllib.request.urlopen(f"{box.base_url}/dois") as answer:
            assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == BEGIN + offset


def test_a_clock_may_jump_and_a_server_may_not_tell_the_time() -> None:
    """Records vanish from a given request on, or never."""
    with running(Corpus.generate(records=20, seed=1), faults=["clock-jump=2:500"]) as box:
        box.now = lambda: BEGIN
        dates = [urllib.request.urlopen(f"{box.base_url}/dois").headers["Date"] for _ in range(2)]
        assert [parsedate_to_datetime(date).timestamp() for date in dates] == [BEGIN, BEGIN + 500]
    with running(Corpus.generate(records=20, seed=1), faults=["no-date"]) as box:
        assert not urllib.request.urlopen(f"{box.base_url}/dois").headers["Date"]


def test_totals_flicker_between_replicas() -> None:
    """Totals are one too high and one too low in turn."""
    with running(Corpus.generate(records=20, seed=1), faults=["flicker=1"]) as box:
        true = len(box.corpus.ids())
        assert [total(box) for _ in range(4)] == [true + 1, true - 1, true + 1, true - 1]


def test_a_server_without_search_answers_with_everything() -> None:
    """This holds for every request."""
    with running(Corpus.generate(records=20, seed=1), faults=["ignore-query"]) as box:
        assert total(box, "query=doi:nothing") == len(box.corpus.ids())


def test_the_records_of_a_renamed_client_are_found_under_its_old_name_no_more() -> None:
    """Other queries are unchanged."""
    with running(Corpus.generate(records=200, seed=1), faults=["renamed-client=2"]) as box:
        client = box.corpus.record(0)["relationships"]["client"]["data"]["id"]
        assert total(box, f"client-id={client}") > 0
        assert total(box, f"client-id={client}") == 0
        assert total(box) == len(box.corpus.ids())
