"""The progress of a run: the time left by speed and by rate, quietly, in lines, or page by page."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from etl.cli.progress import Course, duration, progress
from etl.events import Noted, PageFetched, PartWritten, Planned, Retried, SliceDone
from etl.sandbox import Sandbox
from tests.conftest import Command
from tests.support.program import PROGRAM

PLANNED = Planned(slices=2, records=1_000_000, requests=1_000)
PAGE = PageFetched(slice_key="s", records=1_000, size=5_300, seconds=0.5)
EVENTS = (
    PLANNED,
    PAGE,
    Retried(url="u", reason="503", attempt=1, delay=2.0, page_size=100),
    SliceDone(slice_key="s", records=1_000, expected=1_000),
    PartWritten(part_key="p", rows=5_000, files=27),
    Noted(text="look here"),
)


class Clock:
    """A clock that a test sets. State: `now`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("pages", "seconds", "rate", "left"),
    [
        (0, 10, 475, None),  # nobody knows yet
        (100, 100, 1_000_000, 900),  # 1,000 records a second, and no limit
        (100, 100, 475, 900),  # 900 requests, 375 of them in this window: 332 s of waiting, so the speed counts
        (400, 10, 475, 525 / 475 * 300),  # fast, but 600 requests are left and 75 of them fit into this window
        (475, 300, 475, 525 / 475 * 300),  # the window is over: all that is left waits
        (1000, 500, 475, 0),
    ],
)
def test_the_time_left_is_told_by_speed_and_by_what_the_rate_allows(
    pages: int, seconds: float, rate: int, left: float | None
) -> None:
    """The longer estimate counts: a fast server does not help with a limit of 500 requests per 5 minutes."""
    clock = Clock()
    course = Course(rate, clock)
    course(PLANNED)
    for _ in range(pages):
        course(PAGE)
    clock.now = seconds
    assert course.left() == (None if left is None else pytest.approx(left))


def test_what_was_there_before_is_neither_fetched_nor_waited_for() -> None:
    """Slices from before a crash count as done, but not for the speed."""
    clock = Clock()
    course = Course(475, clock)
    course(PLANNED)
    course(SliceDone(slice_key="s", records=990_000, expected=990_000, resumed=True))
    course(PAGE)
    clock.now = 1.0
    assert (course.records, course.speed) == (991_000, 1_000)
    assert course.left() == pytest.approx(9)


def test_a_slice_that_is_done_counts_as_what_it_holds() -> None:
    """This holds even if an earlier run staged some of its pages, or some arrived twice in this one."""
    course = Course(475, Clock())
    course(PLANNED)
    course(PAGE)
    course(SliceDone(slice_key="s", records=28_000, expected=28_000))
    course(replace(PAGE, slice_key="t"))
    course(replace(PAGE, slice_key="t"))
    course(SliceDone(slice_key="t", records=1_000, expected=1_000))
    assert course.records == 29_000
    assert course.fetched == 3_000


def test_what_is_planned_later_is_more(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync finds windows to fetch again; if their number of records is unknown, none is shown."""
    course = Course(475, Clock())
    course(Planned(slices=1, records=3, requests=1))
    course(Planned(slices=2, records=4, requests=2))
    assert (course.slices, course.expected) == (3, 7)
    monkeypatch.setattr("etl.cli.progress.QUIET_SECONDS", 0.0)
    with progress(rate=475) as observe:
        observe(Planned(slices=2, records=None, requests=0))
        observe(SliceDone(slice_key="s", records=10_000, expected=10_000))
    assert capsys.readouterr().err.splitlines()[-1] == "10,000 records, 1 of 2 slices"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (61, "2 min"), (3_599, "1 h 00 min"), (9_000, "2 h 30 min")]
)
def test_lengths_of_time_are_written_for_people(seconds: float, said: str) -> None:
    """Rounded up, in the unit that fits."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"quiet": True}, ["look here"]),
        ({}, ["planned", "retry", "written", "look here"]),
        (
            {"verbose": True},
            [
                "planned",
                "page of slice s: 1,000 records, 5,300 bytes in 0.5 s",
                "retry",
                "slice s",
                "written",
                "look here",
            ],
        ),
    ],
)
def test_there_are_three_volumes(
    options: dict[str, bool], shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It shows only warnings, what matters, or everything; the plan names the time that the rate limit takes."""
    with progress(rate=475, **options) as observe:
        for event in EVENTS:
            observe(event)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(shown)
    assert all(line.startswith(said) for line, said in zip(lines, shown, strict=True))
    if not options.get("quiet"):
        assert "1,000 requests, at least 6 min at 475 per 5 minutes" in lines[0]


def test_events_say_what_they_count_in_the_right_number() -> None:
    """Singular and plural are right; a sync counts changed records, and the size of a data file is unknown."""
    one = Planned(slices=1, records=0, requests=1, noun="changed record")
    assert str(one) == "0 changed records in 1 slice, about 1 request"
    assert str(PLANNED) == "1,000,000 records in 2 slices, about 1,000 requests"
    assert str(Planned(slices=3, records=None, requests=0)) == "3 slices"
    assert str(PartWritten(part_key="p", rows=1, files=2)) == "part p, 1 row in 2 files"


def test_an_export_can_be_followed_page_by_page(box: Sandbox, command: Command, tmp_path: Path) -> None:
    """`--verbose` names pages and slices; `-q` leaves stderr empty."""
    asked = (
        "export",
        "dois",
        "--base-url",
        box.base_url,
        "--filter",
        "client-id=nihnci.tcia",
        "--tables",
        "doi_titles",
    )
    assert "page of slice" in command(*asked, "--to", tmp_path / "o", "--verbose").err
    assert command(*asked, "--to", tmp_path / "q", "-q").err == ""


def printed(*arguments: str, **environment: str) -> str:
    """Return what the command line prints in a process of its own."""
    run = [*PROGRAM, *arguments]
    done = subprocess.run(run, env=os.environ | environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_no_color_means_no_colour() -> None:
    """NO_COLOR turns colours off; without a terminal there are none anyway."""
    coloured = printed("export", "--help", FORCE_COLOR="1", NO_COLOR="")
    plain = printed("export", "--help", FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[3" in coloured
    assert "\x1b[3" not in plain
    assert "\x1b[" not in printed("export", "--help", FORCE_COLOR="", NO_COLOR="")


def test_completion_is_a_script_that_a_shell_takes(tmp_path: Path) -> None:
    """It is written to the given file, and bash completes commands and options with it."""
    script = tmp_path / "completion.bash"
    said = printed("--install-completion", "--shell", "bash", "--output", str(script), HOME=str(tmp_path))
    assert str(script) in said
    asked = f". {script}; complete -p datacite-etl"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    function = done.stdout.partition("-F ")[2].split()[0]
    offered = f'. {script}; COMP_WORDS=(datacite-etl exp); COMP_CWORD=1; {function}; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", offered], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["export"]
