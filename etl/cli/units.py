"""A nightly sync as systemd units and as a crontab line: only text, quoted as each of the two reads it."""

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from etl.errors import UsageError

_LONGEST = 100
"""Characters of a unit's name; systemd allows 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """A command line to run every night as a user; `path` is the dataset's folder, empty on an object store."""

    dataset: str
    path: str
    command: Sequence[str]
    hour: int
    minute: int
    user: str

    @property
    def name(self) -> str:
        """The units' name without its suffix, different for every dataset."""
        plain = re.sub(r"[^A-Za-z0-9_.]+", "-", self.dataset).strip("-")
        if len(plain) > _LONGEST or not re.fullmatch(r"[A-Za-z0-9_./]+", self.dataset):
            digest = hashlib.sha256(self.dataset.encode()).hexdigest()[:8]
            plain = f"{plain[-_LONGEST:].strip('-')}-{digest}".strip("-")
        return f"datacite-etl-sync-{plain}"


def service(nightly: Nightly) -> str:
    """Return the unit of one sync; failures are tried again, except those that only people can repair."""
    mounts = f"RequiresMountsFor={_word(nightly.path)}\n" if nightly.path else ""
    return f"""\
[Unit]
Description=Sync of {_percent(nightly.dataset)} with DataCite
Wants=network-online.target
After=network-online.target
{mounts}StartLimitIntervalSec=6h
StartLimitBurst=4

[Service]
Type=oneshot
User={_percent(nightly.user)}
# DATACITE_ETL_TOKEN=... and other variables; readable by that user only
EnvironmentFile=-/etc/datacite-etl/secrets.env
ExecStart={" ".join(map(_word, nightly.command))}
Restart=on-failure
RestartSec=15min
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=60
NoNewPrivileges=true
"""


def timer(nightly: Nightly) -> str:
    """Return the unit that starts the service every night, at a random moment of a quarter of an hour."""
    return f"""\
[Unit]
Description=Nightly sync of {_percent(nightly.dataset)} with DataCite

[Timer]
OnCalendar=*-*-* {nightly.hour:02}:{nightly.minute:02}:00
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target
"""


def crontab(nightly: Nightly) -> str:
    """Return the line for a crontab; cron mails what goes to stderr."""
    command = shlex.join(nightly.command).replace("%", r"\%")  # a bare % is a line break to cron
    return f"{nightly.minute} {nightly.hour} * * *  {command} > /dev/null"


def check_word(text: str) -> str:
    """Return a word of a command; UsageError if no unit and no crontab can hold it."""
    if not text.isprintable():
        raise UsageError(f"{text!r} has control characters", fix="leave them out, or rename the file")
    return text


def _word(text: str) -> str:
    """Quote a word of a command as systemd reads it."""
    escaped = _percent(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./:=@%+,-]+", escaped, re.ASCII) else f'"{escaped}"'


def _percent(text: str) -> str:
    return text.replace("%", "%%")
