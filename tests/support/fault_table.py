"""The table of faults: what a server can do wrong, and how an export must then end.

`python -m tests.support.fault_table` writes it to docs/reliability.md; `test_reliability` runs every row.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.support import situations

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


class Outcome(StrEnum):
    """The outcomes of an export, as named on the page."""

    COMPLETE = "complete"
    DRIFTED = "drifted, moved records are listed"
    INCOMPLETE = "incomplete, exit 3, nothing published"
    ASKED = "incomplete, published on request"
    FAILED = "failed, exit 1, nothing published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault: what the server does, the sandbox's option for it, and how the export ends.

    `same`: the data files are byte for byte those of an undisturbed run.
    """

    does: str
    faults: str
    ends: Outcome
    options: tuple[str, ...] = ()
    same: bool = True


COMPLETE, DRIFTED, INCOMPLETE, ASKED, FAILED = Outcome
ONE = ("--max-missing", "1")
ANY = ("--allow-incomplete",)
SOON = ("--patience", "2")
CLIENT = ("--filter", "client-id=cern.zenodo", "--fresh")
IMPATIENT = ("--timeout", "0.5")

ROWS = (
    Row(does="correct answers", faults="", ends=COMPLETE),
    Row(does="429 now and then, without Retry-After", faults="429=4", ends=COMPLETE),
    Row(does="429 now and then, with Retry-After", faults="429-after=4", ends=COMPLETE),
    Row(does="429 forever", faults="429=1", ends=FAILED, options=SOON),
    Row(does="403 in HTML from the firewall, now and then", faults="firewall=4", ends=COMPLETE),
    Row(does="403 in HTML forever", faults="firewall=1", ends=FAILED, options=SOON),
    Row(does="502 in HTML, a fifth of the time", faults="error=502:0.2", ends=COMPLETE),
    Row(does="503 in HTML, a fifth of the time", faults="error=503:0.2", ends=COMPLETE),
    Row(does="504 in HTML, a fifth of the time", faults="error=504:0.2", ends=COMPLETE),
    Row(does="503 forever", faults="error=503", ends=FAILED),
    Row(does="503 to everything for a while", faults="down=4:8", ends=COMPLETE),
    Row(does="503 to everything from then on", faults="down=4", ends=FAILED, options=SOON),
    Row(does="500 that claims to be 400, now and then", faults="claims400=3", ends=COMPLETE),
    Row(does="400 that quotes an overload, now and then", faults="busy400=3", ends=COMPLETE),
    Row(does="400 that quotes an overload, forever", faults="busy400=1", ends=FAILED),
    Row(does="200 with HTML, now and then", faults="html200=3", ends=COMPLETE),
    Row(does="200 with HTML forever", faults="html200=1", ends=FAILED),
    Row(does="half a body, now and then", faults="truncate=3", ends=COMPLETE),
    Row(does="half a body forever", faults="truncate=1", ends=FAILED),
    Row(does="a body that stalls, now and then", faults="stall=4", ends=COMPLETE, options=IMPATIENT),
    Row(does="a connection that is reset, now and then", faults="reset=3", ends=COMPLETE),
    Row(does="a wrong Content-Length, now and then", faults="length=3", ends=COMPLETE),
    Row(does="invalid JSON, now and then", faults="invalid=3", ends=COMPLETE),
    Row(does="JSON nested two million deep, now and then", faults="bomb=3", ends=COMPLETE),
    Row(does="invalid gzip, now and then", faults="garbage=3", ends=COMPLETE),
    Row(does="a lone surrogate in every page", faults="surrogate=1", ends=COMPLETE, same=False),
    Row(does="a redirect to another host", faults="elsewhere=3", ends=FAILED),
    Row(does="the same record on two pages", faults="twice=1", ends=COMPLETE),
    Row(does="the same page twice, now and then", faults="again=3", ends=COMPLETE),
    Row(does="the last records of a page again on the next", faults="overlap=1", ends=COMPLETE),
    Row(does="a cursor that restarts, now and then", faults="restart=3", ends=COMPLETE),
    Row(does="a cursor that always restarts", faults="restart=1", ends=FAILED),
    Row(does="an endless list", faults="endless=1", ends=FAILED),
    Row(does="a total that is too high", faults="total=5", ends=INCOMPLETE),
    Row(does="a total that is too high", faults="total=5", ends=ASKED, options=ANY),
    Row(does="a total that is too low", faults="total=-5", ends=INCOMPLETE),
    Row(does="totals that flicker between replicas", faults="flicker=1", ends=INCOMPLETE),
    Row(does="everything, whatever the query", faults="ignore-query=1", ends=COMPLETE, same=False),
    Row(does="nothing of a client that it listed before", faults="renamed-client=3", ends=INCOMPLETE, options=CLIENT),
    Row(does="no time of its own", faults="no-date", ends=COMPLETE),
    Row(does="a time that is a day ahead", faults="clock=86400", ends=COMPLETE),
    Row(does="a time that is a day behind", faults="clock=-86400", ends=COMPLETE),
    Row(does="a time that jumps ahead by an hour", faults="clock-jump=6:3600", ends=COMPLETE),
    Row(does="a time that jumps back by an hour", faults="clock-jump=6:-3600", ends=COMPLETE),
    Row(does="pages of more than 100 records time out after record 1,000", faults="heavy=100:999", ends=COMPLETE),
    Row(does="records created during the run", faults="drift=2:created:6", ends=DRIFTED, same=False),
    Row(does="records updated during the run", faults="drift=2:updated", ends=COMPLETE, same=False),
    Row(does="records withdrawn during the run", faults="drift=3:withdrawn:6", ends=DRIFTED, same=False),
    Row(does="all three", faults="drift=2:created,updated,withdrawn:6", ends=DRIFTED, same=False),
    Row(does="lists lose a record that has arrived and still exists", faults="unlisted=100:4", ends=INCOMPLETE),
    Row(does="lists lose a record that has arrived and still exists", faults="unlisted=100:4", ends=ASKED, options=ANY),
    Row(does="a record that only its own URL delivers", faults="poison=1300:page", ends=COMPLETE, same=False),
    Row(does="a record that cannot be fetched", faults="poison=1300", ends=INCOMPLETE),
    Row(does="a record that cannot be fetched", faults="poison=1300", ends=ASKED, options=ONE),
    Row(does="two records that cannot be fetched", faults="poison=700,1300", ends=INCOMPLETE, options=ONE),
    Row(does="two records that cannot be fetched", faults="poison=700,1300", ends=ASKED, options=ANY),
    Row(does="a record whose id cannot be fetched either", faults="poison=1300:utterly", ends=FAILED),
)

_HEAD = """# Reliability

This page shows what a server can do wrong, and how an export from it ends. It is rendered from the test that runs every
row against the sandbox (`python -m tests.support.fault_table`). If a row publishes nothing, the previous dataset stays,
byte for byte. "The same bytes" are those of an undisturbed run. To see any row, run
`datacite-etl export dois --sandbox --sandbox-options="--fault FAULT" --to out`.

While a server answers with 429, 5xx or the firewall's 403, the run sends fewer requests, and fewer at once, down to one
at a time; both recover with successful answers. A request is attempted up to `--attempts` times. When five requests
fail in a row, or one has used up its attempts, the run repeats a count that the server has answered before, to find
out whether the server itself is down. If it is, the run sends nothing else until the server is back, for at most
`--patience` seconds. Then the run ends, and the same command resumes it. A server that has never answered successfully
is given up after the attempts of the first request.

| The server sends | Fault | Options | The export ends | The same bytes |
|---|---|---|---|---|
"""


_SITUATIONS = """
An index that moves, lists late or has another clock is on [the page of completeness](completeness.md), what each fault
means on [that of the sandbox](sandbox.md).

## Machines, networks and files

Each line is the summary of one or more tests.

"""

_TAIL = """
## Other tests

- A kill before each file operation of an export of 20,000 records: the next run ends with the same bytes. Also a full
  disk, a destination that is removed or not writable, and a clock that goes backwards (`tests/laws/test_crashes.py`).
- `kill -9` at random moments, Ctrl-C, and two runs on one destination (`tests/laws/test_resume.py`).
- One per cent of all requests failing, a moving index and five kills together; every row is compared
  (`tests/laws/test_endurance.py`, any number of records).
- Storms of refusals, and a server that dies: rate and concurrency fall and recover (`tests/api/test_requester.py`).
- Mutated real bodies and damaged bytes, for any length of time (`tests/laws/test_fuzz.py`).
- No credentials in any output, file or log, or in anything that Prefect stores (`tests/api/test_secrets.py`,
  `tests/flows/test_secrets.py`).
"""


def page() -> str:
    """Return docs/reliability.md."""
    return _HEAD + "".join(map(_line, ROWS)) + _SITUATIONS + situations.table() + _TAIL


def _line(row: Row) -> str:
    published = row.ends in (COMPLETE, DRIFTED)
    fault, options = (f"`{text}`" if text else "" for text in (row.faults, " ".join(row.options)))
    same = ("yes" if row.same else "no") if published else ""
    return f"| {row.does} | {fault} | {options} | {row.ends.value} | {same} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
