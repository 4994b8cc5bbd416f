"""`datacite-etl doctor`: is everything here that a run needs, and what mends what is not."""

import asyncio
import os
import time
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl.cli.show import as_json, columns, line
from etl.options.asking import Showing, Talking

if TYPE_CHECKING:
    from etl.cli.checks import Check, Surroundings
    from etl.settings import Settings


def doctor(
    destination: Path = Path(),
    /,
    *,
    talking: Talking = Talking(),
    showing: Showing = Showing(),
) -> int:
    """Look at proxy, network, rate tier, clock, disk, packages and Prefect, and say what to fix.

    Ends with exit code 1 if something keeps runs from working. Warnings do not.

    **Examples**

    - `datacite-etl doctor`
    - `datacite-etl doctor /data/exports --mailto you@example.org`
    - `datacite-etl doctor --sandbox --json`

    Parameters
    ----------
    destination
        Folder that exports will go to; the current one by default.
    """
    from etl.cli.checks import Check, State, Surroundings, machine
    from etl.errors import UsageError

    around = Surroundings(
        destination=destination,
        remembered=talking.remembered(),
        prefect=prefect_url(),
    )
    try:
        with talking.settings() as settings:
            found = asyncio.run(_examined(around, replace(settings, connect_timeout=10, read_timeout=30)))
    except UsageError as error:
        found = [Check(name="settings", state=State.FAIL, says=error.message, fix=error.fix), *machine(around)]
    failed = [check.name for check in found if check.state is State.FAIL]
    if showing.json:
        as_json({"ok": not failed, "checks": [asdict(check) for check in found]})
    else:
        columns([(check.state.value, check.name, _sentence(check)) for check in found])
        line(f"not ready: {', '.join(failed)}" if failed else "ready")
    return 1 if failed else 0


async def _examined(around: "Surroundings", settings: "Settings") -> "list[Check]":
    from etl.cli import checks

    asked = [*await checks.server(settings, time.time()), await checks.prefect(around.prefect, settings.network)]
    return [*checks.route(settings), *asked[:-1], *checks.machine(around), asked[-1]]


def _sentence(check: "Check") -> str:
    return f"{check.says}; {check.fix}" if check.fix else check.says


def prefect_url() -> str:
    """Return the address of Prefect's API from the environment or its active profile; empty if there is none."""
    if told := os.environ.get("PREFECT_API_URL"):
        return told
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        profiles = tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return ""
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return str(profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL", ""))
