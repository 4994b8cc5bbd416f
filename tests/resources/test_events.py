"""Events arrive in the same columns in either of the server's two shapes (api-notes 6.8)."""

import json
from pathlib import Path

import pytest

from etl import resources
from etl.records.flatten import flatten
from etl.records.parser import Parsed, Parser
from etl.sandbox import Corpus, site
from etl.sandbox.answer import Request

EVENTS = resources.load("events")
TIMES = ("occurred_at", "timestamp")


def asked(corpus: Corpus, headers: dict[str, str]) -> Parsed:
    body = site.respond(Request(path="/events", query="page[size]=200", headers=headers), corpus).plain()
    return Parser(EVENTS).parse([json.dumps(one).encode() for one in json.loads(body)["data"]])


def test_a_server_that_does_not_heed_accept_gives_the_same_rows() -> None:
    """The old shape fills the columns of the new one, but for the four that it does not have."""
    corpus = Corpus.generate(records=300, seed=5)
    new = asked(corpus, {name.lower(): value for name, value in EVENTS.headers.items()})
    old = asked(corpus, {})
    only_new = ["source_doi", "target_doi", "source_relation_type_id", "target_relation_type_id"]
    before, now = (flatten(EVENTS, EVENTS.main, parsed.table).drop(only_new) for parsed in (old, new))
    assert before.equals(now)
    assert before.height == 200
    assert (old.drift, old.issues) == ({}, ())


@pytest.mark.slow
def test_every_value_of_the_recorded_events_is_in_its_column(real: Path) -> None:
    """Recorded events are nearly all of the old shape; their columns hold what they hold, and `extra` nothing."""
    bodies = [json.loads(path.read_bytes()) for path in sorted((real / "current/events").glob("*.json"))]
    found = [one for body in bodies for one in (body["data"] if isinstance(body["data"], list) else [body["data"]])]
    main = flatten(EVENTS, EVENTS.main, Parser(EVENTS).parse([json.dumps(one).encode() for one in found]).table)
    assert main["extra"].null_count() == len(found) > 2000
    plain = [column for column in EVENTS.main.columns if column.path and "attributes" in column.path]
    for column in plain:
        camel = str(column.path).removeprefix("attributes.")
        dashed = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in camel)
        stated = [one["attributes"].get(camel, one["attributes"].get(dashed)) for one in found]
        if column.name in TIMES:
            assert [one is not None for one in stated] == main[column.name].is_not_null().to_list()
        else:
            assert main[column.name].to_list() == stated
