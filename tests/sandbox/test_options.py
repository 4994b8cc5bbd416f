"""What a sandbox is started with: checked before anything is made, each complaint with what mends it."""

import pytest

from etl.errors import UsageError
from etl.sandbox.options import read


def test_options_have_defaults():
    """Without a word there is a sandbox of some thousand records on a free port of this machine."""
    found = read([])
    assert (found.port, found.host, found.faults, found.json) == (0, "127.0.0.1", [], False)
    assert found.records > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--records", "-1"], "--records: -1 is not a number from 0"),
        (["--records", "many"], "--records: invalid"),
        (["--port", "65536"], "from 0 to 65535"),
        (["--window", "0"], "--window: 0 is no length of time"),
        (["--window", "inf"], "--window"),
        (["--fault", "nosuch=1"], "known are latency, error"),
        (["--fault", "twice=2.5"], "share"),
        (["--generation", "3"], "1.1"),
    ],
)
def test_a_value_that_cannot_be_is_named(arguments, says):
    """The option and its value stand in one line, which asks for another value."""
    with pytest.raises(UsageError) as caught:
        read(arguments)
    assert says in caught.value.message
    assert caught.value.fix == "give another value"


def test_an_option_that_there_is_not_is_told_which_there_are():
    """Nor is a name taken for the one that it begins."""
    for unknown in ("--nope", "--rec"):
        with pytest.raises(UsageError, match=f"{unknown} 5; there are: .*--records, --seed"):
            read([unknown, "5"])
