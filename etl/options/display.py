"""The options of what a command prints."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

DISPLAY = Group("Display", sort_key=4)


@Parameter(name="*", group=DISPLAY)
@dataclass(frozen=True, kw_only=True)
class DisplayOptions:
    """What is printed, and where."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print one JSON object on stdout, and nothing else."""

    quiet: Annotated[bool, Parameter(negative="", name=("--quiet", "-q"))] = False
    """Show no progress on stderr."""

    verbose: Annotated[bool, Parameter(negative="", name=("--verbose", "-v"))] = False
    """Report every page and slice on stderr."""
