"""The options of a sandbox are checked before it starts, and each error has a fix."""

from pathlib import Path

import pytest

from etl.errors import UsageError
from etl.sandbox.faults import KINDS
from etl.sandbox.options import read_options


def test_options_have_defaults():
    """Without options there is a sandbox of a few thousand records on a free port of this machine."""
    found = read_options([])
    assert (found.port, found.host, found.faults, found.json) == (0, "127.0.0.1", [], False)
    assert found.records > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--records", "-1"], "--records: -1 is not a number from 0"),
        (["--records", "many"], "--records: invalid"),
        (["--port", "65536"], "from 0 to 65535"),
        (["--window", "0"], "--window: 0 is not a duration"),
        (["--window", "inf"], "--window"),
        (["--fault", "nosuch=1"], "known are latency, error"),
        (["--fault", "twice=2.5"], "share"),
        (["--generation", "3"], "1.1"),
    ],
)
def test_a_value_that_cannot_be_is_named(arguments, says):
    """One line has the option and its value, and asks for another value."""
    with pytest.raises(UsageError) as caught:
        read_options(arguments)
    assert says in caught.value.message
    assert caught.value.fix == "give another value"


def test_an_option_that_there_is_not_is_told_which_there_are():
    """A prefix of an option is not accepted for it."""
    for unknown in ("--nope", "--rec"):
        with pytest.raises(UsageError, match=f"{unknown} 5; there are: .*--records, --seed"):
            read_options([unknown, "5"])


def test_the_page_about_the_sandbox_names_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [name.strip(" `") for cell in cells for name in cell.split(",")]
    assert sorted(named) == sorted(KINDS)
