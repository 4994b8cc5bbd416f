"""`datacite-etl schedule`: print a systemd timer and service, or a crontab line, for a nightly sync."""

import os
import pwd
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from etl.cli import units
from etl.cli.show import as_json, line, note
from etl.cli.sync import sync
from etl.errors import UsageError
from etl.options.arguments import path_of
from etl.options.display import DisplayOptions

if TYPE_CHECKING:
    from etl.cli.units import Nightly

_PROGRAM = "datacite-etl"
_PATHS = ("--metrics-file",)
"""Options of sync that are paths."""
_FOLDER = "/etc/systemd/system"


def schedule(
    dataset: str,
    /,
    *options: Annotated[str, Parameter(allow_leading_hyphen=True)],
    at: str = "03:00",
    cron: Annotated[bool, Parameter(negative="")] = False,
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Print a systemd service and timer, or a crontab line, that sync a dataset every night.

    Nothing is installed. Paths are absolute, and all other options are passed on to `sync`. The service runs as the
    current user and is tried again after failures; cron mails errors. Variables, such as `DATACITE_ETL_TOKEN` and
    `DATACITE_ETL_CONFIG`, are not passed on: write them into `/etc/datacite-etl/secrets.env`, or into the crontab.

    **Examples**

    - `datacite-etl schedule out --mailto data@example.org`
    - `datacite-etl schedule out --at 01:30 --overlap 2d --metrics-file out.prom`
    - `datacite-etl schedule out --cron`

    Parameters
    ----------
    dataset
        Folder or `s3://` URL of the dataset.
    options
        Options of `sync`.
    at
        Time of day on this machine's clock, as HH:MM; 03:00 by default.
    cron
        Print a line for a crontab.
    """
    nightly = _nightly(dataset, options, at, quiet=cron)
    if nightly.path and not (Path(nightly.path) / "_etl" / "manifest.json").exists():
        note(f"note: {nightly.path} holds no dataset yet; export one there first")
    if display.json:
        as_json(
            {
                "crontab": units.crontab(nightly),
                "units": {
                    f"{nightly.name}.service": units.service(nightly),
                    f"{nightly.name}.timer": units.timer(nightly),
                },
            }
        )
    elif cron:
        line(units.crontab(nightly))
    else:
        line(f"# {_FOLDER}/{nightly.name}.service\n{units.service(nightly)}")
        line(f"# {_FOLDER}/{nightly.name}.timer\n{units.timer(nightly)}")
        line(f"# as root: systemctl daemon-reload && systemctl enable --now {nightly.name}.timer")
    return 0


def _nightly(dataset: str, options: Sequence[str], at: str, *, quiet: bool) -> "Nightly":
    where = path_of(dataset)
    path = "" if "://" in where else _absolute(where)
    time = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at.strip(), re.ASCII)
    if not time:
        raise UsageError(f"--at {at!r} is not a time of day", fix="write it as HH:MM, such as 03:00")
    _check_options(options)
    words = (_program(), "sync", path or where, *_with_absolute_paths(options), *(["--quiet"] if quiet else []))
    return units.Nightly(
        dataset=path or where,
        path=path,
        command=tuple(map(units.check_word, words)),
        hour=int(time[1]),
        minute=int(time[2]),
        user=_user(),
    )


def _user() -> str:
    """Return the name of the current user, or the number of one without a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _check_options(options: Sequence[str]) -> None:
    """Parse the options as `sync` will every night; CycloptsError or UsageError if it would refuse them."""
    app = App(name=_PROGRAM, default_command=sync)
    _, bound, _ = app.parse_args(["dataset", *options], exit_on_error=False, print_error=False)
    arguments = bound.arguments
    if "sync_options" in arguments:
        arguments["sync_options"].scope()
    if "server" in arguments and not arguments["server"].sandbox:
        with arguments["server"].settings():
            pass


def _with_absolute_paths(options: Sequence[str]) -> list[str]:
    """Make paths among options absolute."""
    words: list[str] = []
    for before, word in zip(("", *options), options, strict=False):
        name, equals, value = word.partition("=")
        if before in _PATHS:
            words.append(_absolute(path_of(word)))
        elif name in _PATHS and equals:
            words.append(f"{name}={_absolute(path_of(value))}")
        else:
            words.append(word)
    return words


def _absolute(path: str) -> str:
    """Return a path that does not depend on the working directory; links stay, because they may change."""
    return os.path.normpath(Path(path).absolute())


def _program() -> str:
    """Return the path of the installed program that belongs to this interpreter."""
    own = Path(sys.executable).parent / _PROGRAM
    program = str(own) if own.exists() else shutil.which(_PROGRAM)
    if not program:
        raise UsageError(f"the program {_PROGRAM} is not installed", fix="install the package, not only its modules")
    return _absolute(program)
